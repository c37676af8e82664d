// Layers that divide by the root of what squares come to, and subtract nothing.

#include <algorithm>
#include <cmath>

#include "keras/weight_reader.h"
#include "kernels/strided.h"
#include "layers/layers.h"
#include "layers/normalized_axes.h"

namespace charglow {
namespace {

/// Over `axis`, one or several, for every place along the others:
///
///     UnitNormalization   y = x / √(Σ x²)               keras/layers/normalization/unit_normalization.py
///     (2.15) RMSNormalization    y = x / √(mean x² + ε) · scale    keras/src/ops/nn.py, _rms_normalization
///     (3.15)
///
/// Only the first hands the mask on.
class RootNormalization : public Layer {
 public:
  RootNormalization(ConfigReader& config, bool rms)
      : Layer(config.layer(), config.className()),
        rms_(rms),
        axes_(readAxes(config)),
        epsilon_(rms ? config.number("epsilon", 1e-6f) : 0.0f) {
    if (axes_.empty()) config.refuse("axis", "one or several axes", config.raw("axis").dump());
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    knownAxes(*this, axes_, inputs[0]);
    return inputs[0];
  }

  bool hasWeights() const override { return rms_; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    if (!rms_) return;
    std::vector<int> sizes;
    for (const size_t axis : knownAxes(*this, axes_, inputs[0])) sizes.push_back(inputs[0][axis].size);
    scale_ = weights.take("scale", sizes);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const View& input = inputs[0];
    const Factors factors = factorsOf(input, scratch);
    auto x = input.data.begin();
    auto to = output.data.begin();
    factors.walk.elements([&](size_t g) { *to++ = *x++ * factors.each[g]; });
    if (!rms_) return output.passMask(input);
    to = output.data.begin();
    scaleWalk(input.shape).elements([&](size_t at) { *to++ *= scale_[at]; });
  }

  /// With the factor r = 1 / √(mean x² + ε), or 1 / √(Σ x²), and the gradient d at r x:
  ///
  ///     d(loss)/dx = r (d - x r² mean(d x))         Σ(d x) in the place of mean(d x) where it is the sum
  ///
  /// Where the sum is below what it is raised to, r is a constant.
  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const size_t count = input.data.size();
    const Factors factors = factorsOf(input, scratch);
    const std::span<float> d(factors.room, count);
    std::copy(call.outputGradients[0].begin(), call.outputGradients[0].end(), d.begin());
    if (rms_) {
      auto to = d.begin();
      scaleWalk(input.shape).elements([&](size_t at) { *to++ *= scale_[at]; });
    }
    const size_t groups = factors.each.size();
    const float divisor = rms_ ? static_cast<float>(count / groups) : 1.0f;
    const std::span<float> along(d.data() + count, groups);  // mean(d x)
    std::fill(along.begin(), along.end(), 0.0f);
    size_t i = 0;
    factors.walk.elements([&](size_t g) {
      along[g] += d[i] * input.data[i] / divisor;
      ++i;
    });
    const float constant = 1.0f / std::sqrt(kLeast);
    i = 0;
    factors.walk.elements([&](size_t g) {
      const float r = factors.each[g];
      const float change = !rms_ && r >= constant ? 0.0f : input.data[i] * r * r * along[g];
      call.inputGradients[0][i] += r * (d[i] - change);
      ++i;
    });
  }

 private:
  /// What the values of each group are multiplied by, and how these lie in the input.
  struct Factors {
    StridedWalk walk;
    std::span<float> each;
    float* room;  ///< to work in: a float for each value of the input and for each group
  };
  Factors factorsOf(const View& input, Scratch& scratch) const {
    const std::vector<size_t> others = otherAxes(knownAxes(*this, axes_, input.shape), input.shape);
    size_t groups = 1;
    for (const size_t axis : others) groups *= static_cast<size_t>(input.shape[axis].size);
    float* factor = scratch.room(2 * groups + input.data.size());
    const Factors factors = {
        StridedWalk(input.shape, strideAlong(input.shape, others)), {factor, groups}, factor + groups};
    std::fill_n(factor, groups, 0.0f);
    auto x = input.data.begin();
    factors.walk.elements([&](size_t g) {
      factor[g] += *x * *x;
      ++x;
    });
    const float count = static_cast<float>(input.data.size() / groups);
    for (size_t g = 0; g < groups; ++g)
      factor[g] = 1.0f / std::sqrt(rms_ ? factor[g] / count + epsilon_ : std::max(factor[g], kLeast));
    return factors;
  }

  /// How the input's elements lie in `scale_`.
  [[nodiscard]] StridedWalk scaleWalk(const Shape& input) const {
    return {input, strideAlong(input, knownAxes(*this, axes_, input))};
  }

  /// So that zeros stay zeros.
  static constexpr float kLeast = 1e-12f;

  bool rms_;
  std::vector<int> axes_;
  float epsilon_;
  std::vector<float> scale_;  ///< with the axes `axes_`
};

}  // namespace

std::unique_ptr<Layer> makeUnitNormalization(ConfigReader& config) {
  return std::make_unique<RootNormalization>(config, false);
}
std::unique_ptr<Layer> makeRMSNormalization(ConfigReader& config) {
  return std::make_unique<RootNormalization>(config, true);
}

}  // namespace charglow
