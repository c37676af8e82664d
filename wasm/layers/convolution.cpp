#include <algorithm>

#include "keras/weight_reader.h"
#include "kernels/affine.h"
#include "layers/activation_backward.h"
#include "layers/layers.h"
#include "layers/window.h"

namespace charglow {
namespace {

/// Convolution along the timesteps. keras/layers/convolutional/base_conv.py (2.15).
///
///     y_i = activation(Σ_k x_{i·stride - before + k·dilation} K_k + b)      K (kernel_size, features,
///     filters)
///
/// where timesteps outside of the input are zero. With `groups`, filters and features are divided in as many
/// parts, and each part of the filters sees its part of the features only. No generation hands a mask on.
class Conv1D : public Layer {
 public:
  explicit Conv1D(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        filters_(config.size("filters")),
        taps_(readSpatial(config, "kernel_size", 1)),
        dilation_(readSpatial(config, "dilation_rate", 1)),
        groups_(config.integer("groups", 1)),
        activation_(config.activation("activation", "linear")),
        useBias_(config.boolean("use_bias", true)),
        // Theano turns the kernel round, as the mathematical convolution does.
        turned_(config.dialect().theano) {
    if (groups_ < 1 || filters_ % groups_ != 0)
      config.refuse("groups", "a divisor of filters, " + std::to_string(filters_), std::to_string(groups_));
    window_ = readConvolution(config, taps_, dilation_);
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 3 || !input[2].known() || input[2].size % groups_ != 0) {
      refuseInput(*this,
                  groups_ == 1
                      ? "(batch, timesteps, features)"
                      : "(batch, timesteps, features) with features divisible by " + std::to_string(groups_),
                  input);
    }
    const Dim steps = convolved(input[1], window_);
    if (steps.size == 0) {
      refuseInput(*this,
                  "(batch, timesteps, features) with at least " + std::to_string(window_.size) + " timesteps",
                  input);
    }
    return {input[0], steps, {filters_}};
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const int features = inputs[0][2].size / groups_;
    std::vector<float> kernel = takeKernel(weights, features);
    const std::vector<float> bias = useBias_ ? weights.take("bias", {filters_}) : std::vector<float>{};
    if (kernel.empty() || (useBias_ && bias.empty())) return;  // a problem was noted
    if (turned_) turnRound(kernel);
    const int rows = taps_ * features;
    const int each = filters_ / groups_;
    for (int group = 0; group < groups_; ++group) {
      const std::span<const float> own =
          useBias_ ? std::span(bias).subspan(static_cast<size_t>(group * each), static_cast<size_t>(each))
                   : std::span<const float>{};
      affine_.emplace_back(columnsOf(kernel, rows, filters_, group * each, (group + 1) * each), rows, each,
                           own);
    }
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    convolve(inputs[0], output.data.data(), output.shape[1].size, scratch.room(seenSize(inputs[0].shape)));
    const size_t width = static_cast<size_t>(filters_);
    for (size_t row = 0; row < output.data.size(); row += width)
      activate(activation_, output.data.subspan(row, width));
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const std::span<const float> y = call.outputs[0].data;
    const int places = call.outputs[0].shape[1].size;
    float* seen = scratch.room(seenSize(input.shape) + 2 * y.size());
    const std::span<float> gradient =
        gradientBefore(activation_, call, static_cast<size_t>(filters_), seen + seenSize(input.shape),
                       [&](std::span<float> x) { convolve(input, x.data(), places, seen); });
    const float* from = gradient.data();
    eachPlace(input.shape, places, [&](int b, int start) {
      for (int group = 0; group < groups_; ++group, from += filters_ / groups_) {
        std::fill_n(seen, seenSize(input.shape), 0.0f);
        affine_[static_cast<size_t>(group)].addTransposed(from, 1, seen);
        scatter(seen, input.shape, b, start, group, call.inputGradients[0].data());
      }
    });
  }

  std::string detail() const override {
    std::string text =
        "kernel_size " + std::to_string(taps_) + ", " + windowText(window_) + ", " + activation();
    if (dilation_ > 1) text += ", dilation_rate " + std::to_string(dilation_);
    if (groups_ > 1) text += ", groups " + std::to_string(groups_);
    return text + (useBias_ ? "" : ", no bias");
  }
  std::string activation() const override { return std::string(activationName(activation_)); }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    if (activation_ != Activation::Softmax) return std::nullopt;
    return output.size() - 1;
  }

