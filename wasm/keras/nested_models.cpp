#include "keras/nested_models.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "error.h"
#include "layers/registry.h"

namespace charglow {
namespace {

/// Models in models in models …: more than anybody writes, few enough for a small stack.
constexpr int kMaxDepth = 16;
/// Layers and calls after inlining; each counts, since models called several times multiply.
constexpr size_t kMaxInlined = 20000;

/// Layers that TimeDistributed may hand all timesteps at once, since they compute every row of the last axis
/// by itself and know of no mask, no state and no attention (layers/time_distributed.cpp).
constexpr std::array<std::string_view, 16> kRowByRow = {"Dense",
                                                        "Activation",
                                                        "Softmax",
                                                        "ReLU",
                                                        "LeakyReLU",
                                                        "ThresholdedReLU",
                                                        "ELU",
                                                        "PReLU",
                                                        "LayerNormalization",
                                                        "BatchNormalization",
                                                        "Dropout",
                                                        "SpatialDropout1D",
                                                        "GaussianDropout",
                                                        "AlphaDropout",
                                                        "GaussianNoise",
                                                        "ActivityRegularization"};

/// Whether a layer is a TimeDistributed of anything else.
bool isDistributed(const LayerSpec& layer) {
  const nlohmann::json& config = layer.config;
  if (layer.className != "TimeDistributed" || !config.is_object() || !config.contains("layer")) return false;
  const nlohmann::json& wrapped = config["layer"];
  if (!wrapped.is_object() || !wrapped.contains("config") || !wrapped.contains("class_name") ||
      !wrapped["class_name"].is_string())
    return false;
  const std::string className = wrapped["class_name"].get<std::string>();
  return std::find(kRowByRow.begin(), kRowByRow.end(), className) == kRowByRow.end();
}

/// Makes of a reference to one of these layers the one that stands for it.
void redirectTo(const std::map<std::string, TensorRef>& instead, TensorRef& ref) {
  if (const auto found = instead.find(ref.layer); found != instead.end()) ref = found->second;
}

/// One model among the layers, with what stands for its calls.
struct Inner {
  GraphSpec spec;
  std::map<std::string, size_t> calls;  ///< how often each of its layers is called within one call of it
  int firstNode = 0;                    ///< the index by which others refer to its first call
};

class Inliner {
 public:
  explicit Inliner(const std::string& where) : where_(where) {}

  GraphSpec inlined(GraphSpec spec, int depth) {
    std::map<std::string, Inner> models;
    for (const LayerSpec& layer : spec.layers) {
      if (!isModel(layer.className, layer.config) && !isDistributed(layer)) continue;
      if (depth == kMaxDepth)
        refuse(layer.name, "models nested less deep", "more than " + std::to_string(kMaxDepth));
      models.emplace(layer.name, read(layer, spec, depth));
    }
    if (models.empty()) return spec;
    GraphSpec flat;
    for (LayerSpec& layer : spec.layers) {
      const auto found = models.find(layer.name);
      if (found == models.end()) {
        for (CallSpec& call : layer.calls) redirect(call, models);
        add(flat, std::move(layer));
      } else {
        addInner(flat, layer, found->second, models);
        nameOutputs(flat, layer, found->second, models);
      }
    }
    for (const TensorRef& input : spec.inputs) flat.inputs.push_back(input);
    for (const TensorRef& output : spec.outputs) flat.outputs.push_back(resolved(output, models));
    return flat;
  }

 private:
  [[noreturn]] void refuse(const std::string& model, std::string_view expected,
                           std::string_view actual) const {
    throw Error({"config-structure", where_ + ", model \"" + model + "\"", expected, actual, ""});
  }

  Inner read(const LayerSpec& layer, const GraphSpec& outer, int depth) {
    Inner inner;
    inner.spec = isDistributed(layer)
                     ? distributed(layer, depth)
                     : inlined(modelOf(layer.className, layer.config, layer.name), depth + 1);
    for (const LayerSpec& own : inner.spec.layers) inner.calls[own.name] = own.calls.size();
    inner.firstNode = firstNodeOf(layer, outer);
    return inner;
  }

  GraphSpec modelOf(const nlohmann::json& className, const nlohmann::json& config,
                    const std::string& name) const {
    return readGraphSpec({{"class_name", className}, {"config", config}},
                         where_ + ", model \"" + name + "\"");
  }

