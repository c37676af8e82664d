#include "keras/graph_spec.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "bundle/strict_json.h"
#include "error.h"
#include "keras/config_reader.h"
#include "keras/text_layer.h"

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
    const json none;
    const json& config = model.is_object() && model.contains("config") ? model["config"] : none;
    if (className == "Sequential") {
      readSequential(model);
    } else if (className == "Functional" || className == "Model" || isModel(className, config)) {
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
    // Sequential lists no InputLayer among its layers, but that changes no other class's count.
    std::map<std::string, size_t> counts;
    for (LayerSpec& layer : spec_.layers)
      layer.place = {{.className = layer.className, .ordinal = counts[layer.className]++}};
    atMost(kMaxLayers, spec_.layers.size(), "layers");
    size_t calls = 0;
    for (const LayerSpec& layer : spec_.layers) calls += layer.calls.size();
    atMost(kMaxCalls, calls, "calls of layers");
    atMost(kMaxReferences, references_, "inputs of layers");
    if (!problems_.empty()) throw Error(std::move(problems_));
    return std::move(spec_);
  }

 private:
  void refuse(std::string_view code, std::string_view at, std::string_view expected, std::string_view actual,
              std::string_view hint = {}) {
    problems_.push_back({code, at, expected, actual, hint});
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
    // The configuration of a Sequential among the layers was a plain list up to Keras 2.2.2.
    const bool listed =
        layer.className == "Sequential" && entry.contains("config") && entry["config"].is_array();
    if (!entry.is_object() || !entry.contains("config") || !(entry["config"].is_object() || listed)) {
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
      layer.calls = {spec_.layers.empty() ? CallSpec{} : CallSpec::of({{spec_.layers.back().name, 0, 0}})};
      spec_.layers.push_back(std::move(layer));
    }
    spec_.inputs = {{spec_.layers.front().name, 0, 0}};
    spec_.outputs = {{spec_.layers.back().name, 0, 0}};
  }

  /// The input shape that a layer's own configuration states; of a model that comes first, its own input's.
  static json statedShape(const std::string& className, const json& config, int depth = 0) {
    for (const char* key : {"batch_input_shape", "batch_shape"}) {
      if (config.contains(key)) return config[key];
    }
    if (!isModel(className, config) || depth == 8) return nullptr;
    const json& layers = config.is_object() ? config["layers"] : config;
    if (layers.is_array() && !layers.empty() && layers[0].is_object() && layers[0].contains("config"))
      return statedShape(layers[0].value("class_name", ""), layers[0]["config"], depth + 1);
    return nullptr;
  }

  void addInput(const LayerSpec& first, const json& config) {
    LayerSpec input;
    input.className = "InputLayer";
    input.name = first.name + "_input";  // the name Keras itself gives it
    json shape = statedShape(first.className, first.config);
    if (shape.is_null() && config.is_object() && config.contains("build_input_shape"))
      shape = config["build_input_shape"];
    if (shape.is_null() && first.className == "Embedding") shape = json::array({nullptr, nullptr});
    if (shape.is_null() && readsText(first.className)) shape = json::array({nullptr, 1});
    if (shape.is_null()) {
      refuse("input-shape", where_ + ", the first layer",
             "batch_input_shape on the first layer of a Sequential model", "nothing",
             "Save the model after it has been built, so that its input shape is known.");
    }
    input.config = {{"name", input.name}, {"batch_input_shape", shape}};
    input.calls = {CallSpec{}};
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
      if (entry.is_object() && entry.contains("name") && entry["name"].is_string())
        names_.insert(entry["name"].get<std::string>());
    }
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
    // A mask says which timesteps of an input count, but to Softmax, which takes it as numbers of any shape.
    const bool masks = layer.className != "Softmax";
    for (const json& node : nodes) {
      if (node.is_object()) {
        layer.calls.push_back(readCallOfKeras3(node, masks, at));
      } else if (node.is_array()) {
        layer.calls.push_back(readCallOfKeras2(node, masks, at));
      } else {
        refuse("config-structure", at, "a list or an object for each call", kindOf(node));
      }
    }
    // An InputLayer is called by nobody.
    if (layer.calls.empty()) layer.calls.push_back({});
  }

  CallSpec readCallOfKeras2(const json& node, bool masks, const std::string& at) {
    CallSpec call;
    json first = json::array();
    json kwargs = json::object();
    // tf.keras writes the calls of operation layers without the inner list.
    const bool single = !node.empty() && node[0].is_string();
    for (const json& item : single ? json::array({node}) : node) {
      if (item.is_array() && item.size() > 3) kwargs.update(argumentsOf(item[3], at));
      if (item.is_array() && item.size() > 2 && item[0] == "_CONSTANT_VALUE") {
        first.push_back(item[2]);
      } else {
        first.push_back({{"tensor", call.inputs.size()}});
        addRef(item, call.inputs, at);
      }
    }
    if (!first.empty()) call.args.push_back(first.size() == 1 ? first[0] : first);
    const auto tensorOf = [&](const json& item) {
      const bool ref = item.is_array() && item.size() == 3 && item[0].is_string() && wholeNumber(item[1]) &&
                       wholeNumber(item[2]) && names_.contains(item[0].get<std::string>());
      return ref ? &item : nullptr;
    };
    for (const auto& [key, value] : kwargs.items()) {
      if (key == "mask" && masks && !single) {
        readMasks(value, call, at, tensorOf);
      } else {
        call.kwargs[key] = withTensors(value, call, at, 0, tensorOf);
      }
    }
    return call;
  }

  CallSpec readCallOfKeras3(const json& node, bool masks, const std::string& at) {
    const auto tensorOf = [](const json& item) -> const json* {
      const bool ref = item.is_object() && item.value("class_name", json()) == "__keras_tensor__" &&
                       item.contains("config") && item["config"].is_object() &&
                       item["config"].contains("keras_history");
      return ref ? &item["config"]["keras_history"] : nullptr;
    };
    CallSpec call;
    if (node.contains("args") && node["args"].is_array())
      call.args = withTensors(node["args"], call, at, 0, tensorOf);
    if (!node.contains("kwargs")) return call;
    const json kwargs = argumentsOf(node["kwargs"], at);
    for (const auto& [key, value] : kwargs.items()) {
      if (key == "mask" && masks) {
        readMasks(value, call, at, tensorOf);
      } else {
        call.kwargs[key] = withTensors(value, call, at, 0, tensorOf);
      }
    }
    return call;
  }

  /// mask=…, a tensor or one for each input. Keras 2 writes it where the model's author said it, Keras 3
  /// wherever its layers found masks on their inputs. Nothing at all leaves the inputs their own; among
  /// several, None means none (keras/src/layers/layer.py, __call__).
  template <class TensorOf>
  void readMasks(const json& value, CallSpec& call, const std::string& at, TensorOf tensorOf) {
    const bool one = value.is_null() || tensorOf(value) != nullptr || !value.is_array();
    for (const json& item : one ? json::array({value}) : value) {
      std::vector<TensorRef> refs;
      if (const json* ref = tensorOf(item)) {
        addRef(*ref, refs, at);
      } else if (item.is_null()) {
        if (!one) call.unmasked.push_back(call.masks.size());
      } else {
        refuse("config-structure", at + ", mask", "a tensor, or nothing", describeJson(item));
      }
      call.masks.push_back(refs.empty() ? std::nullopt : std::optional(refs[0]));
    }
  }

  /// `value` with every tensor in it, however deep in lists and objects, replaced by {"tensor": i}.
  /// `tensorOf` tells the reference in a JSON value that is a tensor.
  template <class TensorOf>
  json withTensors(const json& value, CallSpec& call, const std::string& at, int depth, TensorOf tensorOf) {
    if (const json* ref = tensorOf(value)) {
      addRef(*ref, call.inputs, at);
      return {{"tensor", call.inputs.empty() ? 0 : call.inputs.size() - 1}};
    }
    if (depth == 8 || !(value.is_array() || value.is_object())) return value;
    json copy = value.is_array() ? json::array() : json::object();
    if (value.is_array()) {
      for (const json& item : value) copy.push_back(withTensors(item, call, at, depth + 1, tensorOf));
    } else {
      for (const auto& [key, item] : value.items())
        copy[key] = withTensors(item, call, at, depth + 1, tensorOf);
    }
    return copy;
  }

  std::string where_;
  size_t references_ = 0;
  std::set<std::string> names_;  ///< of the model's layers
  GraphSpec spec_;
  std::vector<Problem> problems_;
};

}  // namespace

CallSpec CallSpec::of(std::vector<TensorRef> inputs) {
  CallSpec call;
  json tensors = json::array();
  for (size_t i = 0; i < inputs.size(); ++i) tensors.push_back({{"tensor", i}});
  call.args.push_back(tensors.size() == 1 ? tensors[0] : tensors);
  call.inputs = std::move(inputs);
  return call;
}

std::optional<size_t> tensorIndex(const json& value) {
  if (!value.is_object() || value.size() != 1 || !value.contains("tensor")) return std::nullopt;
  const std::optional<int> index = wholeNumber(value["tensor"]);
  return index && *index >= 0 ? std::optional(static_cast<size_t>(*index)) : std::nullopt;
}

bool isModel(const std::string& className, const json& config) {
  if (className == "Sequential" || className == "Functional" || className == "Model") return true;
  // A registered subclass of Model that was built by the functional API.
  return config.is_object() && config.contains("layers") && config["layers"].is_array() &&
         config.contains("input_layers") && config.contains("output_layers");
}

GraphSpec readGraphSpec(const nlohmann::json& modelConfig, const std::string& where) {
  return SpecReader(where).read(modelConfig);
}

}  // namespace charglow
