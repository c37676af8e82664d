// keras/layers/*.py and keras/engine/topology.py of Keras 1.2.2, and keras/legacy/interfaces.py of 2.0, which
// renames the same options for callers.

#include "keras/keras_1.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace charglow {
namespace {

using nlohmann::json;

struct Rename {
  std::string_view className;  ///< "" where every class but Embedding means the same by it
  std::string_view from;
  std::string_view to;
};

constexpr std::array<Rename, 15> kOptions = {{{"", "output_dim", "units"},
                                              {"", "inner_activation", "recurrent_activation"},
                                              {"", "bias", "use_bias"},
                                              {"Conv1D", "nb_filter", "filters"},
                                              {"Conv1D", "filter_length", "kernel_size"},
                                              {"Conv1D", "border_mode", "padding"},
                                              {"Conv1D", "subsample_length", "strides"},
                                              {"Conv1D", "atrous_rate", "dilation_rate"},
                                              {"MaxPooling1D", "pool_length", "pool_size"},
                                              {"MaxPooling1D", "stride", "strides"},
                                              {"MaxPooling1D", "border_mode", "padding"},
                                              {"AveragePooling1D", "pool_length", "pool_size"},
                                              {"AveragePooling1D", "stride", "strides"},
                                              {"AveragePooling1D", "border_mode", "padding"},
                                              {"UpSampling1D", "length", "size"}}};

constexpr std::array<Rename, 3> kClasses = {{{"", "Convolution1D", "Conv1D"},
                                             {"", "AtrousConvolution1D", "Conv1D"},
                                             {"", "TimeDistributedDense", "Dense"}}};

/// How weights were once initialised, how training dropped them, and which of several ways computes the same.
constexpr std::array<std::string_view, 6> kWithoutEffect = {"init",         "inner_init", "forget_bias_init",
                                                            "consume_less", "dropout_W",  "dropout_U"};

/// Modes of Merge, and the classes of Keras 2 that do the same.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kMergeModes = {
    {{"sum", "Add"},
     {"mul", "Multiply"},
     {"ave", "Average"},
     {"max", "Maximum"},
     {"concat", "Concatenate"},
     {"dot", "Dot"}}};