  /// TimeDistributed as a model: its inputs' timesteps become rows (layers/fold.cpp), what it wraps runs on
  /// these, and its outputs are put back.
  GraphSpec distributed(const LayerSpec& layer, int depth) {
    const nlohmann::json& wrapped = layer.config["layer"];
    GraphSpec rows = isModel(wrapped["class_name"].get<std::string>(), wrapped["config"])
                         ? modelOf(wrapped["class_name"], wrapped["config"], layer.name)
                         : modelOfOne(wrapped);
    for (LayerSpec& own : rows.layers)
      own.place.insert(own.place.begin(), TreeStep{.list = "layer", .className = "", .ordinal = 0});
    rows = inlined(std::move(rows), depth + 1);
    std::set<std::string> names;
    for (const LayerSpec& own : rows.layers) names.insert(own.name);
    const auto added = [&](std::string name, const char* className, std::vector<TensorRef> inputs) {
      while (!names.insert(name).second) name += "_";
      LayerSpec spec;
      spec.name = std::move(name);
      spec.className = className;
      spec.config = nlohmann::json::object();
      spec.calls = {CallSpec::of(std::move(inputs))};
      return spec;
    };
    std::map<std::string, TensorRef> folded;
    std::vector<LayerSpec> folds;
    for (const TensorRef& input : rows.inputs) {
      folds.push_back(added("fold", kFold, {input}));
      folded[input.layer] = {folds.back().name, 0, 0};
    }
    for (LayerSpec& own : rows.layers) {
      for (CallSpec& call : own.calls) {
        for (TensorRef& ref : call.inputs) redirectTo(folded, ref);
        for (std::optional<TensorRef>& mask : call.masks) {
          if (mask) redirectTo(folded, *mask);
        }
      }
    }
    rows.layers.insert(rows.layers.end(), folds.begin(), folds.end());
    for (TensorRef& output : rows.outputs) {
      redirectTo(folded, output);
      rows.layers.push_back(added("unfold", kUnfold, {output, rows.inputs[0]}));
      output = {rows.layers.back().name, 0, 0};
    }
    for (auto& [name, output] : rows.models) redirectTo(folded, output);
    return rows;
  }

  /// A model of one layer and its input.
  static GraphSpec modelOfOne(const nlohmann::json& entry) {
    LayerSpec layer;
    layer.className = entry["class_name"].get<std::string>();
    layer.config = entry["config"];
    const bool named =
        layer.config.is_object() && layer.config.contains("name") && layer.config["name"].is_string();
    layer.name = named ? layer.config["name"].get<std::string>() : "layer";
    LayerSpec input;
    input.className = "InputLayer";
    input.name = layer.name + "_input";
    input.calls = {CallSpec{}};
    layer.calls = {CallSpec::of({{input.name, 0, 0}})};
    GraphSpec spec;
    spec.inputs = {{input.name, 0, 0}};
    spec.outputs = {{layer.name, 0, 0}};
    spec.layers = {std::move(input), std::move(layer)};
    return spec;
  }

  /// Keras counts the call that built a functional model as node 0 and writes the model's calls from 1 on
  /// (keras/engine/functional.py, _should_skip_first_node); for others it starts at 0. Which it is shows in
  /// the references: one past the last call is only there when counting starts at 1.
  static int firstNodeOf(const LayerSpec& layer, const GraphSpec& outer) {
    const int calls = static_cast<int>(layer.calls.size());
    int least = calls;
    int most = 0;
    const auto look = [&](const TensorRef& ref) {
      if (ref.layer != layer.name) return;
      least = std::min(least, ref.node);
      most = std::max(most, ref.node);
    };
    for (const LayerSpec& other : outer.layers) {
      for (const CallSpec& call : other.calls) std::for_each(call.inputs.begin(), call.inputs.end(), look);
    }
    std::for_each(outer.outputs.begin(), outer.outputs.end(), look);
    if (most >= calls) return 1;
    return least == 0 || layer.className == "Sequential" || layer.className == "TimeDistributed" ? 0 : 1;
  }

  /// What a reference to a model's output stands for: an output of one of its layers.
  TensorRef resolved(const TensorRef& ref, const std::map<std::string, Inner>& models) const {
    const auto found = models.find(ref.layer);
    if (found == models.end()) return ref;
    const Inner& inner = found->second;
    const int call = ref.node - inner.firstNode;
    if (ref.tensor < 0 || static_cast<size_t>(ref.tensor) >= inner.spec.outputs.size() || call < 0) {
      refuse(ref.layer, "references to its outputs",
             "output " + std::to_string(ref.tensor) + " of call " + std::to_string(ref.node));
    }
    return within(inner, ref.layer, inner.spec.outputs[static_cast<size_t>(ref.tensor)], call);
  }

