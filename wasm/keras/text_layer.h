#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "error.h"
#include "keras/choices.h"
#include "keras/dialect.h"
#include "keras/graph_spec.h"
#include "text/text_spec.h"

namespace charglow {

/// Whether a class of layer turns text into ids: TextVectorization, StringLookup.
bool readsText(std::string_view className);

/// What such a layer makes of text: ids (batch, spec.length).
struct TextLayer {
  TextSpec spec;  ///< without a vocabulary where `lacksVocabulary`
  bool lacksVocabulary = false;
};

/// Reads the configuration of a layer that turns text into ids
/// (keras/layers/preprocessing/text_vectorization.py, string_lookup.py and index_lookup.py, 2.15 and 3). It
/// is given strings (batch, `strings`), with 0 for any number of them, or (batch,) where `strings` is empty.
/// `vocabulary` is what the file holds for it beside the configuration, one token to a line (an asset of a
/// .keras archive), or nullptr. What is not supported is added to `problems`; what the layer leaves open is
/// chosen.
TextLayer readTextLayer(const LayerSpec& layer, std::optional<int> strings, const std::string* vocabulary,
                        const Dialect& dialect, Choices& choices, std::vector<Problem>& problems);

}  // namespace charglow
