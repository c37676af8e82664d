#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bundle/bundle.h"
#include "keras/choices.h"
#include "keras/dialect.h"
#include "keras/graph_spec.h"
#include "text/text_spec.h"

namespace charglow {

/// How the model itself reads text: the layer that an input leads to.
struct TextFront {
  std::string layer;
  std::string className;
  TextSpec spec;
  bool lacksVocabulary = false;  ///< neither its configuration nor the file's assets hold one
};

/// Takes the layers that turn text into ids out of a model whose input is text, so that its input is ids. One
/// entry for each of the model's inputs; nothing for those that are not text. Throws Error with all that is
/// not supported.
std::vector<std::optional<TextFront>> takeTextFronts(GraphSpec& spec, const Bundle& bundle,
                                                     const Dialect& dialect, Choices& choices);

}  // namespace charglow
