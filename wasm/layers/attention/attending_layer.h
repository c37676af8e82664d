#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernels/attend.h"
#include "kernels/attend_backward.h"
#include "layers/layer.h"

namespace charglow {

/// One text of a batch of sequences (batch, timesteps, features).
inline Rows rowsOf(const View& view, int b) {
  const int steps = view.shape[1].size;
  const int features = view.shape[2].size;
  return {view.data.data() + static_cast<ptrdiff_t>(b) * steps * features, steps, features, features};
}

/// Its mask, a flag for each timestep; empty where it has none.
inline std::span<const uint8_t> maskOf(const View& view, int b) {
  if (view.mask.empty()) return {};
  const size_t steps = static_cast<size_t>(view.shape[1].size);
  return view.mask.subspan(static_cast<size_t>(b) * steps, steps);
}

/// The part of text `b` in the gradient of a tensor, which is that of all texts one after the other; empty
/// where nothing depends on the tensor.
inline std::span<const float> gradientOf(std::span<const float> all, int b, const Shape& shape) {
  if (all.empty()) return {};
  const size_t size = all.size() / static_cast<size_t>(shape[0].size);
  return all.subspan(static_cast<size_t>(b) * size, size);
}

/// The same as where gradients are added, one row for each timestep; nowhere where nobody asks.
inline GradientRows gradientRowsOf(const Backward& call, size_t input, int b) {
  const std::span<float> all = call.inputGradients[input];
  const Shape& shape = call.inputs[input].shape;
  if (all.empty()) return {nullptr, 0};
  const size_t size = all.size() / static_cast<size_t>(shape[0].size);
  return {all.data() + static_cast<size_t>(b) * size, shape.back().size};
}

/// Starts a gradient with what reached the tensor itself, or with zeros.
inline void startGradient(std::span<const float> reached, std::span<float> gradient) {
  if (reached.empty()) {
    std::fill(gradient.begin(), gradient.end(), 0.0f);
  } else {
    std::copy(reached.begin(), reached.end(), gradient.begin());
  }
}

/// A layer that attends inside: beside what it makes of its inputs it computes the attention it does so with,
/// which Keras hands out as its second output or keeps to itself.
///
/// Tensors of a call: 0, the output; 1, the attention.
class AttendingLayer : public Layer {
 public:
  /// @param returned whether Keras hands the attention out
  AttendingLayer(std::string name, std::string className, bool returned)
      : Layer(std::move(name), std::move(className)), returned_(returned) {}

  [[nodiscard]] size_t outputCount() const override { return returned_ ? 2 : 1; }
  [[nodiscard]] size_t tensorCount() const override { return 2; }
  [[nodiscard]] std::vector<Shape> outputShapes(std::span<const Shape> inputs) const override {
    Shape output = outputShape(inputs);  // first: it refuses what it cannot take
    return {std::move(output), attentionShape(inputs)};
  }
  [[nodiscard]] std::vector<AttentionTensor> attention() const override {
    return {{1, attentionAxes(), why()}};
  }

 protected:
  [[nodiscard]] bool returned() const { return returned_; }
  /// The shape rule of the attention, for inputs that outputShape has taken.
  [[nodiscard]] virtual Shape attentionShape(std::span<const Shape> inputs) const = 0;
  /// What the axes of the attention are, that of the batch included.
  [[nodiscard]] virtual std::vector<SignalAxis> attentionAxes() const = 0;
  /// How it attends, in a sentence.
  [[nodiscard]] virtual std::string why() const = 0;

 private:
  bool returned_;
};

}  // namespace charglow