 private:
  /// The kernel (taps, features, filters). Keras 1 stores one of two axes, the second of length 1; before 1.2
  /// as (filters, features, taps, 1). keras/engine/saving.py (2.2), preprocess_weights_for_loading.
  std::vector<float> takeKernel(WeightReader& weights, int features) const {
    const std::vector<int64_t> shape = weights.nextShape();
    if (shape.size() != 4) return weights.take("kernel", {taps_, features, filters_});
    if (shape[0] == taps_ && shape[1] == 1 && shape[3] == filters_)
      return weights.take("kernel", {taps_, 1, features, filters_});
    const std::vector<float> old = weights.take("kernel", {filters_, features, taps_, 1});
    std::vector<float> kernel(old.size());
    const size_t each = static_cast<size_t>(features) * static_cast<size_t>(taps_);  // weights of a filter
    for (size_t i = 0; i < old.size(); ++i) {
      const size_t filter = i / each;
      const size_t feature = i % each / static_cast<size_t>(taps_);
      const size_t k = i % static_cast<size_t>(taps_);
      kernel[(k * static_cast<size_t>(features) + feature) * static_cast<size_t>(filters_) + filter] = old[i];
    }
    return kernel;
  }

  /// K_k → K_{taps-1-k}.
  void turnRound(std::vector<float>& kernel) const {
    const ptrdiff_t each = static_cast<ptrdiff_t>(kernel.size()) / taps_;
    for (ptrdiff_t k = 0; k < taps_ / 2; ++k) {
      std::swap_ranges(kernel.begin() + k * each, kernel.begin() + (k + 1) * each,
                       kernel.end() - (k + 1) * each);
    }
  }

  /// Floats that one group's kernel sees: (taps, features of the group).
  [[nodiscard]] size_t seenSize(const Shape& input) const {
    return static_cast<size_t>(taps_) * static_cast<size_t>(input[2].size / groups_);
  }

  /// Calls visit(row of the batch, the timestep at which the kernel starts) for every place of the kernel.
  template <class Visit>
  void eachPlace(const Shape& input, int places, Visit visit) const {
    const int before = window_.before(input[1].size);
    for (int b = 0; b < input[0].size; ++b) {
      for (int place = 0; place < places; ++place) visit(b, place * window_.stride - before);
    }
  }

  /// The output before the activation. `seen`: seenSize(…) floats to work in.
  void convolve(const View& input, float* to, int places, float* seen) const {
    const int steps = input.shape[1].size;
    const int features = input.shape[2].size;
    eachPlace(input.shape, places, [&](int b, int start) {
      const float* sequence = input.data.data() + static_cast<ptrdiff_t>(b) * steps * features;
      for (int group = 0; group < groups_; ++group, to += filters_ / groups_) {
        const float* x = seen;
        if (groups_ == 1 && dilation_ == 1 && start >= 0 && start + taps_ <= steps) {
          x = sequence + static_cast<ptrdiff_t>(start) * features;  // as it lies there
        } else {
          gather(sequence, steps, features, start, group, seen);
        }
        affine_[static_cast<size_t>(group)].apply(x, 1, to);
      }
    });
  }

  /// What the kernel sees of the features of a group when it starts at timestep `start`.
  void gather(const float* sequence, int steps, int features, int start, int group, float* seen) const {
    const ptrdiff_t width = features / groups_;
    for (int k = 0; k < taps_; ++k, seen += width) {
      const int t = start + k * dilation_;
      if (t < 0 || t >= steps) {
        std::fill_n(seen, width, 0.0f);
      } else {
        std::copy_n(sequence + static_cast<ptrdiff_t>(t) * features + group * width, width, seen);
      }
    }
  }

  /// The way back of `gather`: adds what the kernel saw to where it saw it, in row `b` of the batch.
  void scatter(const float* seen, const Shape& input, int b, int start, int group, float* to) const {
    const int steps = input[1].size;
    const ptrdiff_t width = input[2].size / groups_;
    float* sequence = to + static_cast<ptrdiff_t>(b) * steps * input[2].size + group * width;
    for (int k = 0; k < taps_; ++k, seen += width) {
      const int t = start + k * dilation_;
      if (t < 0 || t >= steps) continue;
      float* step = sequence + static_cast<ptrdiff_t>(t) * input[2].size;
      for (ptrdiff_t f = 0; f < width; ++f) step[f] += seen[f];
    }
  }

  int filters_;
  int taps_;  ///< kernel_size
  int dilation_;
  int groups_;
  Activation activation_;
  bool useBias_;
  bool turned_;
  Window window_;
  std::vector<Affine> affine_;  ///< for each group (taps · features of the group, filters of the group)
};

}  // namespace

std::unique_ptr<Layer> makeConv1D(ConfigReader& config) { return std::make_unique<Conv1D>(config); }

}  // namespace charglow
