#include "keras/graph_spec.h"

#include <algorithm>
#include <utility>

#include "bundle/strict_json.h"
#include "error.h"
#include "keras/config_reader.h"

namespace charglow {
namespace {

using nlohmann::json;

/// More layers than any text model has, few enough that walking the graph cannot exhaust a small stack.
constexpr size_t kMaxLayers = 1000;
/// Calls of layers, which is what walking the graph follows, and tensors that calls read.
constexpr size_t kMaxCalls = 1000;
constexpr size_t kMaxReferences = 10000;
/// Bytes of a name, which every message about the layer repeats.
constexpr size_t kMaxName = 512;

std::string kindOf(const json& value) { return value.is_null() ? "nothing" : value.type_name(); }

/// Reads one model configuration; gathers problems so that all of them are told at once.
class SpecReader {
 public:
  explicit SpecReader(std::string where) : where_(std::move(where)) {}

  GraphSpec read(const json& model) {
    const std::string className = textOf(model, "class_name", where_);
    if (className == "Sequential") {
      readSequential(model);
    } else if (className == "Functional" || className == "Model") {
      readFunctional(model);
    } else if (problems_.empty()) {
      refuse("model-class", where_ + ", class_name", "Sequential, Functional or Model",
             "\"" + className + "\"",
             "A subclassed model stores no architecture; rebuild it with the functional API.");
    }
    for (const LayerSpec& layer : spec_.layers) {
      if (layer.name.size() > kMaxName || layer.className.size() > kMaxName) {
        refuse("config-structure", where_ + ", a layer's name",
               "at most " + std::to_string(kMaxName) + " bytes",
               std::to_string(std::max(layer.name.size(), layer.className.size())));
      }
    }
    atMost(kMaxLayers, spec_.layers.size(), "layers");
    size_t calls = 0;
    for (const LayerSpec& layer : spec_.layers) calls += layer.calls.size();
    atMost(kMaxCalls, calls, "calls of layers");
    atMost(kMaxReferences, references_, "inputs of layers");
    if (!problems_.empty()) throw Error(std::move(problems_));
    return std::move(spec_);
  }

 private:
  void refuse(std::string code, std::string at, std::string expected, std::string actual,
              std::string hint = "") {
    problems_.push_back(
        {std::move(code), std::move(at), std::move(expected), std::move(actual), std::move(hint)});
  }

  void atMost(size_t limit, size_t count, const char* what) {
    if (count <= limit) return;
    refuse("config-structure", where_, "at most " + std::to_string(limit) + " " + what,
           std::to_string(count));
  }

  std::string textOf(const json& object, const char* key, const std::string& at) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    if (found == object.end() || !found->is_string()) {
      refuse("config-structure", at + ", " + key, "a string",
             found == object.end() ? "nothing" : kindOf(*found));
      return "";
    }
    return found->get<std::string>();
  }

  /// class_name, config and name, which every dialect has. Older Sequential lists keep the name in the config
  /// only.
  LayerSpec layerOf(const json& entry, const std::string& at) {
    LayerSpec layer;
    layer.className = textOf(entry, "class_name", at);
    if (!entry.is_object() || !entry.contains("config") || !entry["config"].is_object()) {
      refuse("config-structure", at + ", config", "an object", "nothing");
      return layer;
    }
    layer.config = entry["config"];
    layer.name = entry.contains("name") && entry["name"].is_string() ? entry["name"].get<std::string>()
                                                                     : textOf(layer.config, "name", at);
    return layer;
  }

  /// Sequential: a list of layers (Keras 1 to 2.2.2) or {"name", "layers"}. The InputLayer is listed from
  /// TF 2.2 on; before that the first layer's batch_input_shape stands for it.
  void readSequential(const json& model) {
    const json none;
    const json& config = model.contains("config") ? model["config"] : none;
    const json& list = config.is_object() && config.contains("layers") ? config["layers"] : config;
    if (!list.is_array() || list.empty()) {
      refuse("config-structure", where_ + ", config", "a list of layers", kindOf(list));
      return;
    }
    for (size_t i = 0; i < list.size(); ++i) {
      LayerSpec layer = layerOf(list[i], where_ + ", layer " + std::to_string(i));
      if (i == 0 && layer.className != "InputLayer") addInput(layer, config);
      if (!spec_.layers.empty())
        layer.calls = {{{{spec_.layers.back().name, 0, 0}}, json::object()}};
      else
        layer.calls = {{{}, json::object()}};
      spec_.layers.push_back(std::move(layer));
    }
    spec_.inputs = {{spec_.layers.front().name, 0, 0}};
    spec_.outputs = {{spec_.layers.back().name, 0, 0}};
  }

  void addInput(const LayerSpec& first, const json& config) {
    LayerSpec input;
    input.className = "InputLayer";
    input.name = first.name + "_input";  // the name Keras itself gives it
    json shape;
    for (const char* key : {"batch_input_shape", "batch_shape"}) {
      if (first.config.contains(key)) shape = first.config[key];
    }
    if (shape.is_null() && config.is_object() && config.contains("build_input_shape"))
      shape = config["build_input_shape"];
    if (shape.is_null() && first.className == "Embedding") shape = json::array({nullptr, nullptr});
    if (shape.is_null()) {
      refuse("input-shape", where_ + ", the first layer",
             "batch_input_shape on the first layer of a Sequential model", "nothing",
             "Save the model after it has been built, so that its input shape is known.");
    }
    input.config = {{"name", input.name}, {"batch_input_shape", shape}};
    input.calls = {{{}, json::object()}};
    spec_.layers.push_back(std::move(input));
  }

