#include "keras/infer/seen_layer.h"

#include <algorithm>
#include <set>

#include "error.h"
#include "keras/weights_tree.h"
#include "text/message.h"

namespace charglow {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// In small letters, without "_".
std::string plain(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c != '_') text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

std::string_view withoutNumber(std::string_view name) {
  while (!name.empty() && isDigit(name.back())) name.remove_suffix(1);
  return name;
}

SeenLayer seenLayer(const std::string& name, std::string_view group) {
  SeenLayer layer;
  layer.name = name;
  layer.group = group;
  layer.stem = plain(withoutNumber(group));
  return layer;
}

/// Groups of a tree, "layers/gru/cell", joined to the layers they belong to.
std::vector<SeenLayer> layersOfTree(const Bundle& bundle) {
  std::vector<SeenLayer> layers;
  std::set<std::string> names;
  for (const LayerWeights& entry : bundle.layers()) {
    const size_t first = entry.layer.find('/');
    if (first == std::string::npos) continue;  // the model itself
    const size_t end = std::min(entry.layer.find('/', first + 1), entry.layer.size());
    const std::string group = entry.layer.substr(first + 1, end - first - 1);
    const std::string rest = entry.layer.substr(end);
    if (rest.starts_with("/layers/") || rest.starts_with("/_layer_checkpoint_dependencies/")) {
      throw Error({"no-architecture", bundle.fileName(),
                   "a model without models in it, for which an architecture can be proposed",
                   "one in \"" + group + "\"",
                   "Convert the file together with its architecture, by --config model.json."});
    }
    if (layers.empty() || layers.back().group != group) {
      const bool named =
          end == entry.layer.size() && !entry.kerasName.empty() && names.insert(entry.kerasName).second;
      layers.push_back(seenLayer(named ? entry.kerasName : group, group));
    }
    layers.back().tensors.insert(layers.back().tensors.end(), entry.tensors.begin(), entry.tensors.end());
  }
  return layers;
}

/// "dense_1_W" of "dense_1/dense_1_W:0".
std::string_view lastName(const TensorView& tensor) {
  std::string_view name = tensor.name;
  if (const size_t slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  return name.substr(0, name.find(':'));
}

/// "dense_1_W" → "kernel"; "gru_1_U_z" → "U_z".
std::string_view keras1Role(std::string_view name) {
  const std::string_view end = name.substr(name.size() < 4 ? 0 : name.size() - 4);
  const bool ofGate = end.starts_with("_W_") || end.starts_with("_U_") || end.starts_with("_b_");
  const std::string_view role = ofGate ? end.substr(1) : name.substr(name.rfind('_') + 1);
  if (role == "W") return "kernel";
  if (role == "U") return "recurrent_kernel";
  return role == "b" ? "bias" : role;
}

}  // namespace

std::string_view SeenLayer::role(size_t tensor) const {
  const std::string_view role = lastName(*tensors[tensor]);
  return keras1 ? keras1Role(role) : role;
}

std::string SeenLayer::weightsText() const {
  std::string text;
  for (size_t i = 0; i < tensors.size(); ++i)
    text += (i == 0 ? "" : ", ") + shown(role(i)) + " " + tensors[i]->shapeText();
  return text;
}

bool SeenLayer::has(std::string_view word) const {
  return stem.find(word) != std::string::npos || plain(name).find(word) != std::string::npos;
}

std::string SeenLayer::groupClass() const {
  std::string className;
  bool starts = true;
  for (const char c : withoutNumber(group).substr(group.rfind('/') + 1)) {
    const bool small = c >= 'a' && c <= 'z';
    if (c != '_') className += starts && small ? static_cast<char>(c - 'a' + 'A') : c;
    starts = c == '_';
  }
  return className;
}

size_t SeenLayer::groupNumber() const {
  const std::string_view number = std::string_view(group).substr(withoutNumber(group).size());
  return number.empty() || number.size() > 6 ? 0 : std::stoul(std::string(number));
}

std::vector<SeenLayer> seenLayers(const Bundle& bundle, const Dialect& dialect) {
  if (isTreeLayout(bundle.layout())) return layersOfTree(bundle);
  std::vector<SeenLayer> layers;
  for (const LayerWeights& entry : bundle.layers()) {
    layers.push_back(seenLayer(entry.layer, entry.layer));
    layers.back().tensors = entry.tensors;
    layers.back().keras1 = dialect.major == 1;
  }
  return layers;
}

bool namesWeightsAsKeras1(const Bundle& bundle) {
  bool any = false;
  for (const LayerWeights& entry : bundle.layers()) {
    for (const TensorView* tensor : entry.tensors) {
      const std::string_view name = lastName(*tensor);
      if (name == "kernel" || name == "embeddings") return false;
      any = any || name == entry.layer + "_W";
    }
  }
  return any;
}

}  // namespace charglow
