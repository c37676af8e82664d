#include "keras/weights_tree.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "bundle/strict_json.h"

namespace charglow {
namespace {

using nlohmann::json;

/// The list of a model's layers before 2.15, which found them under this attribute first. In 2.12 and 2.13 a
/// layer with weights counts twice there, so that only the order of the numbers means something.
constexpr std::string_view kOldList = "_layer_checkpoint_dependencies";
constexpr std::string_view kList = "layers";

/// Sublayers by the attributes that Keras's own layers hold them in, in the order in which the layers list
/// their weights: Bidirectional, MultiHeadAttention (whose attributes begin with "_" in some versions).
constexpr std::array<std::string_view, 7> kAttributes = {"forward_layer", "backward_layer", "query_dense",
                                                         "key_dense",     "gate_dense",     "value_dense",
                                                         "output_dense"};

/// Names in a path that leads to weights: more than models in models need. A file's paths are as long as it
/// likes.
constexpr size_t kMaxDepth = 64;

std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "/" + std::string(name);
}

/// "dense_12" -> {"dense", 12}; "dense" -> {"dense", 0}.
std::pair<std::string_view, int> splitNumber(std::string_view name) {
  size_t start = name.size();
  while (start > 0 && name[start - 1] >= '0' && name[start - 1] <= '9') --start;
  if (start < 2 || name[start - 1] != '_' || name.size() - start > 6 || start == name.size())
    return {name, 0};
  return {name.substr(0, start - 1), std::stoi(std::string(name.substr(start)))};
}

/// The groups of the file, by path.
class Groups {
 public:
  explicit Groups(const Bundle& bundle) {
    for (const LayerWeights& entry : bundle.layers()) {
      const auto slashes = std::count(entry.layer.begin(), entry.layer.end(), '/');
      if (static_cast<size_t>(slashes) >= kMaxDepth) continue;
      groups_.emplace(entry.layer, &entry);
      for (size_t end = entry.layer.size(); end != std::string::npos && end > 0;) {
        const size_t slash = entry.layer.rfind('/', end - 1);
        const size_t start = slash == std::string::npos ? 0 : slash + 1;
        children_[entry.layer.substr(0, start == 0 ? 0 : slash)].insert(
            entry.layer.substr(start, end - start));
        end = slash;
      }
    }
  }

  const LayerWeights* at(const std::string& path) const {
    const auto found = groups_.find(path);
    return found == groups_.end() ? nullptr : found->second;
  }

  /// The names of what lies in `path`, one level below it, by rising name.
  const std::set<std::string>& children(const std::string& path) const {
    static const std::set<std::string> kNone;
    const auto found = children_.find(path);
    return found == children_.end() ? kNone : found->second;
  }

  /// The group of the `ordinal`-th object of a class in the list at `path`.
  std::optional<std::string> inList(const std::string& path, const std::string& className,
                                    size_t ordinal) const {
    const std::string number = ordinal == 0 ? "" : "_" + std::to_string(ordinal);
    const bool old = path.ends_with(kOldList);
    for (const bool digits : {false, true}) {
      // A group is called by the class's own name, a configuration by that which Keras exports.
      const std::string name =
          snakeCase(className == "GroupQueryAttention" ? "GroupedQueryAttention" : className, digits);
      if (!old) {
        if (children(path).contains(name + number)) return join(path, name + number);
        continue;
      }
      std::vector<std::pair<int, std::string>> kind;
      for (const std::string& child : children(path)) {
        const auto [stem, count] = splitNumber(child);
        if (stem == name) kind.emplace_back(count, child);
      }
      std::sort(kind.begin(), kind.end());
      if (ordinal < kind.size()) return join(path, kind[ordinal].second);
    }
    return std::nullopt;
  }

 private:
  std::map<std::string, const LayerWeights*> groups_;
  std::map<std::string, std::set<std::string>> children_;
};

/// Where a layer's group is, or nothing where one on the way is missing.
std::optional<std::string> groupOf(const std::vector<TreeStep>& place, const Groups& groups) {
  std::string path;
  for (const TreeStep& step : place) {
    std::string list = join(path, step.list);
    if (step.className.empty()) {
      path = std::move(list);
      continue;
    }
    if (groups.children(list).empty())
      list = list.substr(0, list.size() - kList.size()) + std::string(kOldList);
    const std::optional<std::string> found = groups.inList(list, step.className, step.ordinal);
    if (!found) return std::nullopt;
    path = *found;
  }
  return place.empty() ? std::nullopt : std::optional(path);
}

class TreeReader {
 public:
  TreeReader(const GraphSpec& spec, std::span<const std::unique_ptr<Layer>> layers, const Bundle& bundle,
             Choices& choices, std::vector<Problem>& problems)
      : spec_(spec),
        layers_(layers),
        bundle_(bundle),
        choices_(choices),
        problems_(problems),
        groups_(bundle) {}

