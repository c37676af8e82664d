#include <algorithm>
#include <array>

#include "kernels/reduce.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// (batch, timesteps, features) → (batch, features): the mean or the maximum over the timesteps.
/// keras/layers/pooling/global_average_pooling1d.py and global_max_pooling1d.py (2.15): the mean leaves
/// masked timesteps out, the maximum does not look at the mask.
class GlobalPooling1D : public Layer {
 public:
  GlobalPooling1D(ConfigReader& config, ReduceKind kind)
      : Layer(config.layer(), config.className()),
        kind_(kind),
        keepDims_(config.boolean("keepdims", false)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    if (inputs[0].size() != 3) refuseInput(*this, "(batch, timesteps, features)", inputs[0]);
    return reducedShape(inputs[0], kAxes, keepDims_);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    if (kind_ == ReduceKind::Mean && !input.mask.empty()) return maskedMean(input, output.data);
    reduce(kind_, input.data, input.shape, kAxes, output.data);
  }

  Part part() const override { return Part::Reduction; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    if (kind_ != ReduceKind::Mean) return std::nullopt;
    return reducedAxis(axis, input, kAxes, keepDims_);
  }

 private:
  static constexpr std::array<size_t, 1> kAxes = {1};

  static void maskedMean(const View& input, std::span<float> output) {
    const size_t steps = static_cast<size_t>(input.shape[1].size);
    const size_t features = static_cast<size_t>(input.shape[2].size);
    std::fill(output.begin(), output.end(), 0.0f);
    for (size_t b = 0; b < output.size() / features; ++b) {
      float count = 0;
      for (size_t t = 0; t < steps; ++t) {
        if (input.mask[b * steps + t] == 0) continue;
        ++count;
        for (size_t f = 0; f < features; ++f)
          output[b * features + f] += input.data[(b * steps + t) * features + f];
      }
      // A text without a single unmasked timestep is 0 / 0 in Keras too; the session reports what is not
      // finite.
      for (size_t f = 0; f < features; ++f) output[b * features + f] /= count;
    }
  }

  ReduceKind kind_;
  bool keepDims_;
};

}  // namespace

std::unique_ptr<Layer> makeGlobalAveragePooling1D(ConfigReader& config) {
  return std::make_unique<GlobalPooling1D>(config, ReduceKind::Mean);
}
std::unique_ptr<Layer> makeGlobalMaxPooling1D(ConfigReader& config) {
  return std::make_unique<GlobalPooling1D>(config, ReduceKind::Max);
}

}  // namespace charglow
