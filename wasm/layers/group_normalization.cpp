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
    const Parts parts = partsOf(input.shape);
    float* mean = scratch.room(2 * parts.groups);
    float* factor = mean + parts.groups;
    for (size_t start = 0; start < input.data.size(); start += parts.sample) {
      const float* x = input.data.data() + start;
      measure(x, parts, mean, factor);
      float* to = output.data.data() + start;
      for (size_t i = 0; i < parts.sample; ++i) {
        to[i] = (x[i] - mean[parts.group(i)]) * factor[parts.group(i)];
        if (scales_) to[i] *= gamma_[parts.along(i)];
        if (centers_) to[i] += beta_[parts.along(i)];
      }
    }
    output.passMask(input);
  }

  /// As LayerNormalization's, group by group: d(loss)/dx = (d - mean(d) - x̂ mean(d x̂)) / σ with d at x̂.
  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const Parts parts = partsOf(input.shape);
    float* mean = scratch.room(4 * parts.groups);
    float* factor = mean + parts.groups;
    float* meanOfD = factor + parts.groups;
    float* along = meanOfD + parts.groups;  // mean(d x̂)
    const float count = static_cast<float>(parts.sample / parts.groups);
    for (size_t start = 0; start < input.data.size(); start += parts.sample) {
      const float* x = input.data.data() + start;
      const float* above = call.outputGradients[0].data() + start;
      float* to = call.inputGradients[0].data() + start;
      measure(x, parts, mean, factor);
      const auto normalised = [&](size_t i) {
        return (x[i] - mean[parts.group(i)]) * factor[parts.group(i)];
      };
      const auto d = [&](size_t i) { return scales_ ? above[i] * gamma_[parts.along(i)] : above[i]; };
      std::fill_n(meanOfD, 2 * parts.groups, 0.0f);
      for (size_t i = 0; i < parts.sample; ++i) {
        meanOfD[parts.group(i)] += d(i) / count;
        along[parts.group(i)] += d(i) * normalised(i) / count;
      }
      for (size_t i = 0; i < parts.sample; ++i) {
        const size_t g = parts.group(i);
        to[i] += (d(i) - meanOfD[g] - normalised(i) * along[g]) * factor[g];
      }
    }
  }

  std::string detail() const override {
    return groups_ == -1 ? "each feature" : std::to_string(groups_) + (groups_ == 1 ? " group" : " groups");
  }

 private:
  /// How a sample's values, counted in C order, fall into groups.
  struct Parts {
    size_t sample, groups, size, inner;

    [[nodiscard]] size_t along(size_t i) const { return i / inner % size; }
    [[nodiscard]] size_t group(size_t i) const { return along(i) / (size / groups); }
  };
  [[nodiscard]] Parts partsOf(const Shape& input) const {
    const size_t axis = resolveAxis(*this, axis_, input);
    return {static_cast<size_t>(elementCount(input, 1, input.size())),
            static_cast<size_t>(groupsOf(input[axis].size)), static_cast<size_t>(input[axis].size),
            static_cast<size_t>(elementCount(input, axis + 1, input.size()))};
  }

  /// Of each group of a sample the mean, and 1 / √(variance + ε).
  void measure(const float* x, const Parts& parts, float* mean, float* factor) const {
    const float count = static_cast<float>(parts.sample / parts.groups);
    std::fill_n(mean, parts.groups, 0.0f);
    std::fill_n(factor, parts.groups, 0.0f);
    for (size_t i = 0; i < parts.sample; ++i) mean[parts.group(i)] += x[i];
    for (size_t g = 0; g < parts.groups; ++g) mean[g] /= count;
    for (size_t i = 0; i < parts.sample; ++i) {
      const float off = x[i] - mean[parts.group(i)];
      factor[parts.group(i)] += off * off;
    }
    for (size_t g = 0; g < parts.groups; ++g) factor[g] = 1.0f / std::sqrt(factor[g] / count + epsilon_);
  }

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
