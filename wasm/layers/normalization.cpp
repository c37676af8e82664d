#include <algorithm>
#include <cmath>

#include "keras/weight_reader.h"
#include "kernels/reduce.h"
#include "kernels/strided.h"
#include "layers/layers.h"
#include "layers/normalized_axes.h"

namespace charglow {
namespace {

/// Every sample, and every place along the other axes, normalised by its own mean and variance over `axes`:
///
///     y = (x - mean) / sqrt(variance + ε) · γ + β
///
/// keras/layers/normalization/layer_normalization.py (2.15). Keras 3's rms_scaling divides by the same root
/// and neither subtracts the mean nor adds β (keras/src/ops/nn.py, _layer_normalization).
class LayerNormalization : public Layer {
 public:
  explicit LayerNormalization(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        axes_(readAxes(config)),
        epsilon_(config.number("epsilon", 1e-3f)),
        rms_(config.boolean("rms_scaling", false)),
        scales_(config.boolean("scale", true) || rms_),
        centers_(config.boolean("center", true) && !rms_) {
    if (axes_.empty()) config.refuse("axis", "one or several axes", config.raw("axis").dump());
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    knownAxes(*this, axes_, inputs[0]);
    return inputs[0];
  }

  bool hasWeights() const override { return scales_ || centers_; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    std::vector<int> sizes;
    for (const size_t axis : knownAxes(*this, axes_, inputs[0])) sizes.push_back(inputs[0][axis].size);
    if (scales_) gamma_ = weights.take("gamma", sizes);
    if (centers_) beta_ = weights.take("beta", sizes);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const View& input = inputs[0];
    const Moments moments = momentsOf(input, scratch, 0);
    auto x = input.data.begin();
    auto to = output.data.begin();
    moments.walk.elements([&](size_t g) {
      *to++ = (*x++ - (rms_ ? 0.0f : moments.mean[g])) / std::sqrt(moments.variance[g] + epsilon_);
    });
    to = output.data.begin();
    StridedWalk(input.shape, strideAlong(input.shape, knownAxes(*this, axes_, input.shape)))
        .elements([&](size_t at) {
          if (scales_) *to *= gamma_[at];
          if (centers_) *to += beta_[at];
          ++to;
        });
    output.passMask(input);
  }

  /// With x̂ = (x - mean) / σ, σ² = variance + ε, and the gradient d at x̂:
  ///
  ///     d(loss)/dx = (d - mean(d) - (x - mean) / σ · mean(d · x̂)) / σ
  ///
  /// where rms_scaling has x / σ for x̂ and no mean(d).
  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const size_t count = input.data.size();
    const Moments moments = momentsOf(input, scratch, count);
    const std::span<float> d(moments.room, count);
    std::copy(call.outputGradients[0].begin(), call.outputGradients[0].end(), d.begin());
    if (scales_) {
      auto to = d.begin();
      StridedWalk(input.shape, strideAlong(input.shape, knownAxes(*this, axes_, input.shape)))
          .elements([&](size_t at) { *to++ *= gamma_[at]; });
    }
    // of each group mean(d) and mean(d · x̂)
    const size_t groups = moments.mean.size();
    std::vector<float> means(2 * groups, 0.0f);
    const auto normalised = [&](size_t i, size_t g) {
      return (input.data[i] - (rms_ ? 0.0f : moments.mean[g])) / std::sqrt(moments.variance[g] + epsilon_);
    };
    const float size = static_cast<float>(count / groups);
    size_t i = 0;
    moments.walk.elements([&](size_t g) {
      if (!rms_) means[g] += d[i] / size;
      means[groups + g] += d[i] * normalised(i, g) / size;
      ++i;
    });
    i = 0;
    moments.walk.elements([&](size_t g) {
      const float sigma = std::sqrt(moments.variance[g] + epsilon_);
      const float off = (input.data[i] - moments.mean[g]) / sigma;
      call.inputGradients[0][i] += (d[i] - means[g] - off * means[groups + g]) / sigma;
      ++i;
    });
  }

