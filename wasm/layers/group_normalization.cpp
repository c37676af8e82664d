#include <algorithm>
#include <cmath>

#include "keras/weight_reader.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// `axis` in `groups` equal parts, each normalised, sample by sample, by its mean and variance over its part
/// of the axis and all other axes:
///
///     y = (x - mean) / √(variance + ε) · γ + β        γ, β along `axis`
///
/// keras/layers/normalization/group_normalization.py (2.15), keras/src/layers/normalization (3.15).
class GroupNormalization : public Layer {
 public:
  explicit GroupNormalization(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        groups_(config.integer("groups", 32)),
        axis_(config.integer("axis", -1)),
        epsilon_(config.number("epsilon", 1e-3f)),
        scales_(config.boolean("scale", true)),
        centers_(config.boolean("center", true)),
        // 2.15 hands the mask (batch, timesteps) to a broadcast against the whole input, which fails.
        failsWithMask_(config.dialect().major < 3) {
    if (groups_ < 1 && groups_ != -1)
      config.refuse("groups", "at least 1, or -1 for as many as there are features", std::to_string(groups_));
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const size_t axis = resolveAxis(*this, axis_, inputs[0]);
    const Dim& dim = inputs[0][axis];
    if (!dim.known() || dim.size % groupsOf(dim.size) != 0)
      refuseInput(*this, "with axis " + std::to_string(axis) + " divisible by " + std::to_string(groups_),
                  inputs[0]);
    return inputs[0];
  }

  bool hasWeights() const override { return scales_ || centers_; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const int size = inputs[0][resolveAxis(*this, axis_, inputs[0])].size;
    if (scales_) gamma_ = weights.take("gamma", {size});
    if (centers_) beta_ = weights.take("beta", {size});
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const View& input = inputs[0];
    if (failsWithMask_ && !input.mask.empty()) refuseInput(*this, "without a mask", input.shape);
    const size_t axis = resolveAxis(*this, axis_, input.shape);
    const size_t size = static_cast<size_t>(input.shape[axis].size);
    const size_t inner = static_cast<size_t>(elementCount(input.shape, axis + 1, input.shape.size()));
    const size_t groups = static_cast<size_t>(groupsOf(input.shape[axis].size));
    const size_t sample = input.data.size() / static_cast<size_t>(input.shape[0].size);
    const float count = static_cast<float>(sample / groups);
    const auto along = [&](size_t i) { return i / inner % size; };
    const auto group = [&](size_t i) { return along(i) / (size / groups); };
    float* mean = scratch.room(2 * groups);  // of each group, and behind it what 1 / √(variance + ε) is
    float* factor = mean + groups;
    for (size_t start = 0; start < input.data.size(); start += sample) {
      const float* x = input.data.data() + start;
      std::fill_n(mean, 2 * groups, 0.0f);
      for (size_t i = 0; i < sample; ++i) mean[group(i)] += x[i];
      for (size_t g = 0; g < groups; ++g) mean[g] /= count;
      for (size_t i = 0; i < sample; ++i) {
        const float off = x[i] - mean[group(i)];
        factor[group(i)] += off * off;
      }
      for (size_t g = 0; g < groups; ++g) factor[g] = 1.0f / std::sqrt(factor[g] / count + epsilon_);
      float* to = output.data.data() + start;
      for (size_t i = 0; i < sample; ++i) {
        to[i] = (x[i] - mean[group(i)]) * factor[group(i)];
        if (scales_) to[i] *= gamma_[along(i)];
        if (centers_) to[i] += beta_[along(i)];
      }
    }
    output.passMask(input);
  }

  std::string detail() const override {
    return groups_ == -1 ? "each feature" : std::to_string(groups_) + (groups_ == 1 ? " group" : " groups");
  }

 private:
  [[nodiscard]] int groupsOf(int size) const { return groups_ == -1 ? size : groups_; }

  int groups_;
  int axis_;
  float epsilon_;
  bool scales_;
  bool centers_;
  bool failsWithMask_;
  std::vector<float> gamma_;  ///< along the axis
  std::vector<float> beta_;
};

}  // namespace

std::unique_ptr<Layer> makeGroupNormalization(ConfigReader& config) {
  return std::make_unique<GroupNormalization>(config);
}

}  // namespace charglow
