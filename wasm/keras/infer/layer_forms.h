#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keras/infer/seen_layer.h"
#include "keras/infer/sizes.h"

namespace charglow {

/// A way in which a layer may compute: a class of Keras with what its weights say of its options, and which
/// shapes it makes of which.
struct LayerForm {
  std::string className;
  nlohmann::json config = nlohmann::json::object();
  /// Options that make the difference to the layer's other forms: "return_sequences", "true".
  std::vector<std::pair<std::string, std::string>> decisions{};
  int cost = 0;                ///< how unlikely it is
  size_t least = 1, most = 1;  ///< how many tensors it is called with
  /// The output's shape, or nothing where it does not take these inputs. What it thereby learns of unknown
  /// sizes is noted.
  std::function<std::optional<Sizes>(const std::vector<Sizes>& inputs, Unknowns& unknowns)> shape{};
  bool operation = false;  ///< `className` is one of layers/operations/registry.h

  /// The configuration of the layer it wraps, or its own.
  [[nodiscard]] const nlohmann::json& inner() const {
    return config.contains("layer") ? config["layer"]["config"] : config;
  }
  [[nodiscard]] nlohmann::json& inner() {
    return config.contains("layer") ? config["layer"]["config"] : config;
  }
};

/// What a layer may be, the likeliest first; none where its weights are those of no layer that is known. By
/// its weights where it has some, and by its name: the names that Keras gives begin with the class.
std::vector<LayerForm> formsOf(const SeenLayer& layer);

/// Whether a layer is an input of the model.
bool isInput(const SeenLayer& layer);

}  // namespace charglow