  void readFunctional(const json& model) {
    if (!model.contains("config") || !model["config"].is_object() || !model["config"].contains("layers") ||
        !model["config"]["layers"].is_array()) {
      refuse("config-structure", where_ + ", config", "an object with \"layers\"", "none");
      return;
    }
    const json& config = model["config"];
    for (const json& entry : config["layers"]) {
      LayerSpec layer = layerOf(entry, where_ + ", layer " + std::to_string(spec_.layers.size()));
      const json none = json::array();
      readCalls(layer, entry.contains("inbound_nodes") ? entry["inbound_nodes"] : none);
      spec_.layers.push_back(std::move(layer));
    }
    spec_.inputs = readEnds(config, "input_layers");
    spec_.outputs = readEnds(config, "output_layers");
  }

  /// input_layers and output_layers: [["in", 0, 0], …], or flat ["in", 0, 0] where there is only one.
  std::vector<TensorRef> readEnds(const json& config, const char* key) {
    std::vector<TensorRef> refs;
    const json none;
    const json& list = config.contains(key) ? config[key] : none;
    const std::string at = where_ + ", " + key;
    if (list.is_array() && !list.empty() && list[0].is_string()) {
      addRef(list, refs, at);
    } else if (list.is_array()) {
      for (const json& item : list) addRef(item, refs, at);
    }
    if (refs.empty()) refuse("config-structure", at, "a list of [layer, node, tensor]", kindOf(list));
    return refs;
  }

  void addRef(const json& item, std::vector<TensorRef>& refs, const std::string& at) {
    const bool three = item.is_array() && item.size() >= 3 && item[0].is_string();
    const std::optional<int> node = three ? wholeNumber(item[1]) : std::nullopt;
    const std::optional<int> tensor = three ? wholeNumber(item[2]) : std::nullopt;
    if (!node || !tensor) {
      refuse("config-structure", at, "[layer, node, tensor]", describeJson(item));
      return;
    }
    ++references_;
    refs.push_back({item[0].get<std::string>(), *node, *tensor});
  }

  json argumentsOf(const json& kwargs, const std::string& at) {
    if (kwargs.is_object()) return kwargs;
    if (!kwargs.is_null())
      refuse("config-structure", at + ", call arguments", "an object", describeJson(kwargs));
    return json::object();
  }

  /// inbound_nodes, one entry for each call. Keras 1 and 2: [[["layer", node, tensor, {kwargs}], …], …];
  /// Keras 3:
  /// [{"args": [...], "kwargs": {...}}, …] with __keras_tensor__ objects in args.
  void readCalls(LayerSpec& layer, const json& nodes) {
    const std::string at = "layer \"" + layer.name + "\", inbound_nodes";
    if (!nodes.is_array()) {
      refuse("config-structure", at, "a list", kindOf(nodes));
      return;
    }
    for (const json& node : nodes) {
      CallSpec call;
      call.kwargs = json::object();
      if (node.is_object()) {
        if (node.contains("kwargs")) call.kwargs = argumentsOf(node["kwargs"], at);
        if (node.contains("args")) addKerasTensors(node["args"], call, at, 0);
        // Keras 2 lists a recurrent layer's initial state with its inputs; Keras 3 hands it over by name.
        if (call.kwargs.contains("initial_state") && !call.kwargs["initial_state"].is_null()) {
          const json states = call.kwargs["initial_state"];
          call.kwargs.erase("initial_state");
          addKerasTensors(states.is_array() ? states : json::array({states}), call, at, 0);
        }
      } else if (node.is_array()) {
        // tf.keras writes the calls of operation layers without the inner list.
        const bool single = !node.empty() && node[0].is_string();
        for (const json& item : single ? json::array({node}) : node) {
          addRef(item, call.inputs, at);
          if (item.is_array() && item.size() > 3) call.kwargs.update(argumentsOf(item[3], at));
        }
      } else {
        refuse("config-structure", at, "a list or an object for each call", kindOf(node));
      }
      layer.calls.push_back(std::move(call));
    }
    // An InputLayer is called by nobody.
    if (layer.calls.empty()) layer.calls.push_back({{}, json::object()});
  }

  /// Tensors among the arguments of a Keras 3 call, also in lists. Other arguments are kept with the keyword
  /// ones, under their position, for whoever knows what they mean to the layer.
  void addKerasTensors(const json& args, CallSpec& call, const std::string& at, int depth) {
    size_t position = 0;
    for (const json& arg : args) {
      if (arg.is_array() && depth < 4) {
        addKerasTensors(arg, call, at, depth + 1);
      } else if (arg.is_object() && arg.value("class_name", json()) == "__keras_tensor__" &&
                 arg.contains("config") && arg["config"].is_object() &&
                 arg["config"].contains("keras_history")) {
        addRef(arg["config"]["keras_history"], call.inputs, at);
      } else {
        call.kwargs[std::to_string(position)] = arg;
      }
      ++position;
    }
  }

  std::string where_;
  size_t references_ = 0;
  GraphSpec spec_;
  std::vector<Problem> problems_;
};

}  // namespace

GraphSpec readGraphSpec(const nlohmann::json& modelConfig, const std::string& where) {
  return SpecReader(where).read(modelConfig);
}

}  // namespace charglow
