#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace charglow {

/// A tensor of the configuration: output `tensor` of the `node`-th call of a layer (Keras's keras_history).
struct TensorRef {
  std::string layer;
  int node = 0;
  int tensor = 0;
};

/// One call of a layer in a functional model.
struct CallSpec {
  std::vector<TensorRef> inputs;
  nlohmann::json kwargs;  ///< object: what else it was called with
};

/// A layer as the configuration describes it.
struct LayerSpec {
  std::string name;
  std::string className;
  nlohmann::json config;
  std::vector<CallSpec> calls;
};

/// A model's architecture with the dialects of the configuration resolved: Sequential or functional, Keras 1,
/// 2 or 3.
struct GraphSpec {
  std::vector<LayerSpec> layers;  ///< in the file's order
  std::vector<TensorRef> inputs;
  std::vector<TensorRef> outputs;
};

/// Reads a `model_config` (or the result of model.to_json()). Layers are not interpreted here.
/// Throws Error listing everything about the structure that is not understood. `where` opens the messages.
GraphSpec readGraphSpec(const nlohmann::json& modelConfig, const std::string& where);

}  // namespace charglow
