#include <algorithm>

#include "kernels/activation_gradients.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// An activation by name, over the last axis where it is one over rows (softmax). It never looks at the mask,
/// and hands it on. keras/layers/core/activation.py (2.15).
class ActivationLayer : public Layer {
 public:
  explicit ActivationLayer(ConfigReader& config)
      : Layer(config.layer(), config.className()), activation_(config.activation("activation", "")) {}

  Shape outputShape(std::span<const Shape> inputs) const override { return inputs[0]; }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    std::copy(inputs[0].data.begin(), inputs[0].data.end(), output.data.begin());
    const size_t width = static_cast<size_t>(output.shape.back().size);
    for (size_t start = 0; start < output.data.size(); start += width)
      activate(activation_, output.data.subspan(start, width));
    output.passMask(inputs[0]);
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const std::span<const float> above = call.outputGradients[0];
    const std::span<float> gradient(scratch.room(above.size()), above.size());
    std::copy(above.begin(), above.end(), gradient.begin());
    activateRowsBackward(activation_, call.inputs[0].data, call.outputs[0].data, gradient,
                         static_cast<size_t>(call.outputs[0].shape.back().size));
    addGradient(gradient, call.inputGradients[0]);
  }

  std::string detail() const override { return activation(); }
  std::string activation() const override { return std::string(activationName(activation_)); }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    if (activation_ != Activation::Softmax) return std::nullopt;
    return output.size() - 1;
  }
  Part part() const override { return activation_ == Activation::Linear ? Part::Relayout : Part::Other; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& /*input*/) const override {
    return activation_ == Activation::Linear ? std::optional(axis) : std::nullopt;
  }

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
    resolveAxis(*this, axis_, inputs[0]);
    return inputs[0];
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    std::copy(input.data.begin(), input.data.end(), output.data.begin());
    // Keras broadcasts the mask (batch, timesteps) against the logits, which means timesteps at rank 2 only,
    // and no layer gives a mask at rank 2.
    if (usesMask_ && !input.mask.empty()) refuseInput(*this, "without a mask", input.shape);
    const size_t axis = resolveAxis(*this, axis_, input.shape);
    const int count = input.shape[axis].size;
    const int inner = elementCount(input.shape, axis + 1, input.shape.size());
    for (size_t outer = 0; outer < output.data.size(); outer += static_cast<size_t>(count * inner)) {
      for (int i = 0; i < inner; ++i) softmax(output.data.data() + outer + i, count, inner);
    }
    output.passMask(input);
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const Shape& shape = call.outputs[0].shape;
    const std::span<const float> above = call.outputGradients[0];
    const std::span<float> gradient(scratch.room(above.size()), above.size());
    std::copy(above.begin(), above.end(), gradient.begin());
    const size_t axis = resolveAxis(*this, axis_, shape);
    const int count = shape[axis].size;
    const int inner = elementCount(shape, axis + 1, shape.size());
    for (size_t outer = 0; outer < gradient.size(); outer += static_cast<size_t>(count * inner)) {
      for (int i = 0; i < inner; ++i) {
        const size_t at = outer + static_cast<size_t>(i);
        softmaxBackward(call.outputs[0].data.data() + at, gradient.data() + at, count, inner);
      }
    }
    addGradient(gradient, call.inputGradients[0]);
  }

  std::string detail() const override { return "axis " + std::to_string(axis_); }
  std::string activation() const override { return "softmax"; }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    return resolveAxis(*this, axis_, output);
  }

 private:
  bool usesMask_;
  int axis_ = -1;
};

}  // namespace

std::unique_ptr<Layer> makeActivation(ConfigReader& config) {
  return std::make_unique<ActivationLayer>(config);
}
std::unique_ptr<Layer> makeSoftmax(ConfigReader& config) { return std::make_unique<SoftmaxLayer>(config); }

}  // namespace charglow
