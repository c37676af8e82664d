#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "layers/layer.h"
#include "tensor.h"

namespace charglow {

/// One call of a layer.
struct Node {
  const Layer* layer = nullptr;
  std::vector<size_t> inputs;  ///< nodes it reads, all of them before it
  Shape shape;                 ///< as inferred at load: batch and variable timesteps unknown
  int call = 0;                ///< 0 for the layer's first call, 1 for the second of a shared layer …
};

/// A model as the engine runs it: calls of layers in execution order. Immutable and shared by all sessions.
struct Graph {
  std::vector<std::unique_ptr<Layer>> layers;  ///< in the file's order
  std::vector<int> parameters;                 ///< number of weights of each of `layers`
  std::vector<Node> nodes;
  std::vector<size_t> inputs;
  std::vector<size_t> outputs;

  /// Shapes of all nodes for an input of this shape.
  [[nodiscard]] std::vector<Shape> inferShapes(const Shape& input) const;
  /// Nodes that read `node`.
  [[nodiscard]] std::vector<size_t> readersOf(size_t node) const;
};

}  // namespace charglow
