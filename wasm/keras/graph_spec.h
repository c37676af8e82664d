#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bundle/bundle.h"
#include "error.h"

namespace charglow {

/// A tensor of the configuration: output `tensor` of the `node`-th call of a layer (Keras's keras_history).
struct TensorRef {
  std::string layer;
  int node = 0;
  int tensor = 0;
};

/// One call of a layer in a functional model. In `args` and `kwargs` a tensor stands as {"tensor": i}, with i
/// an index into `inputs`.
struct CallSpec {
  std::vector<TensorRef> inputs;                     ///< in the order in which the arguments name them
  nlohmann::json args = nlohmann::json::array();     ///< by place
  nlohmann::json kwargs = nlohmann::json::object();  ///< by name
  std::vector<std::optional<TensorRef>> masks;       ///< handed over as tensors, input by input;
                                                     ///< empty: the inputs carry their own
  std::vector<size_t> unmasked;  ///< inputs that the call was told to take as having no mask

  /// The call of a layer whose one argument is these tensors.
  static CallSpec of(std::vector<TensorRef> inputs);
};

/// The index that {"tensor": i} holds; nothing for any other JSON.
std::optional<size_t> tensorIndex(const nlohmann::json& value);

/// A step on the way to a layer from the model that holds it: which object of its class it is in a list.
struct TreeStep {
  std::string list = "layers";  ///< where the list is, from the object before
  std::string className;        ///< empty: `list` is no list but the object itself
  size_t ordinal = 0;
};

/// A layer as the configuration describes it.
struct LayerSpec {
  std::string name;
  std::string className;
  nlohmann::json config;
  std::vector<CallSpec> calls;
  std::string model;            ///< the layer of the file that is the model it lies in; "" for the outermost
  std::string ownName;          ///< its name within the innermost model; "" where that is `name`
  std::vector<TreeStep> place;  ///< where Keras's objects hold it, from the outermost model on; empty for a
                                ///< layer that is none of the file's
  bool operation = false;       ///< a piece of a function: its class is one of layers/operations/registry.h
  std::vector<Problem> problems;  ///< why it cannot be made; empty where nothing is known against it
  /// The tensors it takes, where that is settled already: of a part of a layer (keras/blocks/expand_blocks.h)
  std::optional<std::vector<TensorView>> weights;

  [[nodiscard]] const std::string& nameInModel() const { return ownName.empty() ? name : ownName; }
};

/// A model's architecture with the dialects of the configuration resolved: Sequential or functional, Keras 1,
/// 2 or 3.
struct GraphSpec {
  std::vector<LayerSpec> layers;  ///< in the file's order
  std::vector<TensorRef> inputs;
  std::vector<TensorRef> outputs;
  /// Outputs (of the first call) of models among the layers, by the name that Keras knows them by: "encoder",
  /// or "encoder:1" for its second.
  std::map<std::string, TensorRef> models;
};

/// Whether a layer's entry in a configuration is a model of its own.
bool isModel(const std::string& className, const nlohmann::json& config);

/// Reads a `model_config` (or the result of model.to_json()). Layers are not interpreted here; models among
/// them stay layers (keras/nested_models.h).
/// Throws Error listing everything about the structure that is not understood. `where` opens the messages.
GraphSpec readGraphSpec(const nlohmann::json& modelConfig, const std::string& where);

}  // namespace charglow
