#include "keras/graph_builder.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "bundle/strict_json.h"
#include "error.h"
#include "keras/weight_reader.h"
#include "layers/registry.h"

namespace charglow {
namespace {

using CallKey = std::pair<size_t, int>;  // layer, call

class GraphBuilder {
 public:
  GraphBuilder(const GraphSpec& spec, const Bundle& bundle, const Dialect& dialect,
               std::vector<std::string>& assumptions)
      : spec_(spec), bundle_(bundle), dialect_(dialect), assumptions_(assumptions) {}

  Graph build() {
    makeLayers();
    checkCalls();
    stopAtProblems();  // what follows needs every layer
    orderCalls();
    stopAtProblems();
    assignWeights();
    inferAndBuild();
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
      graph_.layers.push_back(makeLayer(layer.name, layer.className, layer.config, dialect_, problems_));
    }
    graph_.parameters.assign(graph_.layers.size(), 0);
  }

  /// Whatever else a layer is called with changes its numbers, unless it says "nothing".
  void checkCalls() {
    for (const LayerSpec& layer : spec_.layers) {
      for (const CallSpec& call : layer.calls) {
        for (const auto& [key, value] : call.kwargs.items()) {
          if (value.is_null() || (key == "training" && value == false)) continue;
          problems_.push_back({"unsupported-option",
                               "layer \"" + layer.name + "\" (" + layer.className + "), call argument " + key,
                               "none", describeJson(value), ""});
        }
      }
    }
    checkInputs();
    if (spec_.inputs.size() != 1) {
      problems_.push_back(
          {"unsupported-model", "the model's inputs", "one", std::to_string(spec_.inputs.size()), ""});
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
  }

  size_t visit(const TensorRef& ref, const std::string& reader) {
    const auto found = layerIndex_.find(ref.layer);
    if (found == layerIndex_.end() || ref.node < 0 || ref.tensor < 0 ||
        static_cast<size_t>(ref.tensor) >= graph_.layers[found->second]->outputCount() ||
        static_cast<size_t>(ref.node) >= spec_.layers[found->second].calls.size()) {
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
    node.layer = graph_.layers[found->second].get();
    node.call = ref.node;
    for (const TensorRef& input : layer.calls[static_cast<size_t>(ref.node)].inputs) {
      node.inputs.push_back(visit(input, "layer \"" + layer.name + "\""));
    }
    if (!node.layer->takesInputs(node.inputs.size())) {
      problems_.push_back({"layer-input", "layer \"" + layer.name + "\" (" + layer.className + ")",
                           "another number of inputs", std::to_string(node.inputs.size()), ""});
    }
    const size_t first = graph_.nodes.size();
    for (; node.output < node.layer->outputCount(); ++node.output) {
      graph_.nodes.push_back(node);
      nodeLayer_.push_back(found->second);
    }
    nodeOf_[key] = first;
    return first + static_cast<size_t>(ref.tensor);
  }

  /// Which of the file's layers gives each layer its weights: by name, or, where names differ (a weights-only
  /// file with a model built again), in order, which is Keras's own rule in load_weights.
  void assignWeights() {
    weights_.assign(spec_.layers.size(), nullptr);
    std::vector<const LayerWeights*> inFile;
    for (const LayerWeights& entry : bundle_.layers()) {
      if (!entry.tensors.empty()) inFile.push_back(&entry);
    }
    const bool named = std::all_of(inFile.begin(), inFile.end(), [&](const LayerWeights* entry) {
      return layerIndex_.contains(entry->layer);
    });
    if (named) {
      for (const LayerWeights* entry : inFile) weights_[layerIndex_.at(entry->layer)] = entry;
      return;
    }
    size_t next = 0;
    for (size_t i = 0; i < spec_.layers.size() && next < inFile.size(); ++i) {
      if (graph_.layers[i]->hasWeights()) weights_[i] = inFile[next++];
    }
    for (; next < inFile.size(); ++next) {
      problems_.push_back({"unexpected-tensor", "layer \"" + inFile[next]->layer + "\" of the file",
                           "a layer for its weights in the architecture", "none",
                           "The file's weights and its architecture do not belong together."});
    }
    assumptions_.push_back(
        "The layers' names in the weights file and in the architecture differ; weights were given out in "
        "order, as Keras's load_weights does.");
  }

  /// Infers each node's shape and, at a layer's first call, hands it its weights.
  void inferAndBuild() {
    std::map<size_t, Shape> built;  // layers and the input of their first call
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
        return;  // every later shape depends on this one
      }
      const auto [first, isFirst] = built.emplace(nodeLayer_[i], inputs.empty() ? Shape{} : inputs[0]);
      if (isFirst) {
        buildLayer(nodeLayer_[i], inputs);
      } else if (node.layer->hasWeights() && first->second.back().size != inputs[0].back().size) {
        problems_.push_back({"layer-input",
                             "layer \"" + node.layer->name() + "\" (" + node.layer->className() + ")",
                             "the same number of features at every call, " + shapeText(first->second),
                             shapeText(inputs[0]), ""});
        return;
      }
    }
    std::vector<Shape> shapes;
    for (const Node& node : graph_.nodes) shapes.push_back(node.shape);
    checkTotal(shapes);
    for (size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] == nullptr || built.contains(i)) continue;
      problems_.push_back({"unexpected-tensor", "layer \"" + spec_.layers[i].name + "\"",
                           "a layer that the model's output depends on",
                           "weights for a layer that is never used", ""});
    }
  }

  void buildLayer(size_t index, std::span<const Shape> inputs) {
    static const std::vector<const TensorView*> none;
    WeightReader reader(spec_.layers[index].name,
                        weights_[index] == nullptr ? none : weights_[index]->tensors, problems_,
                        assumptions_);
    graph_.layers[index]->build(inputs, reader);
    reader.finish();
    graph_.parameters[index] = reader.parameters();
  }

  const GraphSpec& spec_;
  const Bundle& bundle_;
  const Dialect& dialect_;
  std::vector<std::string>& assumptions_;
  std::vector<Problem> problems_;
  Graph graph_;
  std::map<std::string, size_t, std::less<>> layerIndex_;
  std::map<CallKey, size_t> nodeOf_;
  std::set<CallKey> visiting_;
  std::vector<size_t> nodeLayer_;  ///< index into spec_.layers of each node
  std::vector<const LayerWeights*> weights_;
};

}  // namespace

Graph buildGraph(const GraphSpec& spec, const Bundle& bundle, const Dialect& dialect,
                 std::vector<std::string>& assumptions) {
  return GraphBuilder(spec, bundle, dialect, assumptions).build();
}

}  // namespace charglow