  std::vector<LayerWeights> read() {
    result_.resize(spec_.layers.size());
    std::vector<size_t> missing;
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      const LayerSpec& layer = spec_.layers[i];
      if (layer.weights) {
        for (const TensorView& weight : *layer.weights) given_.insert(weight.name);
        continue;
      }
      const std::optional<std::string> path = groupOf(layer.place, groups_);
      if (path) {
        result_[i].layer = *path;
        collect(*path, layer.config, result_[i]);
        checkName(layer, *path);
      } else if (layers_[i] != nullptr && layers_[i]->hasWeights()) {
        missing.push_back(i);
      }
    }
    for (const size_t i : missing) takeFromTwin(i);
    refuseTheRest();
    if (differ_) {
      choices_.note(
          "weights.order",
          "The layers' names in the weights file and in the architecture differ; weights were given "
          "out by class and order, as Keras's load_weights does.");
    }
    return std::move(result_);
  }

 private:
  /// The arrays of the object at `path`, then those of the objects that it holds. `config` is the object's,
  /// if it is known.
  void collect(const std::string& path, const json& config, LayerWeights& weights) {
    if (const LayerWeights* own = groups_.at(path)) {
      used_.insert(own);
      weights.tensors.insert(weights.tensors.end(), own->tensors.begin(), own->tensors.end());
      weights.leftOut.insert(own->leftOut.begin(), own->leftOut.end());
    }
    for (const auto& [child, childConfig] : held(path, config))
      collect(join(path, child), childConfig, weights);
  }

  /// What the object at `path` holds, in the order of its weights, with their configurations.
  std::vector<std::pair<std::string, json>> held(const std::string& path, const json& config) const {
    const std::set<std::string>& children = groups_.children(path);
    std::vector<std::string> names(children.begin(), children.end());
    std::vector<std::pair<std::string, json>> ordered;
    // A list of layers in the configuration has their order.
    std::map<std::string, size_t> counts;
    for (const json& item : config.is_array() ? config : json::array()) {
      if (!item.is_object() || !item.contains("class_name") || !item["class_name"].is_string()) continue;
      const std::string className = item["class_name"].get<std::string>();
      const auto found = groups_.inList(path, className, counts[className]++);
      if (!found) continue;
      const std::string name = found->substr(path.size() + 1);
      ordered.emplace_back(name, configOf(item));
      std::erase(names, name);
    }
    sortAttributes(path, names);
    for (std::string& name : names) ordered.emplace_back(name, configOfAttribute(config, name));
    return ordered;
  }

  static std::string_view attributeOf(std::string_view name) {
    return name.starts_with('_') ? name.substr(1) : name;
  }