/// A member of an object; null where there is none.
const json& memberOf(const json& object, const char* key) {
  static const json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

std::string classOf(const json& entry) {
  const json& name = memberOf(entry, "class_name");
  return name.is_string() ? name.get<std::string>() : "";
}

/// The list of a model's layers, or of the branches of a Merge; null where there is none.
const json& listOf(const json& entry) {
  const json& config = memberOf(entry, "config");
  return config.is_array() ? config : memberOf(config, "layers");
}

/// The layers within a model, a Merge or a wrapper.
std::vector<const json*> layersWithin(const json& entry) {
  std::vector<const json*> layers;
  if (const json& list = listOf(entry); list.is_array()) {
    for (const json& layer : list) layers.push_back(&layer);
  }
  if (const json& wrapped = memberOf(memberOf(entry, "config"), "layer"); wrapped.is_object())
    layers.push_back(&wrapped);
  return layers;
}

/// Whether `holds` is true of a layer anywhere in an architecture.
bool any(const json& entry, const std::function<bool(const json&)>& holds) {
  const std::vector<const json*> within = layersWithin(entry);
  return std::any_of(within.begin(), within.end(),
                     [&](const json* layer) { return holds(*layer) || any(*layer, holds); });
}

void renameOptions(const std::string& className, json& config) {
  for (const Rename& rename : kOptions) {
    const bool applies = rename.className.empty() ? className != "Embedding" : rename.className == className;
    const auto found = config.find(rename.from);
    if (!applies || found == config.end() || config.contains(rename.to)) continue;
    json value = *found;
    config.erase(found);
    config[std::string(rename.to)] = std::move(value);
  }
  for (const std::string_view key : kWithoutEffect) config.erase(std::string(key));
  if (className != "Embedding") config.erase("input_dim");  // the input's width, as a wish
  // 0 and 2 differ in training; 1 normalises by the sample at hand.
  if (className == "BatchNormalization" && config.contains("mode") &&
      (config["mode"] == 0 || config["mode"] == 2))
    config.erase("mode");
  if (className == "ZeroPadding1D" && config.contains("padding") && config["padding"].is_object()) {
    const json ends = config["padding"];
    config["padding"] = {ends.value("left_pad", json(0)), ends.value("right_pad", json(0))};
  }
}

/// A Merge with a mode of Keras's own as the class that Keras 2 has for it. "cos" has none.
void renameMerge(json& entry) {
  json& config = entry["config"];
  const json mode = config.value("mode", json());
  if (config.value("mode_type", json("raw")) != "raw") return;
  json own = {{"name", config.value("name", json(""))}};
  if (mode == "concat") own["axis"] = config.value("concat_axis", json(-1));
  if (mode == "dot" || mode == "cos") own["axes"] = config.value("dot_axes", json(-1));
  if (mode == "cos") own["mode"] = mode;
  const auto* found = std::find_if(kMergeModes.begin(), kMergeModes.end(),
                                   [&](const auto& known) { return mode == known.first; });
  if (found != kMergeModes.end()) {
    entry["class_name"] = found->second;
  } else if (mode != "cos") {
    return;
  }
  config = std::move(own);
}

/// The models that a Merge merges where it comes first in a Sequential; null for any other layer.
const json& branchesOf(const json& layer) {
  static const json none;
  const json& branches = memberOf(memberOf(layer, "config"), "layers");
  return classOf(layer) == "Merge" && branches.is_array() ? branches : none;
}

/// Whether all within is layers with options; otherwise the reader of configurations says what is wrong.
bool isSound(const json& entry) {
  const auto hasNone = [](const json& layer) { return !memberOf(layer, "config").is_structured(); };
  return !hasNone(entry) && !any(entry, hasNone);
}

bool startsWithBranches(const json& entry) {
  const json& list = listOf(entry);
  return classOf(entry) == "Sequential" && list.is_array() && !list.empty() &&
         !branchesOf(list[0]).is_null() && isSound(entry);
}

/// A functional model in the making.
class Functional {
 public:
  /// Adds layers one after the other, where the first may be a Merge of branches; the last of them.
  json addChain(const json& layers) {
    json last;
    for (const json& layer : layers) {
      if (!branchesOf(layer).is_null()) {
        last = addMerge(layer);
      } else {
        if (last.is_null()) last = addInput(layer);
        last = addCall(layer, json::array({last}));
      }
    }
    return last;
  }

  [[nodiscard]] json model(const json& output) const {
    return {{"class_name", "Model"},
            {"config",
             {{"layers", layers_}, {"input_layers", inputs_}, {"output_layers", json::array({output})}}}};
  }

 private:
  json addMerge(const json& merge) {
    json ends = json::array();
    for (const json& branch : branchesOf(merge)) ends.push_back(addBranch(branch));
    json layer = merge;
    layer["config"].erase("layers");
    return addCall(layer, ends);
  }

  json addBranch(const json& branch) {
    if (classOf(branch) == "Sequential" && listOf(branch).is_array()) return addChain(listOf(branch));
    const json& outputs = memberOf(memberOf(branch, "config"), "output_layers");
    if (classOf(branch) != "Model" || !listOf(branch).is_array() || !outputs.is_array() || outputs.empty())
      return addChain(json::array({branch}));
    for (const json& layer : listOf(branch)) layers_.push_back(layer);
    if (const json& inputs = memberOf(memberOf(branch, "config"), "input_layers"); inputs.is_array())
      inputs_.insert(inputs_.end(), inputs.begin(), inputs.end());
    return outputs[0];
  }

  /// Keras 1 names inputs by the class of what reads them, counting (keras/engine/topology.py,
  /// create_input_layer).
  json addInput(const json& reader) {
    std::string name = classOf(reader) + "_input_";
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    name += std::to_string(++named_[name]);
    const json& shape = memberOf(memberOf(reader, "config"), "batch_input_shape");
    layers_.push_back({{"class_name", "InputLayer"},
                       {"name", name},
                       {"config", {{"name", name}, {"batch_input_shape", shape}}},
                       {"inbound_nodes", json::array()}});
    inputs_.push_back({name, 0, 0});
    return inputs_.back();
  }

  /// Branches may share layers: one whose name was there before is called again.
  json addCall(const json& layer, const json& from) {
    const json& name = memberOf(memberOf(layer, "config"), "name");
    for (json& other : layers_) {
      if (memberOf(other, "name") != name || !memberOf(other, "inbound_nodes").is_array()) continue;
      other["inbound_nodes"].push_back(from);
      return {name, other["inbound_nodes"].size() - 1, 0};
    }
    json added = layer;
    added["name"] = name;
    added["inbound_nodes"] = json::array({from});
    layers_.push_back(std::move(added));
    return {name, 0, 0};
  }

  json layers_ = json::array();
  json inputs_ = json::array();
  std::map<std::string, int> named_;  ///< inputs named so far, by what their names start with
};

json translated(json entry) {
  if (startsWithBranches(entry)) {
    Functional functional;
    json list = listOf(entry);
    const json last = functional.addChain(list);
    return translated(functional.model(last));
  }
  if (!memberOf(entry, "config").is_structured()) return entry;
  json& config = entry["config"];
  if (config.is_array()) {
    for (json& layer : config) layer = translated(std::move(layer));
    return entry;
  }
  if (config.contains("layers") && config["layers"].is_array()) {
    for (json& layer : config["layers"]) layer = translated(std::move(layer));
  }
  if (config.contains("layer")) config["layer"] = translated(std::move(config["layer"]));
  std::string className = classOf(entry);
  for (const Rename& rename : kClasses) {
    if (className == rename.from) entry["class_name"] = className = rename.to;
  }
  if (className == "Merge") {
    renameMerge(entry);
  } else {
    renameOptions(className, config);
  }
  return entry;
}

}  // namespace

bool speaksKeras1(const json& modelConfig) {
  return any(modelConfig, [](const json& layer) {
    const json& config = memberOf(layer, "config");
    return classOf(layer) == "Merge" || !memberOf(config, "inner_init").is_null() ||
           (!memberOf(config, "init").is_null() && !memberOf(config, "output_dim").is_null());
  });
}

bool dependsOnBackend(const json& modelConfig) {
  return any(modelConfig, [](const json& layer) {
    return classOf(layer) == "Convolution1D" || classOf(layer) == "AtrousConvolution1D" ||
           memberOf(memberOf(layer, "config"), "border_mode") == "same";
  });
}

json inKeras2(const json& modelConfig) { return translated(modelConfig); }

}  // namespace charglow
