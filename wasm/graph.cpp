#include "graph.h"

#include <algorithm>
#include <utility>

#include "error.h"

namespace charglow {

std::string Node::name() const {
  return output == 0 ? layer->name() : layer->name() + ":" + std::to_string(output);
}

std::string Node::callName() const {
  return call == 0 ? layer->name() : layer->name() + "#" + std::to_string(call);
}

std::vector<Shape> Graph::inferShapes(std::span<const Shape> given) const {
  std::vector<Shape> shapes;
  shapes.reserve(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].output > 0) continue;  // came with the first of its call
    if (const auto input = std::find(inputs.begin(), inputs.end(), i); input != inputs.end()) {
      shapes.push_back(given[static_cast<size_t>(input - inputs.begin())]);
      continue;
    }
    std::vector<Shape> from;
    for (const size_t node : nodes[i].inputs) from.push_back(shapes[node]);
    for (Shape& shape : nodes[i].layer->outputShapes(from)) {
      checkSize(*nodes[i].layer, shape);
      shapes.push_back(std::move(shape));
    }
  }
  checkTotal(shapes);
  return shapes;
}

namespace {

int countKnown(Shape shape) {
  for (Dim& dim : shape) {
    if (!dim.known()) dim.size = 1;
  }
  return elementCount(shape);
}

}  // namespace

int checkSize(const Layer& layer, const Shape& shape) {
  const int count = countKnown(shape);
  if (count <= kMaxElements) return count;
  throw Error({"too-large", "layer \"" + layer.name() + "\" (" + layer.className() + ")",
               "an output of at most " + std::to_string(kMaxElements) + " numbers", shapeText(shape), ""});
}

void checkTotal(std::span<const Shape> shapes) {
  int64_t total = 0;
  for (const Shape& shape : shapes) total += countKnown(shape);
  if (total <= kMaxTotal) return;
  throw Error({"too-large", "the model",
               "at most " + std::to_string(kMaxTotal) + " numbers in all its layers' outputs",
               std::to_string(total), "Use a shorter text, or a smaller model."});
}

std::string Graph::nameOf(size_t node) const {
  for (const auto& [name, output] : models) {
    if (output == node) return name;
  }
  return nodes[node].name();
}

std::optional<size_t> Graph::find(std::string_view name) const {
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return node.name() == name; });
  if (found != nodes.end()) return static_cast<size_t>(found - nodes.begin());
  const auto model = models.find(name);
  return model == models.end() ? std::nullopt : std::optional(model->second);
}

std::vector<size_t> Graph::readersOf(size_t node) const {
  std::vector<size_t> readers;
  for (size_t i = node + 1; i < nodes.size(); ++i) {
    const std::vector<size_t>& from = nodes[i].inputs;
    if (std::find(from.begin(), from.end(), node) != from.end()) readers.push_back(i);
  }
  return readers;
}

}  // namespace charglow
