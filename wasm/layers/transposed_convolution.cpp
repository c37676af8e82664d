#include <algorithm>

#include "keras/weight_reader.h"
#include "layers/activation_backward.h"
#include "layers/layers.h"
#include "layers/window.h"

namespace charglow {
namespace {

/// Conv1DTranspose: what a convolution with this window does to its output's gradient, so that it lengthens a
/// sequence as that shortens it:
///
///     y_o = activation(Σ_{i, k: i·stride + k·dilation - before = o} x_i K_kᵀ + b)    K (kernel_size,
///     filters, features)
///
/// `before` is what a convolution of the output would be padded by in front.
/// keras/layers/convolutional/conv1d_transpose.py and keras/utils/conv_utils.py, deconv_output_length (2.15).
/// No generation hands a mask on.
class Conv1DTranspose : public Layer {
 public:
  explicit Conv1DTranspose(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        filters_(config.size("filters")),
        taps_(readSpatial(config, "kernel_size", 1)),
        dilation_(readSpatial(config, "dilation_rate", 1)),
        activation_(config.activation("activation", "linear")),
        useBias_(config.boolean("use_bias", true)),
        window_(readConvolution(config, taps_, dilation_)) {
    if (window_.padding == Window::Padding::Causal) config.refuse("padding", "valid or same", "causal");
    config.require("groups", 1);
    config.require("output_padding", nullptr, "No fixture shows how each Keras pads.");
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 3 || !input[2].known())
      refuseInput(*this, "(batch, timesteps, features) with known features", input);
    Dim steps = input[1];
    if (steps.known()) {
      const int64_t longer = lengthened(steps.size);
      if (longer > kMaxElements) refuseInput(*this, "that does not become longer than any text", input);
      steps.size = static_cast<int>(longer);
    }
    // With strides a character is behind several of its steps, of which there is no such map.
    if (window_.stride > 1) {
      steps.along = Along::Other;
    } else {
      const int back = steps.known() ? steps.size - input[1].size - reach() : 0;
      steps = cropped(input[1], -reach(), -back);
    }
    return {input[0], steps, {filters_}};
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const int features = inputs[0][2].size;
    kernel_ = weights.take("kernel", {taps_, filters_, features});
    if (useBias_) bias_ = weights.take("bias", {filters_});
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    spread(inputs[0], output.shape, output.data);
    const size_t width = static_cast<size_t>(filters_);
    for (size_t row = 0; row < output.data.size(); row += width)
      activate(activation_, output.data.subspan(row, width));
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const View& output = call.outputs[0];
    const std::span<float> gradient =
        gradientBefore(activation_, call, static_cast<size_t>(filters_), scratch.room(2 * output.data.size()),
                       [&](std::span<float> x) { spread(input, output.shape, x); });
    const auto features = static_cast<size_t>(input.shape[2].size);
    eachTap(input.shape, output.shape, [&](size_t step, size_t place, const float* weight) {
      float* to = call.inputGradients[0].data() + step * features;
      const float* from = gradient.data() + place * static_cast<size_t>(filters_);
      for (int f = 0; f < filters_; ++f, weight += features) {
        for (size_t j = 0; j < features; ++j) to[j] += from[f] * weight[j];
      }
    });
  }

  std::string detail() const override {
    std::string text = "kernel_size " + std::to_string(taps_) + ", " + windowText(window_);
    if (dilation_ > 1) text += ", dilation_rate " + std::to_string(dilation_);
    return text + ", " + activation() + (useBias_ ? "" : ", no bias");
  }
  std::string activation() const override { return std::string(activationName(activation_)); }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    if (activation_ != Activation::Softmax) return std::nullopt;
    return output.size() - 1;
  }

 private:
  /// Calls visit(step of the input, of the output, K_k) for each pair that the kernel joins; steps are
  /// counted through all rows of the batch.
  template <class Visit>
  void eachTap(const Shape& input, const Shape& output, Visit visit) const {
    const int longer = output[1].size;
    const int before = window_.before(longer);
    for (int b = 0; b < input[0].size; ++b) {
      for (int i = 0; i < input[1].size; ++i) {
        for (int k = 0; k < taps_; ++k) {
          const int o = i * window_.stride + k * dilation_ - before;
          if (o < 0 || o >= longer) continue;
          visit(static_cast<size_t>(b * input[1].size + i), static_cast<size_t>(b * longer + o),
                kernel_.data() + static_cast<ptrdiff_t>(k) * filters_ * input[2].size);
        }
      }
    }
  }

  /// The output before the activation.
  void spread(const View& input, const Shape& output, std::span<float> to) const {
    const size_t width = static_cast<size_t>(filters_);
    for (size_t row = 0; row < to.size(); row += width) {
      for (size_t f = 0; f < width; ++f) to[row + f] = useBias_ ? bias_[f] : 0.0f;
    }
    const auto features = static_cast<size_t>(input.shape[2].size);
    eachTap(input.shape, output, [&](size_t step, size_t place, const float* weight) {
      const float* x = input.data.data() + step * features;
      float* y = to.data() + place * width;
      for (size_t f = 0; f < width; ++f, weight += features) {
        for (size_t j = 0; j < features; ++j) y[f] += x[j] * weight[j];
      }
    });
  }

  /// How many timesteps come out for `steps`.
  [[nodiscard]] int64_t lengthened(int steps) const {
    const int64_t moved = int64_t{steps} * window_.stride;
    if (window_.padding == Window::Padding::Same) return moved;
    return moved + std::max(window_.size - window_.stride, 0);
  }
  /// Without strides: how far in front of a step its kernel's middle begins in the output.
  [[nodiscard]] int reach() const {
    return window_.padding == Window::Padding::Same ? 0 : (window_.size - 1) / 2;
  }

  int filters_;
  int taps_;  ///< kernel_size
  int dilation_;
  Activation activation_;
  bool useBias_;
  Window window_;
  std::vector<float> kernel_;  ///< (kernel_size, filters, features)
  std::vector<float> bias_;
};

}  // namespace

std::unique_ptr<Layer> makeConv1DTranspose(ConfigReader& config) {
  return std::make_unique<Conv1DTranspose>(config);
}

}  // namespace charglow
