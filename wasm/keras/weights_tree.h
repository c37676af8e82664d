#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.h"
#include "error.h"
#include "keras/choices.h"
#include "keras/graph_spec.h"
#include "layers/layer.h"

namespace charglow {

/// Whether a layout is one of the trees of Keras 2.12 to 3 (scripts/FORMAT.md section 8).
bool isTreeLayout(std::string_view layout);

/// What a legacy file would say of a model whose weights lie in a tree: for each layer of `spec` its tensors,
/// those of its sublayers included, in the order of legacy `weight_names`. `layer` is the path of the layer's
/// group, also where that is missing; empty for a layer without weights that has none.
///
/// Keras names groups by class and place among its kind (keras/src/saving/saving_lib.py, _save_state), so
/// that is what decides. Where the file also says a layer's name and it is another one, that is a problem in
/// an archive, which holds both the weights and the architecture, and a note otherwise. Groups that no layer
/// takes are added to `problems`. `layers` are those of `spec`.
std::vector<LayerWeights> weightsOfTree(const GraphSpec& spec, std::span<const std::unique_ptr<Layer>> layers,
                                        const Bundle& bundle, Choices& choices,
                                        std::vector<Problem>& problems);

/// The text of the file `name` that a .keras archive carries for a layer of its own, such as a
/// TextVectorization's "vocabulary.txt"; nothing where there is none.
std::optional<std::string> assetOf(const LayerSpec& layer, std::string_view name, const Bundle& bundle);

/// "GlobalMaxPooling1D" -> "global_max_pooling1d" (keras/src/utils/naming.py 3.15, to_snake_case). With
/// `digits` as Keras 2 does it (keras/src/utils/generic_utils.py 2.15), where digits go on a word.
std::string snakeCase(std::string_view className, bool digits);

}  // namespace charglow