 private:
  /// Mean and variance of each group of values that are normalised together, and how these lie in the input.
  struct Moments {
    StridedWalk walk;
    std::span<float> mean;
    std::span<float> variance;
    float* room;  ///< to work in
  };
  Moments momentsOf(const View& input, Scratch& scratch, size_t room) const {
    const std::vector<size_t> axes = knownAxes(*this, axes_, input.shape);
    const std::vector<size_t> others = otherAxes(axes, input.shape);
    size_t groups = 1;
    for (const size_t axis : others) groups *= static_cast<size_t>(input.shape[axis].size);
    float* mean = scratch.room(2 * groups + room);
    const Moments moments = {StridedWalk(input.shape, strideAlong(input.shape, others)),
                             {mean, groups},
                             {mean + groups, groups},
                             mean + 2 * groups};
    reduce(ReduceKind::Mean, input.data, input.shape, axes, moments.mean);
    std::fill(moments.variance.begin(), moments.variance.end(), 0.0f);
    auto x = input.data.begin();
    moments.walk.elements([&](size_t g) {
      const float off = *x++ - mean[g];
      moments.variance[g] += off * off;
    });
    for (float& variance : moments.variance) variance /= static_cast<float>(input.data.size() / groups);
    return moments;
  }

  std::vector<int> axes_;
  float epsilon_;
  bool rms_;
  bool scales_;
  bool centers_;
  std::vector<float> gamma_;  ///< with the axes `axes_`
  std::vector<float> beta_;
};

/// Normalised along one axis by the mean and variance that training saw:
///
///     y = (x - moving_mean) / sqrt(moving_variance + ε) · γ + β
///
/// keras/layers/normalization/batch_normalization.py (2.15), at inference.
class BatchNormalization : public Layer {
 public:
  explicit BatchNormalization(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        epsilon_(config.number("epsilon", 1e-3f)),
        scales_(config.boolean("scale", true)),
        centers_(config.boolean("center", true)) {
    const std::vector<int> axes = readAxes(config);
    if (axes.size() == 1) {
      axis_ = axes[0];
    } else {
      config.refuse("axis", "one axis", config.raw("axis").dump());
    }
    // Keras has further weights for these.
    config.require("renorm", false);
    config.require("virtual_batch_size", nullptr);
    for (const char* key : {"momentum", "fused", "synchronized", "renorm_clipping", "renorm_momentum"})
      config.ignore(key);
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const size_t axis = resolveAxis(*this, axis_, inputs[0]);
    if (!inputs[0][axis].known())
      refuseInput(*this, "of known size along axis " + std::to_string(axis), inputs[0]);
    return inputs[0];
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const int size = inputs[0][resolveAxis(*this, axis_, inputs[0])].size;
    scale_.assign(static_cast<size_t>(size), 1.0f);
    beta_.assign(static_cast<size_t>(size), 0.0f);
    if (scales_) scale_ = weights.take("gamma", {size});
    if (centers_) beta_ = weights.take("beta", {size});
    mean_ = weights.take("moving_mean", {size});
    const std::vector<float> variance = weights.take("moving_variance", {size});
    for (size_t i = 0; i < std::min(scale_.size(), variance.size()); ++i)
      scale_[i] /= std::sqrt(variance[i] + epsilon_);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    const size_t axis = resolveAxis(*this, axis_, input.shape);
    const size_t size = static_cast<size_t>(input.shape[axis].size);
    const size_t inner = static_cast<size_t>(elementCount(input.shape, axis + 1, input.shape.size()));
    for (size_t i = 0; i < input.data.size(); ++i) {
      const size_t at = i / inner % size;
      output.data[i] = (input.data[i] - mean_[at]) * scale_[at] + beta_[at];
    }
    output.passMask(input);
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const Shape& shape = call.inputs[0].shape;
    const size_t axis = resolveAxis(*this, axis_, shape);
    const size_t size = static_cast<size_t>(shape[axis].size);
    const size_t inner = static_cast<size_t>(elementCount(shape, axis + 1, shape.size()));
    for (size_t i = 0; i < call.outputGradients[0].size(); ++i)
      call.inputGradients[0][i] += call.outputGradients[0][i] * scale_[i / inner % size];
  }

 private:
  int axis_ = -1;
  float epsilon_;
  bool scales_;
  bool centers_;
  std::vector<float> scale_;  ///< γ / sqrt(moving_variance + ε), along the axis
  std::vector<float> beta_;
  std::vector<float> mean_;
};

}  // namespace

std::unique_ptr<Layer> makeLayerNormalization(ConfigReader& config) {
  return std::make_unique<LayerNormalization>(config);
}
std::unique_ptr<Layer> makeBatchNormalization(ConfigReader& config) {
  return std::make_unique<BatchNormalization>(config);
}

}  // namespace charglow
