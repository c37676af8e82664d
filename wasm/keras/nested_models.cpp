#include "keras/nested_models.h"

#include <algorithm>
#include <map>
#include <utility>

#include "error.h"

namespace charglow {
namespace {

/// Models in models in models …: more than anybody writes, few enough for a small stack.
constexpr int kMaxDepth = 16;
/// Layers and calls after inlining; each counts, since models called several times multiply.
constexpr size_t kMaxInlined = 20000;

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
      if (!isModel(layer.className, layer.config)) continue;
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
  [[noreturn]] void refuse(const std::string& model, const std::string& expected,
                           const std::string& actual) const {
    throw Error({"config-structure", where_ + ", model \"" + model + "\"", expected, actual, ""});
  }

  Inner read(const LayerSpec& layer, const GraphSpec& outer, int depth) {
    const nlohmann::json entry = {{"class_name", layer.className}, {"config", layer.config}};
    Inner inner;
    inner.spec = inlined(readGraphSpec(entry, where_ + ", model \"" + layer.name + "\""), depth + 1);
    for (const LayerSpec& own : inner.spec.layers) inner.calls[own.name] = own.calls.size();
    inner.firstNode = firstNodeOf(layer, outer);
    return inner;
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
    return least == 0 || layer.className == "Sequential" ? 0 : 1;
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
      layer.place.insert(layer.place.begin(), model.place.begin(), model.place.end());
      layer.calls.clear();
      for (size_t k = 0; k < calls.size(); ++k) {
        for (CallSpec call : own.calls) {
          const auto move = [&](const TensorRef& ref) {
            const auto input = inputs.find(ref.layer);
            return input != inputs.end() ? calls[k].inputs[input->second]
                                         : within(inner, model.name, ref, static_cast<int>(k));
          };
          for (TensorRef& ref : call.inputs) ref = move(ref);
          for (std::optional<TensorRef>& mask : call.masks) {
            if (mask) mask = move(*mask);
          }
          layer.calls.push_back(std::move(call));
        }
      }
      add(flat, std::move(layer));
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
