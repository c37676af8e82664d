#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.h"
#include "error.h"
#include "keras/choices.h"
#include "keras/weight_assignment.h"

namespace charglow {

/// Hands a layer its tensors in the file's order and checks each against what the layer expects. Gathers
/// problems.
class WeightReader {
 public:
  WeightReader(std::string layer, WeightQueue& queue, std::vector<Problem>& problems, Choices& choices)
      : layer_(std::move(layer)), queue_(queue), problems_(problems), choices_(choices) {}

  /// The next tensor, which must have this shape. `name` is what Keras calls it: where the file's own name is
  /// another of the layer's, the order is wrong and that is a problem too. Returns nothing where there was a
  /// problem.
  std::vector<float> take(std::string_view name, std::span<const int> shape, const std::string& hint = "");
  std::vector<float> take(std::string_view name, std::initializer_list<int> shape,
                          const std::string& hint = "") {
    return take(name, std::span<const int>(shape.begin(), shape.size()), hint);
  }

  /// The next tensor of a layer whose weights have no names that Keras would know; it must have this shape.
  std::vector<float> takeNext(std::span<const int> shape);
  std::vector<float> takeNext(std::initializer_list<int> shape) {
    return takeNext(std::span<const int>(shape.begin(), shape.size()));
  }

  /// Shape of the next tensor; empty where there is none left. For layouts that differ by generation.
  [[nodiscard]] std::vector<int64_t> nextShape() const;

  /// How many tensors are left to take.
  [[nodiscard]] size_t left() const { return queue_.tensors.size() - queue_.next; }

  /// Tells the user that the layer's weights were read in another way than its class says.
  void assume(const std::string& what) {
    choices_.note("weights:" + layer_, "Layer \"" + layer_ + "\": " + what);
  }

  /// Elements taken.
  [[nodiscard]] int parameters() const { return parameters_; }

 private:
  std::string layer_;
  WeightQueue& queue_;
  std::vector<Problem>& problems_;
  Choices& choices_;
  int parameters_ = 0;
};

/// A weight's own name in the name of its tensor: "kernel" in "gru/gru_cell/kernel:0".
std::string_view weightName(std::string_view tensor);

/// To be called when every layer that takes from a queue has been built: tensors left in it are a problem.
void refuseLeftOver(const WeightQueue& queue, std::vector<Problem>& problems);

}  // namespace charglow