  /// A reference inside a model, as seen from outside for the model's call number `call`.
  static TensorRef within(const Inner& inner, const std::string& model, const TensorRef& ref, int call) {
    const auto calls = inner.calls.find(ref.layer);
    const int each = calls == inner.calls.end() ? 1 : static_cast<int>(calls->second);
    return {model + "/" + ref.layer, call * each + ref.node, ref.tensor};
  }

  void redirect(CallSpec& call, const std::map<std::string, Inner>& models) const {
    for (TensorRef& ref : call.inputs) ref = resolved(ref, models);
    for (std::optional<TensorRef>& mask : call.masks) {
      if (mask) mask = resolved(*mask, models);
    }
  }

  void addInner(GraphSpec& flat, const LayerSpec& model, const Inner& inner,
                const std::map<std::string, Inner>& models) {
    // Which of the model's inputs each InputLayer is.
    std::map<std::string, size_t> inputs;
    for (size_t i = 0; i < inner.spec.inputs.size(); ++i) inputs[inner.spec.inputs[i].layer] = i;
    std::vector<CallSpec> calls = model.calls;
    for (CallSpec& call : calls) {
      redirect(call, models);
      if (call.inputs.size() != inputs.size()) {
        refuse(model.name, std::to_string(inputs.size()) + " inputs, as it has",
               std::to_string(call.inputs.size()));
      }
    }
    for (const LayerSpec& own : inner.spec.layers) {
      if (inputs.contains(own.name)) continue;
      LayerSpec layer = own;
      layer.name = model.name + "/" + own.name;
      layer.ownName = own.nameInModel();
      layer.model = model.name;
      if (!layer.place.empty())
        layer.place.insert(layer.place.begin(), model.place.begin(), model.place.end());
      layer.calls.clear();
      for (size_t k = 0; k < calls.size(); ++k) {
        for (CallSpec call : own.calls) {
          const auto move = [&](const TensorRef& ref) {
            const auto input = inputs.find(ref.layer);
            return input != inputs.end() ? calls[k].inputs[input->second]
                                         : within(inner, model.name, ref, static_cast<int>(k));
          };
          for (std::optional<TensorRef>& mask : call.masks) {
            if (mask) mask = move(*mask);
          }
          handMasksOn(call, calls[k], inputs);
          for (TensorRef& ref : call.inputs) ref = move(ref);
          layer.calls.push_back(std::move(call));
        }
      }
      add(flat, std::move(layer));
    }
  }

  /// A mask that a call of the model states for one of its inputs (Keras 3) is that of what reads the input.
  static void handMasksOn(CallSpec& call, const CallSpec& outer,
                          const std::map<std::string, size_t>& inputs) {
    for (size_t i = 0; i < call.inputs.size(); ++i) {
      const auto input = inputs.find(call.inputs[i].layer);
      if (input == inputs.end() || input->second >= outer.masks.size() || !outer.masks[input->second])
        continue;
      if (call.masks.size() < call.inputs.size()) call.masks.resize(call.inputs.size());
      if (!call.masks[i]) call.masks[i] = outer.masks[input->second];
    }
  }

  void nameOutputs(GraphSpec& flat, const LayerSpec& model, const Inner& inner,
                   const std::map<std::string, Inner>& models) const {
    for (size_t i = 0; !model.calls.empty() && i < inner.spec.outputs.size(); ++i) {
      flat.models[model.name + (i == 0 ? "" : ":" + std::to_string(i))] =
          resolved({model.name, inner.firstNode, static_cast<int>(i)}, models);
    }
    for (const auto& [name, ref] : inner.spec.models)
      flat.models[model.name + "/" + name] = within(inner, model.name, ref, 0);
  }

  void add(GraphSpec& flat, LayerSpec layer) {
    inlined_ += 1 + layer.calls.size();
    if (inlined_ > kMaxInlined)
      refuse(layer.name, "at most " + std::to_string(kMaxInlined) + " layers and calls of layers", "more");
    flat.layers.push_back(std::move(layer));
  }

  const std::string& where_;
  size_t inlined_ = 0;
};

}  // namespace

GraphSpec inlineModels(GraphSpec spec, const std::string& where) {
  return Inliner(where).inlined(std::move(spec), 0);
}

}  // namespace charglow
