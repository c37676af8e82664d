#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layers/layer.h"
#include "tensor.h"

namespace charglow {

/// Where a call gets the mask of one of its inputs from.
struct MaskSource {
  enum class From : uint8_t {
    Input,    ///< the mask that the input carries
    Node,     ///< the values of a node, 0 where a timestep is masked
    Nowhere,  ///< it has none, whatever the input carries
  };
  From from = From::Input;
  size_t node = 0;  ///< where it comes from one
};

/// One tensor of a model: what a call of a layer gives. A call that gives several has a node for each, one
/// after the other; the first of them computes all.
struct Node {
  const Layer* layer = nullptr;
  std::vector<size_t> inputs;     ///< nodes it reads, all of them before it
  std::vector<MaskSource> masks;  ///< for each of `inputs`; empty: every input carries its own
  Shape shape;                    ///< as inferred at load: batch and variable timesteps unknown
  int call = 0;                   ///< 0 for the layer's first call, 1 for the second of a shared layer …
  size_t output = 0;              ///< which of the call's tensors this is

  /// The layer's name, and which output it is where it is not the first: "lstm", "lstm:1".
  [[nodiscard]] std::string name() const;
  /// The layer's name, and which call it is where it is not the first: "gru", "gru#1".
  [[nodiscard]] std::string callName() const;
};

/// A model as the engine runs it: calls of layers in execution order. Immutable and shared by all sessions.
struct Graph {
  std::vector<std::unique_ptr<Layer>> layers;  ///< in the file's order
  std::vector<std::unique_ptr<Layer>> calls;  ///< what stands for some of them in some calls (Layer::forCall)
  std::vector<int> parameters;                ///< number of weights of each of `layers`
  std::vector<Node> nodes;
  std::vector<size_t> inputs;
  std::vector<size_t> outputs;
  /// Outputs of models that are layers of the model, by the name that Keras knows them by.
  std::map<std::string, size_t, std::less<>> models;

  /// What Keras calls a node: the model's name where it is the output of a model among the layers.
  [[nodiscard]] std::string nameOf(size_t node) const;
  /// The node of that name, of a layer's first call; nothing where there is none.
  [[nodiscard]] std::optional<size_t> find(std::string_view name) const;
  /// Shapes of all nodes for inputs of these shapes, in the order of `inputs`. Throws "too-large" where one
  /// has more than kMaxElements, or all together more than kMaxTotal.
  [[nodiscard]] std::vector<Shape> inferShapes(std::span<const Shape> given) const;
  /// Nodes that read `node`.
  [[nodiscard]] std::vector<size_t> readersOf(size_t node) const;
};

/// Number of elements of a tensor of `layer`, unknown axes counted as 1. Throws "too-large" where it is more
/// than kMaxElements.
int checkSize(const Layer& layer, const Shape& shape);
/// Throws "too-large" where tensors of these shapes have more than kMaxTotal elements together.
void checkTotal(std::span<const Shape> shapes);

}  // namespace charglow
