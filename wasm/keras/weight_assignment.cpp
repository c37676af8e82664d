#include "keras/weight_assignment.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "keras/weights_tree.h"

namespace charglow {
namespace {

/// The names of the tensors that layers of `spec` were given before.
std::set<std::string_view> givenWeights(const GraphSpec& spec) {
  std::set<std::string_view> names;
  for (const LayerSpec& layer : spec.layers) {
    if (!layer.weights) continue;
    for (const TensorView& weight : *layer.weights) names.insert(weight.name);
  }
  return names;
}

/// A queue of its own for each layer that was given its weights before.
void assignGiven(const GraphSpec& spec, WeightAssignment& assignment) {
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const LayerSpec& layer = spec.layers[i];
    if (!layer.weights || layer.weights->empty()) continue;
    WeightQueue queue{layer.name, {}, 0};
    for (const TensorView& weight : *layer.weights) queue.tensors.push_back(&weight);
    assignment.queueOf[i] = assignment.queues.size();
    assignment.queues.push_back(std::move(queue));
  }
}

class Assigner {
 public:
  Assigner(const GraphSpec& spec, std::span<const std::unique_ptr<Layer>> layers, const Bundle& bundle,
           Choices& choices, std::vector<Problem>& problems)
      : spec_(spec), layers_(layers), choices_(choices), problems_(problems) {
    const std::set<std::string_view> given = givenWeights(spec);
    for (const LayerWeights& entry : bundle.layers()) {
      LayerWeights left{entry.layer, {}};
      for (const TensorView* tensor : entry.tensors) {
        if (!given.contains(tensor->name)) left.tensors.push_back(tensor);
      }
      if (!left.tensors.empty()) inFile_.push_back(std::move(left));
    }
    // A model within the model is one layer to the file: its layers are a group.
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      if (spec_.layers[i].weights || (layers_[i] != nullptr && !layers_[i]->hasWeights())) continue;
      const std::string& group = spec_.layers[i].model.empty() ? spec_.layers[i].name : spec_.layers[i].model;
      if (groups_.empty() || groups_.back().first != group) groups_.push_back({group, {}});
      groups_.back().second.push_back(i);
    }
    result_.queueOf.assign(spec_.layers.size(), WeightAssignment::kNone);
  }

  WeightAssignment assign() {
    const bool named = std::all_of(inFile_.begin(), inFile_.end(), [&](const LayerWeights& entry) {
      return groupNamed(entry.layer) != nullptr || isWeightless(entry.layer);
    });
    if (named) {
      for (const LayerWeights& entry : inFile_) {
        if (const Group* group = groupNamed(entry.layer)) {
          give(*group, entry);
        } else {
          refuse(entry.layer, "a layer that takes weights");
        }
      }
      return std::move(result_);
    }
    for (size_t i = 0; i < inFile_.size(); ++i) {
      if (i < groups_.size()) {
        give(groups_[i], inFile_[i]);
      } else {
        refuse(inFile_[i].layer, "a layer for its weights in the architecture");
      }
    }
    choices_.note(
        "weights.order",
        "The layers' names in the weights file and in the architecture differ; weights were given out in "
        "order, as Keras's load_weights does.");
    return std::move(result_);
  }

 private:
  using Group = std::pair<std::string, std::vector<size_t>>;  ///< name in the file, layers of the spec

  const Group* groupNamed(const std::string& name) const {
    const auto found =
        std::find_if(groups_.begin(), groups_.end(), [&](const Group& group) { return group.first == name; });
    return found == groups_.end() ? nullptr : &*found;
  }

  bool isWeightless(const std::string& name) const {
    return std::any_of(spec_.layers.begin(), spec_.layers.end(),
                       [&](const LayerSpec& layer) { return layer.name == name; });
  }

  void refuse(const std::string& layer, std::string_view expected) {
    problems_.push_back({"unexpected-tensor", "layer \"" + layer + "\" of the file", expected, "none",
                         "The file's weights and its architecture do not belong together."});
  }

  void give(const Group& group, const LayerWeights& entry) {
    if (group.second.size() > 1 && giveByName(group, entry)) return;
    for (const size_t layer : group.second) result_.queueOf[layer] = result_.queues.size();
    result_.queues.push_back({entry.layer, entry.tensors, 0});
  }

  /// A model's weights by the layers' names in the tensors' names ("encoder/gru_1/gru_cell/kernel:0"): their
  /// order is not the layers' where some are not trainable, which Keras lists last. false where a name does
  /// not tell.
  bool giveByName(const Group& group, const LayerWeights& entry) {
    std::vector<WeightQueue> own(group.second.size());
    for (const TensorView* tensor : entry.tensors) {
      std::optional<size_t> found;
      for (size_t i = 0; i < group.second.size(); ++i) {
        if (!hasComponent(tensor->name, spec_.layers[group.second[i]].nameInModel())) continue;
        if (found) return false;
        found = i;
      }
      if (!found) return false;
      own[*found].tensors.push_back(tensor);
    }
    for (size_t i = 0; i < own.size(); ++i) {
      own[i].source = spec_.layers[group.second[i]].name;
      result_.queueOf[group.second[i]] = result_.queues.size();
      result_.queues.push_back(std::move(own[i]));
    }
    return true;
  }

  /// Whether "a/b/c:0" has `name` between its slashes.
  static bool hasComponent(std::string_view path, std::string_view name) {
    for (size_t start = 0; start < path.size();) {
      const size_t end = std::min(path.find('/', start), path.size());
      if (path.substr(start, end - start) == name) return true;
      start = end + 1;
    }
    return false;
  }

  const GraphSpec& spec_;
  std::span<const std::unique_ptr<Layer>> layers_;
  Choices& choices_;
  std::vector<Problem>& problems_;
  std::vector<LayerWeights> inFile_;  ///< without what layers were given already
  std::vector<Group> groups_;
  WeightAssignment result_;
};

}  // namespace

WeightAssignment assignWeights(const GraphSpec& spec, std::span<const std::unique_ptr<Layer>> layers,
                               const Bundle& bundle, Choices& choices, std::vector<Problem>& problems) {
  if (isTreeLayout(bundle.layout())) {
    WeightAssignment result;
    std::vector<LayerWeights> entries = weightsOfTree(spec, layers, bundle, choices, problems);
    for (size_t i = 0; i < entries.size(); ++i) {
      // A custom layer is not made yet: its weights are what it is recognised by.
      const bool takes =
          !spec.layers[i].weights && ((layers[i] && layers[i]->hasWeights()) || !entries[i].tensors.empty());
      result.queueOf.push_back(takes ? result.queues.size() : WeightAssignment::kNone);
      if (takes) result.queues.push_back({std::move(entries[i].layer), std::move(entries[i].tensors), 0});
    }
    assignGiven(spec, result);
    return result;
  }
  WeightAssignment result = Assigner(spec, layers, bundle, choices, problems).assign();
  assignGiven(spec, result);
  return result;
}

}  // namespace charglow
