#include "keras/graph_builder.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "bundle/strict_json.h"
#include "error.h"
#include "keras/call_reader.h"
#include "keras/lost_masks.h"
#include "keras/weight_assignment.h"
#include "keras/weight_reader.h"
#include "layers/attention/custom.h"
#include "layers/operations/registry.h"
#include "layers/registry.h"

namespace charglow {
namespace {

using CallKey = std::pair<size_t, int>;  // layer, call

class GraphBuilder {
 public:
  GraphBuilder(const GraphSpec& spec, const Bundle& bundle, const Dialect& dialect, Choices& choices)
      : spec_(spec), bundle_(bundle), dialect_(dialect), choices_(choices) {}

  Graph build() {
    makeLayers();
    std::vector<Problem> ofWeights;
    weights_ = assignWeights(spec_, graph_.layers, bundle_, choices_, ofWeights);
    recogniseLayers();
    notePrecision();
    readCalls();
    checkInputs();
    stopAtProblems();  // what follows needs every layer
    orderCalls();
    stopAtProblems();
    problems_ = std::move(ofWeights);
    loseMasks(graph_);
    if (inferShapes()) buildLayers();
    stopAtProblems();
    return std::move(graph_);
  }

 private:
  void stopAtProblems() {
    if (!problems_.empty()) throw Error(std::move(problems_));
  }

  void makeLayers() {
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      const LayerSpec& layer = spec_.layers[i];
      if (!layerIndex_.emplace(layer.name, i).second) {
        problems_.push_back(
            {"duplicate-layer", "layer \"" + layer.name + "\"", "each name once", "it twice", ""});
      }
      graph_.layers.push_back(isCustom(layer) ? nullptr : makeLayer(layer));
    }
    graph_.parameters.assign(graph_.layers.size(), 0);
  }

  static bool isCustom(const LayerSpec& layer) {
    return !layer.operation && layer.problems.empty() && isCustomLayer(layer.className, layer.config);
  }

  std::unique_ptr<Layer> makeLayer(const LayerSpec& layer) {
    problems_.insert(problems_.end(), layer.problems.begin(), layer.problems.end());
    if (!layer.problems.empty()) return nullptr;
    const auto make = layer.operation ? makeOperation : charglow::makeLayer;
    return make(layer.name, layer.className, layer.config, dialect_, problems_);
  }

  void notePrecision() {
    const bool mixed = std::any_of(spec_.layers.begin(), spec_.layers.end(),
                                   [](const LayerSpec& layer) { return usesMixedPrecision(layer.config); });
    if (!mixed) return;
    choices_.note("precision",
                  "Keras computes this model in half precision and rounds each result to about three digits, "
                  "differently on every processor; here all is computed in float32.");
  }

  /// Layers of classes that Keras does not have, once it is known which weights are theirs.
  void recogniseLayers() {
    const bool masked = hasMasks();
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      const LayerSpec& spec = spec_.layers[i];
      if (!isCustom(spec)) continue;
      ConfigReader config(spec.config, spec.name, spec.className, dialect_, problems_);
      graph_.layers[i] = makeCustomLayer({.config = config,
                                          .options = spec.config,
                                          .weights = ownWeights(i),
                                          .masked = masked,
                                          .inputs = spec.calls.empty() ? 0 : spec.calls[0].inputs.size(),
                                          .tensorsRead = tensorsReadOf(spec.name)},
                                         choices_);
    }
  }

  /// The tensors that no other layer takes from. Empty where they cannot be told from those of the model that
  /// the layer lies in.
  std::span<const TensorView* const> ownWeights(size_t layer) const {
    const size_t queue = weights_.queueOf[layer];
    const bool own = std::count(weights_.queueOf.begin(), weights_.queueOf.end(), queue) == 1;
    if (queue == WeightAssignment::kNone || !own) return {};
    return weights_.queues[queue].tensors;
  }

  /// Whether anything in the model makes masks.
  bool hasMasks() const {
    return std::any_of(spec_.layers.begin(), spec_.layers.end(), [](const LayerSpec& layer) {
      return layer.className == "Masking" || layer.config.value("mask_zero", nlohmann::json()) == true ||
             std::any_of(layer.calls.begin(), layer.calls.end(), givesMasks);
    });
  }

  static bool givesMasks(const CallSpec& call) {
    return std::any_of(call.masks.begin(), call.masks.end(),
                       [](const auto& mask) { return mask.has_value(); });
  }

