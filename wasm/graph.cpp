#include "graph.h"

#include <algorithm>

namespace charglow {

std::vector<Shape> Graph::inferShapes(const Shape& input) const {
  std::vector<Shape> shapes;
  shapes.reserve(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const bool isInput = std::find(inputs.begin(), inputs.end(), i) != inputs.end();
    std::vector<Shape> from;
    for (const size_t node : nodes[i].inputs) from.push_back(shapes[node]);
    shapes.push_back(isInput ? input : nodes[i].layer->outputShape(from));
  }
  return shapes;
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
