#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keras/config_reader.h"
#include "layers/layer.h"

namespace charglow {

/// Makes a layer from its configuration. Notes what it does not support in the reader's problems; the layer
/// it returns is then not to be used.
using LayerFactory = std::unique_ptr<Layer> (*)(ConfigReader&);

/// What the engine itself puts into a model (layers/fold.cpp, layers/position_embedding.cpp), under names
/// that no class of Python can have.
inline constexpr const char* kFold = "TimeDistributed (fold)";
inline constexpr const char* kUnfold = "TimeDistributed (unfold)";
inline constexpr const char* kPositions = "Embedding (of positions)";

/// The factory of a Keras class ("GRU", "keras.layers>Dense" …), or nullptr where the engine has none.
LayerFactory findLayer(std::string_view className);

/// Every class of Keras the engine knows, in the order of the table.
std::vector<std::string> layerClasses();

/// Reads `config` as a layer of `className`: finds the factory, makes the layer, reports unknown classes and
/// options left over. nullptr where a problem was noted.
std::unique_ptr<Layer> makeLayer(const std::string& name, const std::string& className,
                                 const nlohmann::json& config, const Dialect& dialect,
                                 std::vector<Problem>& problems);

}  // namespace charglow
