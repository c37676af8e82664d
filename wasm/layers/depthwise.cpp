// Convolutions along the timesteps in which every feature has a kernel of its own.

#include <algorithm>

#include "keras/weight_reader.h"
#include "kernels/affine.h"
#include "layers/activation_backward.h"
#include "layers/layers.h"
#include "layers/window.h"

namespace charglow {
namespace {

/// DepthwiseConv1D: each feature f becomes `depth_multiplier` = M features of the output,
///
///     d_i[f·M + m] = Σ_k x_{i·stride - before + k·dilation}[f] K[k, f, m]      K (kernel_size, features, M)
///
/// and y_i = activation(d_i + b). SeparableConv1D mixes them before the bias, y_i = activation(d_i P + b),
/// with P (1, features·M, filters). Timesteps outside of the input are zero. No generation hands a mask on.
/// keras/layers/convolutional/base_depthwise_conv.py and base_separable_conv.py (2.15).
class DepthwiseConv1D : public Layer {
 public:
  DepthwiseConv1D(ConfigReader& config, bool separable)
      : Layer(config.layer(), config.className()),
        filters_(separable ? config.size("filters") : 0),
        taps_(readSpatial(config, "kernel_size", 1)),
        dilation_(readSpatial(config, "dilation_rate", 1)),
        multiplier_(readSpatial(config, "depth_multiplier", 1)),
        activation_(config.activation("activation", "linear")),
        useBias_(config.boolean("use_bias", true)),
        kernelName_(separable || config.dialect().major < 3 ? "depthwise_kernel" : "kernel"),
        window_(readConvolution(config, taps_, dilation_)) {
    config.require("groups", 1);  // which 2.15 writes and nothing reads
    if (config.dialect().theano)
      config.refuse("depth_multiplier", "a model made on TensorFlow", "one made on Theano");
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 3 || !input[2].known() || input[2].size > ConfigReader::kMaxSize / multiplier_)
      refuseInput(*this, "(batch, timesteps, features) with known features", input);
    const Dim steps = convolved(input[1], window_);
    if (steps.size == 0) {
      refuseInput(*this,
                  "(batch, timesteps, features) with at least " + std::to_string(window_.size) + " timesteps",
                  input);
    }
    return {input[0], steps, {isSeparable() ? filters_ : input[2].size * multiplier_}};
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const int features = inputs[0][2].size;
    const int depth = features * multiplier_;
    kernel_ = weights.take(kernelName_, {taps_, features, multiplier_});
    std::vector<float> mix;
    if (isSeparable()) mix = weights.take("pointwise_kernel", {1, depth, filters_});
    const int width = isSeparable() ? filters_ : depth;
    if (useBias_) bias_ = weights.take("bias", {width});
    if (!mix.empty()) mix_ = Affine(mix, depth, filters_, bias_);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const auto width = static_cast<size_t>(output.shape[2].size);
    convolve(inputs[0], output.shape[1].size, scratch.room(depthOf(inputs[0].shape)), output.data.data());
    for (size_t row = 0; row < output.data.size(); row += width)
      activate(activation_, output.data.subspan(row, width));
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const int steps = input.shape[1].size;
    const int features = input.shape[2].size;
    const int places = call.outputs[0].shape[1].size;
    const std::span<const float> y = call.outputs[0].data;
    const size_t depth = depthOf(input.shape);
    const auto width = static_cast<size_t>(call.outputs[0].shape[2].size);
    float* mixed = scratch.room(depth + 2 * y.size());
    const std::span<float> gradient =
        gradientBefore(activation_, call, width, mixed + depth,
                       [&](std::span<float> x) { convolve(input, places, mixed, x.data()); });
    const float* from = gradient.data();
    for (int b = 0; b < input.shape[0].size; ++b) {
      float* to = call.inputGradients[0].data() + static_cast<ptrdiff_t>(b) * steps * features;
      for (int place = 0; place < places; ++place, from += width) {
        const float* each = from;
        if (isSeparable()) {
          std::fill_n(mixed, depth, 0.0f);
          mix_.addTransposed(from, 1, mixed);
          each = mixed;
        }
        eachTap(steps, features, place * window_.stride - window_.before(steps),
                [&](size_t at, size_t weight, size_t d) { to[at] += each[d] * kernel_[weight]; });
      }
    }
  }

