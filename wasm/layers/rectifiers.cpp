// Activations with parameters that are layers of their own: ReLU, LeakyReLU, ThresholdedReLU, ELU, PReLU.
// keras/layers/activation/ (2.15), keras/layers/advanced_activations.py (2.2). All hand the mask on, but for
// one old ReLU.

#include <algorithm>
#include <cmath>
#include <limits>

#include "keras/weight_reader.h"
#include "kernels/strided.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// The vector-Jacobian product of an elementwise layer: derivative(i) is that of element i.
template <class Derivative>
void addTimes(const Backward& call, Derivative derivative) {
  for (size_t i = 0; i < call.outputGradients[0].size(); ++i)
    call.inputGradients[0][i] += derivative(i) * call.outputGradients[0][i];
}

/// What the first three have in common (keras/backend.py 2.15, relu):
///
///     y = min(x, max_value)                          where x > threshold
///     y = negative_slope · (x - threshold)           otherwise
class Rectifier : public Layer {
 public:
  struct Options {
    float negativeSlope = 0;
    float threshold = 0;
    float maxValue = std::numeric_limits<float>::infinity();
    bool dropsMask = false;
  };

  Rectifier(const ConfigReader& config, Options options)
      : Layer(config.layer(), config.className()), options_(options) {}

  Shape outputShape(std::span<const Shape> inputs) const override { return inputs[0]; }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    std::transform(inputs[0].data.begin(), inputs[0].data.end(), output.data.begin(), [&](float x) {
      return x > options_.threshold ? std::min(x, options_.maxValue)
                                    : options_.negativeSlope * (x - options_.threshold);
    });
    if (!options_.dropsMask) output.passMask(inputs[0]);
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addTimes(call, [&](size_t i) {
      const float x = call.inputs[0].data[i];
      if (x <= options_.threshold) return options_.negativeSlope;
      return x <= options_.maxValue ? 1.0f : 0.0f;
    });
  }

 private:
  Options options_;
};

/// x where it is positive, α (e^x - 1) otherwise.
class Elu : public Layer {
 public:
  explicit Elu(ConfigReader& config)
      : Layer(config.layer(), config.className()), alpha_(config.number("alpha", 1.0f)) {}

  Shape outputShape(std::span<const Shape> inputs) const override { return inputs[0]; }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    std::transform(inputs[0].data.begin(), inputs[0].data.end(), output.data.begin(),
                   [&](float x) { return x > 0 ? x : alpha_ * std::expm1(x); });
    output.passMask(inputs[0]);
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addTimes(call, [&](size_t i) {  // α e^x = y + α
      return call.inputs[0].data[i] > 0 ? 1.0f : call.outputs[0].data[i] + alpha_;
    });
  }

 private:
  float alpha_;
};

/// x where it is positive, α x otherwise, with a learned α for each place of a row, shared along
/// `shared_axes`.
class PRelu : public Layer {
 public:
  explicit PRelu(ConfigReader& config) : Layer(config.layer(), config.className()) {
    if (!config.raw("shared_axes").is_null()) shared_ = config.integers("shared_axes");
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    for (size_t i = 1; i < input.size(); ++i) {
      if (!input[i].known() && !isShared(i))
        refuseInput(*this, "of known sizes along axes not shared", input);
    }
    return input;
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    std::vector<int> sizes;
    for (size_t i = 1; i < inputs[0].size(); ++i) sizes.push_back(isShared(i) ? 1 : inputs[0][i].size);
    alpha_ = weights.take("alpha", sizes);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    auto x = input.data.begin();
    auto to = output.data.begin();
    walkOver(input.shape).elements([&](size_t at) {
      *to++ = *x > 0 ? *x : alpha_[at] * *x;
      ++x;
    });
    output.passMask(input);
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    size_t i = 0;
    walkOver(call.inputs[0].shape).elements([&](size_t at) {
      const float slope = call.inputs[0].data[i] > 0 ? 1.0f : alpha_[at];
      call.inputGradients[0][i] += slope * call.outputGradients[0][i];
      ++i;
    });
  }

 private:
  /// How the input's elements lie in α.
  [[nodiscard]] StridedWalk walkOver(const Shape& input) const {
    std::vector<size_t> stride(input.size(), 0);
    size_t step = 1;
    for (size_t i = input.size(); i-- > 1;) {
      if (isShared(i)) continue;
      stride[i] = step;
      step *= static_cast<size_t>(input[i].size);
    }
    return {input, stride};
  }

  bool isShared(size_t axis) const {
    return std::find(shared_.begin(), shared_.end(), static_cast<int>(axis)) != shared_.end();
  }

  std::vector<int> shared_;
  std::vector<float> alpha_;
};

}  // namespace

std::unique_ptr<Layer> makeReLU(ConfigReader& config) {
  Rectifier::Options options;
  options.negativeSlope = config.number("negative_slope", 0.0f);
  options.threshold = config.number("threshold", 0.0f);
  options.maxValue = config.number("max_value", options.maxValue);
  options.dropsMask = config.dialect().reluLayerDropsMask();
  return std::make_unique<Rectifier>(config, options);
}

/// Keras 1 and 2 call the slope alpha.
std::unique_ptr<Layer> makeLeakyReLU(ConfigReader& config) {
  Rectifier::Options options;
  options.negativeSlope = config.number(config.has("alpha") ? "alpha" : "negative_slope", 0.3f);
  return std::make_unique<Rectifier>(config, options);
}

std::unique_ptr<Layer> makeThresholdedReLU(ConfigReader& config) {
  Rectifier::Options options;
  options.threshold = config.number("theta", 1.0f);
  return std::make_unique<Rectifier>(config, options);
}

std::unique_ptr<Layer> makeELU(ConfigReader& config) { return std::make_unique<Elu>(config); }
std::unique_ptr<Layer> makePReLU(ConfigReader& config) { return std::make_unique<PRelu>(config); }

}  // namespace charglow
