#include <algorithm>

#include "keras/call_reader.h"
#include "kernels/activation_gradients.h"
#include "kernels/broadcast.h"
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

/// Softmax over a chosen axis. keras/layers/activation/softmax.py (2.15): a mask that the call is given adds
/// -1e9 to the masked logits, so that where all are masked none is. keras/src/layers/activations/softmax.py
/// (3.15) puts -1e9 in their place, and 0 in that of their weights. Multi-backend Keras ignored a mask
/// (keras/layers/advanced_activations.py, 2.2.5).
class SoftmaxLayer : public Layer {
 public:
  explicit SoftmaxLayer(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        usesMask_(config.dialect().softmaxLayerUsesMask()),
        replaces_(config.dialect().major >= 3) {
    const std::vector<int> axes = config.has("axis") ? config.integers("axis") : std::vector<int>{-1};
    if (axes.size() != 1) {
      config.refuse("axis", "one axis", config.raw("axis").dump());
    } else {
      axis_ = axes[0];
    }
  }

  std::unique_ptr<Layer> forCall(CallReader& call) const override {
    call.inputs();
    if (!usesMask_ || !call.tensor("mask", 1)) return nullptr;
    auto masked = std::unique_ptr<SoftmaxLayer>(new SoftmaxLayer(*this));
    masked->givenMask_ = true;
    return masked;
  }

  bool takesInputs(size_t count) const override { return count == (givenMask_ ? 2 : 1); }

  Shape outputShape(std::span<const Shape> inputs) const override {
    resolveAxis(*this, axis_, inputs[0]);
    if (!givenMask_) return inputs[0];
    Shape joined = inputs[0];
    const auto same = [](const Dim& a, const Dim& b) { return a.size == b.size; };
    if (!broadcast(joined, inputs[1]) ||
        !std::equal(joined.begin(), joined.end(), inputs[0].begin(), inputs[0].end(), same))
      refuseInput(*this, "that fits " + shapeText(inputs[0]) + " as its mask", inputs[1]);
    return inputs[0];
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const View& input = inputs[0];
    std::copy(input.data.begin(), input.data.end(), output.data.begin());
    // Keras broadcasts the mask (batch, timesteps) against the logits, which means timesteps at rank 2 only,
    // and no layer gives a mask at rank 2.
    if (usesMask_ && !givenMask_ && !input.mask.empty()) refuseInput(*this, "without a mask", input.shape);
    const std::span<const float> kept = givenMask_ ? keptOf(inputs, scratch) : std::span<const float>{};
    for (size_t i = 0; i < kept.size(); ++i) {
      if (!replaces_) {
        output.data[i] += (1.0f - kept[i]) * kMasked;
      } else if (kept[i] <= 0.5f) {
        output.data[i] = kMasked;
      }
    }
    eachRow(input.shape,
            [&](size_t at, int count, int stride) { softmax(output.data.data() + at, count, stride); });
    for (size_t i = 0; replaces_ && i < kept.size(); ++i) {
      if (kept[i] <= 0.5f) output.data[i] = 0;
    }
    output.passMask(input);
  }

  /// The mask is a constant. Where Keras 3 puts 0 for a weight no gradient comes through; of the others it
  /// takes the whole softmax, in which the masked had no part.
  void backward(const Backward& call, Scratch& scratch) const override {
    if (call.inputGradients[0].empty()) return;
    const std::span<const float> above = call.outputGradients[0];
    const std::span<float> gradient(scratch.room(above.size()), above.size());
    std::copy(above.begin(), above.end(), gradient.begin());
    eachRow(call.outputs[0].shape, [&](size_t at, int count, int stride) {
      softmaxBackward(call.outputs[0].data.data() + at, gradient.data() + at, count, stride);
    });
    addGradient(gradient, call.inputGradients[0]);
  }

  std::string detail() const override {
    return "axis " + std::to_string(axis_) + (givenMask_ ? ", with a mask" : "");
  }
  std::string activation() const override { return "softmax"; }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    return resolveAxis(*this, axis_, output);
  }

 private:
  static constexpr float kMasked = -1e9f;

  SoftmaxLayer(const SoftmaxLayer& other)
      : Layer(other.name(), other.className()),
        usesMask_(other.usesMask_),
        replaces_(other.replaces_),
        axis_(other.axis_) {}

  /// The mask that was given, a number for each of the logits.
  static std::span<const float> keptOf(std::span<const View> inputs, Scratch& scratch) {
    const std::span<float> kept(scratch.room(inputs[0].data.size()), inputs[0].data.size());
    gather(broadcastWalk(inputs[1].shape, inputs[0].shape), inputs[1].data.data(), kept.data());
    return kept;
  }

  /// Calls visit(first, count, stride) for each row of values along the axis.
  template <class Visit>
  void eachRow(const Shape& shape, Visit visit) const {
    const size_t axis = resolveAxis(*this, axis_, shape);
    const int count = shape[axis].size;
    const int inner = elementCount(shape, axis + 1, shape.size());
    const auto total = static_cast<size_t>(elementCount(shape));
    for (size_t outer = 0; outer < total; outer += static_cast<size_t>(count * inner)) {
      for (int i = 0; i < inner; ++i) visit(outer + static_cast<size_t>(i), count, inner);
    }
  }

  bool usesMask_;
  bool replaces_;
  int axis_ = -1;
  bool givenMask_ = false;
};

}  // namespace

std::unique_ptr<Layer> makeActivation(ConfigReader& config) {
  return std::make_unique<ActivationLayer>(config);
}
std::unique_ptr<Layer> makeSoftmax(ConfigReader& config) { return std::make_unique<SoftmaxLayer>(config); }

}  // namespace charglow