  /// Attributes of Keras's own layers in their order; others by when their objects were made, where Keras's
  /// numbering of names tells ("dense_6", "dense_7"), or else by name.
  void sortAttributes(const std::string& path, std::vector<std::string>& names) const {
    std::map<std::string, std::pair<size_t, int>> rank;
    std::set<std::string_view> stems;
    for (const std::string& name : names) {
      const LayerWeights* group = groups_.at(join(path, name));
      const auto [stem, number] = splitNumber(group == nullptr ? std::string_view() : group->kerasName);
      stems.insert(stem);
      const auto known = std::find(kAttributes.begin(), kAttributes.end(), attributeOf(name));
      rank[name] = {static_cast<size_t>(known - kAttributes.begin()), number};
    }
    const bool numbered = stems.size() == 1 && !stems.begin()->empty();
    std::stable_sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
      const auto key = [&](const std::string& name) {
        return std::pair(rank[name].first, numbered ? rank[name].second : 0);
      };
      return key(a) < key(b);
    });
  }

  static json configOf(const json& entry) {
    return entry.is_object() && entry.contains("config") ? entry["config"] : json();
  }

  /// The configuration of a sublayer, or of a list of them, that a layer's own has under the attribute's
  /// name.
  static json configOfAttribute(const json& config, const std::string& name) {
    if (!config.is_object()) return nullptr;
    std::string key(attributeOf(name));
    // Bidirectional makes both from "layer", unless it was given another for the way back.
    const auto given = config.find(key);
    if (key == "forward_layer" || (key == "backward_layer" && (given == config.end() || given->is_null())))
      key = "layer";
    const auto found = config.find(key);
    if (found == config.end()) return nullptr;
    return found->is_array() ? *found : configOf(*found);
  }

  void checkName(const LayerSpec& layer, const std::string& path) {
    const LayerWeights* group = groups_.at(path);
    if (group == nullptr || group->kerasName.empty() || group->kerasName == layer.nameInModel()) return;
    if (bundle_.layout() != "keras-v3") {
      differ_ = true;
      return;
    }
    problems_.push_back({"weight-order", "layer \"" + layer.name + "\", group \"" + path + "\" of the file",
                         "weights of a layer of that name", "those of \"" + group->kerasName + "\"",
                         "The archive's weights and its architecture do not belong together."});
  }

  /// A configuration without the numbers by which Keras marks objects that are written more than once.
  static json withoutIds(const json& config) {
    if (!config.is_structured()) return config;
    json copy = config;
    if (copy.is_object()) copy.erase("shared_object_id");
    for (json& member : copy) member = withoutIds(member);
    return copy;
  }

  /// A layer that two models share has its weights in the one that Keras came to first. The architecture
  /// holds it in both, the same in class, name and options.
  void takeFromTwin(size_t i) {
    const LayerSpec& layer = spec_.layers[i];
    for (size_t k = 0; k < spec_.layers.size(); ++k) {
      const LayerSpec& other = spec_.layers[k];
      const bool twin = k != i && !result_[k].layer.empty() && other.className == layer.className &&
                        other.nameInModel() == layer.nameInModel() &&
                        withoutIds(other.config) == withoutIds(layer.config);
      if (!twin) continue;
      result_[i] = result_[k];
      return;
    }
    result_[i].layer = expectedPath(layer.place);  // the layer will miss every one of its weights there
  }

  static std::string expectedPath(const std::vector<TreeStep>& place) {
    std::string path;
    for (const TreeStep& step : place) {
      path = join(path, step.list);
      if (!step.className.empty()) path += "/" + snakeCase(step.className, false);
      if (step.ordinal > 0) path += "_" + std::to_string(step.ordinal);
    }
    return path;
  }

  void refuseTheRest() {
    for (const LayerWeights& group : bundle_.layers()) {
      const bool given = std::all_of(group.tensors.begin(), group.tensors.end(),
                                     [&](const TensorView* tensor) { return given_.contains(tensor->name); });
      if (given || used_.contains(&group)) continue;
      problems_.push_back({"unexpected-tensor", "group \"" + group.layer + "\" of the file",
                           "a layer for its weights in the architecture", "none",
                           "The file's weights and its architecture do not belong together."});
    }
  }

  const GraphSpec& spec_;
  std::span<const std::unique_ptr<Layer>> layers_;
  const Bundle& bundle_;
  Choices& choices_;
  std::vector<Problem>& problems_;
  Groups groups_;
  std::set<const LayerWeights*> used_;
  std::set<std::string_view> given_;  ///< tensors that layers were given before
  std::vector<LayerWeights> result_;
  bool differ_ = false;
};

bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isLower(char c) { return c >= 'a' && c <= 'z'; }

}  // namespace

bool isTreeLayout(std::string_view layout) { return layout.starts_with("keras-v3"); }

std::vector<LayerWeights> weightsOfTree(const GraphSpec& spec, std::span<const std::unique_ptr<Layer>> layers,
                                        const Bundle& bundle, Choices& choices,
                                        std::vector<Problem>& problems) {
  return TreeReader(spec, layers, bundle, choices, problems).read();
}

std::optional<std::string> assetOf(const LayerSpec& layer, std::string_view name, const Bundle& bundle) {
  const std::optional<std::string_view> assets = bundle.metadata("assets");
  if (!assets) return std::nullopt;
  const std::optional<std::string> group = groupOf(layer.place, Groups(bundle));
  if (!group) return std::nullopt;
  const json all = parseStrictJson(*assets, bundle.fileName() + ", assets");
  const auto found = all.find(join(*group, name));
  return found == all.end() ? std::nullopt : std::optional(found->get<std::string>());
}

std::string snakeCase(std::string_view className, bool digits) {
  if (const size_t package = className.rfind('>'); package != std::string_view::npos)
    className.remove_prefix(package + 1);
  const auto goesOn = [&](char c) { return isLower(c) || (digits && c >= '0' && c <= '9'); };
  // (.)([A-Z][a-z]+) becomes \1_\2
  std::string words;
  for (size_t i = 0; i < className.size();) {
    words += className[i];
    if (i + 2 >= className.size() || !isUpper(className[i + 1]) || !goesOn(className[i + 2])) {
      ++i;
      continue;
    }
    words += '_';
    words += className[i + 1];
    for (i += 2; i < className.size() && goesOn(className[i]); ++i) words += className[i];
  }
  // ([a-z])([A-Z]) becomes \1_\2, in lower case
  std::string name;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && isLower(words[i - 1]) && isUpper(words[i])) name += '_';
    name += isUpper(words[i]) ? static_cast<char>(words[i] - 'A' + 'a') : words[i];
  }
  return name;
}

}  // namespace charglow
