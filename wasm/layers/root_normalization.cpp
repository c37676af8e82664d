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
    const std::vector<size_t> axes = knownAxes(*this, axes_, input.shape);
    const std::vector<size_t> others = otherAxes(axes, input.shape);
    const std::vector<size_t> group = strideAlong(input.shape, others);
    size_t groups = 1;
    for (const size_t axis : others) groups *= static_cast<size_t>(input.shape[axis].size);
    float* factor = scratch.room(groups);  // of each group Σ x², then what its values are multiplied by
    std::fill_n(factor, groups, 0.0f);
    auto x = input.data.begin();
    StridedWalk(input.shape, group).elements([&](size_t g) {
      factor[g] += *x * *x;
      ++x;
    });
    const float count = static_cast<float>(input.data.size() / groups);
    for (size_t g = 0; g < groups; ++g)
      factor[g] = 1.0f / std::sqrt(rms_ ? factor[g] / count + epsilon_ : std::max(factor[g], kLeast));
    x = input.data.begin();
    auto to = output.data.begin();
    StridedWalk(input.shape, group).elements([&](size_t g) { *to++ = *x++ * factor[g]; });
    if (!rms_) return output.passMask(input);
    to = output.data.begin();
    StridedWalk(input.shape, strideAlong(input.shape, axes)).elements([&](size_t at) {
      *to++ *= scale_[at];
    });
  }

 private:
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