  /// How many of a layer's tensors the model uses, counted up to the last of them.
  size_t tensorsReadOf(const std::string& name) const {
    int last = 0;
    const auto look = [&](const TensorRef& ref) {
      if (ref.layer == name) last = std::max(last, ref.tensor);
    };
    for (const LayerSpec& layer : spec_.layers) {
      for (const CallSpec& call : layer.calls) std::for_each(call.inputs.begin(), call.inputs.end(), look);
    }
    std::for_each(spec_.outputs.begin(), spec_.outputs.end(), look);
    return static_cast<size_t>(last) + 1;
  }

  /// What each call was given besides its inputs. A layer may answer with another object for a call.
  void readCalls() {
    callLayer_.resize(spec_.layers.size());
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      const LayerSpec& spec = spec_.layers[i];
      callLayer_[i].assign(spec.calls.size(), graph_.layers[i].get());
      if (graph_.layers[i] == nullptr) continue;
      for (size_t k = 0; k < spec.calls.size(); ++k) {
        CallReader reader(spec.calls[k], spec.name, spec.className, problems_);
        if (std::unique_ptr<Layer> own = graph_.layers[i]->forCall(reader)) {
          callLayer_[i][k] = own.get();
          graph_.calls.push_back(std::move(own));
        }
        reader.finish();
      }
    }
  }

  /// The model's inputs are InputLayers, and there are no others.
  void checkInputs() {
    std::set<std::string> declared;
    for (const TensorRef& input : spec_.inputs) declared.insert(input.layer);
    for (const LayerSpec& layer : spec_.layers) {
      const bool isInput = layer.className == "InputLayer";
      if (isInput == declared.contains(layer.name)) continue;
      problems_.push_back({"unsupported-model", "layer \"" + layer.name + "\" (" + layer.className + ")",
                           isInput ? "an InputLayer to be one of the model's inputs"
                                   : "the model's input to be an InputLayer",
                           isInput ? "one that is not" : layer.className, ""});
    }
  }

  /// Calls in execution order: each after those it reads. Calls that no output needs are left out, as Keras
  /// does.
  void orderCalls() {
    for (const TensorRef& input : spec_.inputs) graph_.inputs.push_back(visit(input, "the model's inputs"));
    for (const TensorRef& output : spec_.outputs)
      graph_.outputs.push_back(visit(output, "the model's outputs"));
    for (const auto& [name, output] : spec_.models) {
      // One that no output needs is left out like any layer.
      const auto layer = layerIndex_.find(output.layer);
      if (layer != layerIndex_.end() && nodeOf_.contains({layer->second, output.node}))
        graph_.models[name] = visit(output, "model \"" + name + "\"");
    }
  }

  size_t visit(const TensorRef& ref, const std::string& reader) {
    const auto found = layerIndex_.find(ref.layer);
    if (found == layerIndex_.end() || ref.node < 0 || ref.tensor < 0 ||
        static_cast<size_t>(ref.node) >= spec_.layers[found->second].calls.size() ||
        static_cast<size_t>(ref.tensor) >=
            callLayer_[found->second][static_cast<size_t>(ref.node)]->outputCount()) {
      problems_.push_back(
          {"config-structure", reader, "an output of one of the model's layers",
           "[\"" + ref.layer + "\", " + std::to_string(ref.node) + ", " + std::to_string(ref.tensor) + "]",
           ""});
      return 0;
    }
    const CallKey key{found->second, ref.node};
    if (const auto done = nodeOf_.find(key); done != nodeOf_.end()) {
      return done->second + static_cast<size_t>(ref.tensor);
    }
    const LayerSpec& layer = spec_.layers[found->second];
    if (!visiting_.insert(key).second) {
      problems_.push_back({"config-structure", "layer \"" + layer.name + "\"", "no cycle",
                           "its own output among its inputs", ""});
      return 0;
    }
    Node node;
    const CallSpec& call = layer.calls[static_cast<size_t>(ref.node)];
    node.layer = callLayer_[found->second][static_cast<size_t>(ref.node)];
    node.call = ref.node;
    for (const TensorRef& input : call.inputs) {
      node.inputs.push_back(visit(input, "layer \"" + layer.name + "\""));
    }
    if (!call.unmasked.empty() || givesMasks(call)) {
      node.masks.resize(node.inputs.size());
      for (size_t i = 0; i < call.masks.size() && i < node.masks.size(); ++i) {
        if (call.masks[i])
          node.masks[i] = {MaskSource::From::Node,
                           visit(*call.masks[i], "layer \"" + layer.name + "\", mask")};
      }
      for (const size_t i : call.unmasked) {
        if (i < node.masks.size()) node.masks[i].from = MaskSource::From::Nowhere;
      }
    }
    if (!node.layer->takesInputs(node.inputs.size())) {
      problems_.push_back({"layer-input", "layer \"" + layer.name + "\" (" + layer.className + ")",
                           "another number of inputs", std::to_string(node.inputs.size()), ""});
    }
    const size_t first = graph_.nodes.size();
    for (; node.output < node.layer->tensorCount(); ++node.output) {
      graph_.nodes.push_back(node);
      nodeLayer_.push_back(found->second);
    }
    nodeOf_[key] = first;
    return first + static_cast<size_t>(ref.tensor);
  }

  /// Infers each node's shape; false where one cannot be, on which every later one depends.
  bool inferShapes() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (node.output > 0) continue;  // settled with the first of its call
      std::vector<Shape> inputs;
      for (const size_t from : node.inputs) inputs.push_back(graph_.nodes[from].shape);
      try {
        std::vector<Shape> shapes = node.layer->outputShapes(inputs);
        for (const Shape& shape : shapes) checkSize(*node.layer, shape);
        for (size_t k = 0; k < shapes.size(); ++k) graph_.nodes[i + k].shape = std::move(shapes[k]);
      } catch (const Error& error) {
        problems_.insert(problems_.end(), error.problems().begin(), error.problems().end());
        return false;
      }
      const auto input = std::find(graph_.inputs.begin(), graph_.inputs.end(), i);
      if (input != graph_.inputs.end()) {
        for (Dim& dim : graph_.nodes[i].shape)
          dim.steps.input = static_cast<int>(input - graph_.inputs.begin());
      }
      const auto [first, isFirst] = firstCall_.emplace(nodeLayer_[i], FirstCall{i, inputs});
      if (!isFirst && node.layer->hasWeights() && !node.layer->idCount() &&
          first->second.inputs[0].back().size != inputs[0].back().size) {
        problems_.push_back(
            {"layer-input", "layer \"" + node.layer->name() + "\" (" + node.layer->className() + ")",
             "the same number of features at every call, " + shapeText(first->second.inputs[0]),
             shapeText(inputs[0]), ""});
        return false;
      }
    }
    std::vector<Shape> shapes;
    for (const Node& node : graph_.nodes) shapes.push_back(node.shape);
    checkTotal(shapes);
    return true;
  }

  /// Hands every layer its weights, in the order of the file, with the inputs of its first call.
  void buildLayers() {
    std::set<size_t> complete;  // queues all of whose layers are used, which must end up empty
    for (size_t i = 0; i < weights_.queues.size(); ++i) complete.insert(i);
    WeightQueue none;
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      const size_t queue = weights_.queueOf[i];
      const auto call = firstCall_.find(i);
      if (call == firstCall_.end()) {
        if (queue == WeightAssignment::kNone) continue;
        complete.erase(queue);
        problems_.push_back({"unexpected-tensor", "layer \"" + spec_.layers[i].name + "\"",
                             "a layer that the model's output depends on",
                             "weights for a layer that is never used", ""});
        continue;
      }
      none.source = spec_.layers[i].name;
      WeightReader reader(spec_.layers[i].name,
                          queue == WeightAssignment::kNone ? none : weights_.queues[queue], problems_,
                          choices_);
      Layer* layer = callLayer_[i][static_cast<size_t>(graph_.nodes[call->second.node].call)];
      layer->build(call->second.inputs, reader);
      graph_.parameters[i] = reader.parameters();
    }
    for (const size_t queue : complete) refuseLeftOver(weights_.queues[queue], problems_);
  }

  const GraphSpec& spec_;
  const Bundle& bundle_;
  const Dialect& dialect_;
  Choices& choices_;
  std::vector<Problem> problems_;
  Graph graph_;
  std::map<std::string, size_t, std::less<>> layerIndex_;
  std::map<CallKey, size_t> nodeOf_;
  std::set<CallKey> visiting_;
  std::vector<size_t> nodeLayer_;  ///< index into spec_.layers of each node
  /// Where a layer is first called: its node, and the shapes it is given there.
  struct FirstCall {
    size_t node;
    std::vector<Shape> inputs;
  };
  std::map<size_t, FirstCall> firstCall_;
  std::vector<std::vector<Layer*>>
      callLayer_;  ///< by layer of the spec and call: the object that computes it
  WeightAssignment weights_;
};

}  // namespace

Graph buildGraph(const GraphSpec& spec, const Bundle& bundle, const Dialect& dialect, Choices& choices) {
  return GraphBuilder(spec, bundle, dialect, choices).build();
}

}  // namespace charglow
