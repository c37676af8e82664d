#include <algorithm>

#include "layers/layers.h"

namespace charglow {
namespace {

/// An activation by name, over the last axis where it is one over rows (softmax). It never looks at the mask,
/// and hands it on. keras/layers/core/activation.py (2.15).
class ActivationLayer : public Layer {
 public:
  explicit ActivationLayer(ConfigReader& config)
      : Layer(config.layer(), config.className()), activation_(config.activation("activation", "linear")) {}

  Shape outputShape(std::span<const Shape> inputs) const override { return inputs[0]; }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    std::copy(inputs[0].data.begin(), inputs[0].data.end(), output.data.begin());
    const size_t width = static_cast<size_t>(output.shape.back().size);
    for (size_t start = 0; start < output.data.size(); start += width)
      activate(activation_, output.data.subspan(start, width));
    output.passMask(inputs[0]);
  }

  std::string detail() const override { return activation(); }
  std::string activation() const override { return std::string(activationName(activation_)); }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    if (activation_ != Activation::Softmax) return std::nullopt;
    return output.size() - 1;
  }
  Part part() const override { return activation_ == Activation::Linear ? Part::Relayout : Part::Other; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& /*input*/) const override { return axis; }

 private:
  Activation activation_;
};

/// Softmax over a chosen axis. keras/layers/activation/softmax.py (2.15): a mask, where there is one, adds
/// -1e9 to the masked logits; multi-backend Keras ignored it (keras/layers/advanced_activations.py, 2.2.5).
class SoftmaxLayer : public Layer {
 public:
  explicit SoftmaxLayer(ConfigReader& config)
      : Layer(config.layer(), config.className()), usesMask_(config.dialect().softmaxLayerUsesMask()) {
    const std::vector<int> axes = config.has("axis") ? config.integers("axis") : std::vector<int>{-1};
    if (axes.size() != 1) {
      config.refuse("axis", "one axis", config.raw("axis").dump());
    } else {
      axis_ = axes[0];
    }
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const int rank = static_cast<int>(inputs[0].size());
    if (axis_ >= rank || axis_ < -rank || axis_ % rank == 0) {
      refuseInput(*this, "with an axis " + std::to_string(axis_) + " that is not the batch's", inputs[0]);
    }
    return inputs[0];
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    std::copy(input.data.begin(), input.data.end(), output.data.begin());
    if (usesMask_ && !input.mask.empty()) {
      // Keras broadcasts the mask (batch, timesteps) against the logits, which only means timesteps at
      // rank 2.
      if (input.shape.size() != 2) refuseInput(*this, "(batch, timesteps), since it is masked", input.shape);
      for (size_t i = 0; i < input.mask.size(); ++i) {
        if (input.mask[i] == 0) output.data[i] += kMasked;
      }
    }
    const size_t axis = resolved(input.shape);
    const int count = input.shape[axis].size;
    const int inner = elementCount(input.shape, axis + 1, input.shape.size());
    for (size_t outer = 0; outer < output.data.size(); outer += static_cast<size_t>(count * inner)) {
      for (int i = 0; i < inner; ++i) softmax(output.data.data() + outer + i, count, inner);
    }
    output.passMask(input);
  }

  std::string detail() const override { return "axis " + std::to_string(axis_); }
  std::string activation() const override { return "softmax"; }
  std::optional<size_t> softmaxAxis(const Shape& output) const override { return resolved(output); }

 private:
  static constexpr float kMasked = -1e9f;

  size_t resolved(const Shape& shape) const {
    return static_cast<size_t>(axis_ < 0 ? axis_ + static_cast<int>(shape.size()) : axis_);
  }

  bool usesMask_;
  int axis_ = -1;
};

}  // namespace

std::unique_ptr<Layer> makeActivation(ConfigReader& config) {
  return std::make_unique<ActivationLayer>(config);
}
std::unique_ptr<Layer> makeSoftmax(ConfigReader& config) { return std::make_unique<SoftmaxLayer>(config); }

}  // namespace charglow