  std::string detail() const override {
    std::string text = "kernel_size " + std::to_string(taps_) + ", " + windowText(window_);
    if (multiplier_ > 1) text += ", depth_multiplier " + std::to_string(multiplier_);
    if (dilation_ > 1) text += ", dilation_rate " + std::to_string(dilation_);
    return text + ", " + activation() + (useBias_ ? "" : ", no bias");
  }
  std::string activation() const override { return std::string(activationName(activation_)); }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    if (activation_ != Activation::Softmax) return std::nullopt;
    return output.size() - 1;
  }

 private:
  [[nodiscard]] bool isSeparable() const { return filters_ > 0; }

  /// How many features d_i has.
  [[nodiscard]] size_t depthOf(const Shape& input) const {
    return static_cast<size_t>(input[2].size) * static_cast<size_t>(multiplier_);
  }

  /// Calls visit(place in the sequence, in the kernel, in d_i) for every product of the kernel where it
  /// starts at timestep `start`.
  template <class Visit>
  void eachTap(int steps, int features, int start, Visit visit) const {
    for (int k = 0; k < taps_; ++k) {
      const int t = start + k * dilation_;
      if (t < 0 || t >= steps) continue;
      const auto x = static_cast<size_t>(t) * static_cast<size_t>(features);
      const auto depth = static_cast<size_t>(features) * static_cast<size_t>(multiplier_);
      for (size_t d = 0; d < depth; ++d)
        visit(x + d / static_cast<size_t>(multiplier_), static_cast<size_t>(k) * depth + d, d);
    }
  }

  /// The output before the activation. `mixed`: depthOf(…) floats to work in.
  void convolve(const View& input, int places, float* mixed, float* to) const {
    const int steps = input.shape[1].size;
    const int features = input.shape[2].size;
    const size_t depth = depthOf(input.shape);
    for (int b = 0; b < input.shape[0].size; ++b) {
      const float* sequence = input.data.data() + static_cast<ptrdiff_t>(b) * steps * features;
      for (int place = 0; place < places; ++place) {
        float* each = isSeparable() ? mixed : to;
        std::fill_n(each, depth, 0.0f);
        if (!isSeparable() && useBias_) std::copy(bias_.begin(), bias_.end(), each);
        eachTap(steps, features, place * window_.stride - window_.before(steps),
                [&](size_t at, size_t weight, size_t d) { each[d] += sequence[at] * kernel_[weight]; });
        if (isSeparable()) mix_.apply(mixed, 1, to);
        to += isSeparable() ? static_cast<size_t>(filters_) : depth;
      }
    }
  }

  int filters_;  ///< 0 where it is not separable
  int taps_;     ///< kernel_size
  int dilation_;
  int multiplier_;
  Activation activation_;
  bool useBias_;
  const char* kernelName_;  ///< which Keras 3 calls otherwise, but in SeparableConv1D
  Window window_;
  std::vector<float> kernel_;  ///< (kernel_size, features, depth_multiplier)
  Affine mix_;                 ///< (features · depth_multiplier, filters), with the bias
  std::vector<float> bias_;
};

}  // namespace

std::unique_ptr<Layer> makeDepthwiseConv1D(ConfigReader& config) {
  return std::make_unique<DepthwiseConv1D>(config, false);
}
std::unique_ptr<Layer> makeSeparableConv1D(ConfigReader& config) {
  return std::make_unique<DepthwiseConv1D>(config, true);
}

}  // namespace charglow
