// Layers that multiply and shift numbers by what is fixed: preprocessing inside of a model.

#include <algorithm>
#include <cmath>

#include "keras/weight_reader.h"
#include "kernels/strided.h"
#include "layers/layers.h"
#include "layers/normalized_axes.h"

namespace charglow {
namespace {

/// y = x · scale + offset. keras/layers/preprocessing/image_preprocessing.py (2.15), whose layer takes the
/// mask off; keras/src/layers/preprocessing/rescaling.py (3.15), which hands it on.
class Rescaling : public Layer {
 public:
  explicit Rescaling(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        keepsMask_(config.dialect().major >= 3),
        scale_(config.number("scale", 1.0f)),
        offset_(config.number("offset", 0.0f)) {}

  Shape outputShape(std::span<const Shape> inputs) const override { return inputs[0]; }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    std::transform(inputs[0].data.begin(), inputs[0].data.end(), output.data.begin(),
                   [this](float x) { return x * scale_ + offset_; });
    if (keepsMask_) output.passMask(inputs[0]);
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    for (size_t i = 0; i < call.outputGradients[0].size(); ++i)
      call.inputGradients[0][i] += scale_ * call.outputGradients[0][i];
  }

 private:
  bool keepsMask_;
  float scale_;
  float offset_;
};

/// y = (x - mean) / max(√variance, ε) with the mean and variance that adapt() saw, along `axis`; the other
/// way round where `invert` is set. keras/layers/preprocessing/normalization.py (2.15).
class Normalization : public Layer {
 public:
  explicit Normalization(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        axes_(readAxes(config)),
        invert_(config.boolean("invert", false)),
        keepsMask_(config.dialect().major >= 3) {
    for (const char* key : {"mean", "variance"})
      config.require(key, nullptr,
                     "Numbers given to the constructor: no fixture shows how they are broadcast.");
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    knownAxes(*this, axes_, inputs[0]);
    return inputs[0];
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    std::vector<int> sizes;
    for (const size_t axis : knownAxes(*this, axes_, inputs[0])) sizes.push_back(inputs[0][axis].size);
    mean_ = weights.take("mean", sizes);
    deviation_ = weights.take("variance", sizes);
    for (float& value : deviation_) value = std::max(std::sqrt(value), kEpsilon);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    const std::vector<size_t> axes = knownAxes(*this, axes_, input.shape);
    auto x = input.data.begin();
    auto to = output.data.begin();
    StridedWalk(input.shape, strideAlong(input.shape, axes)).elements([&](size_t at) {
      *to++ = invert_ ? mean_[at] + *x * deviation_[at] : (*x - mean_[at]) / deviation_[at];
      ++x;
    });
    if (keepsMask_) output.passMask(input);
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const Shape& shape = call.inputs[0].shape;
    size_t i = 0;
    StridedWalk(shape, strideAlong(shape, knownAxes(*this, axes_, shape))).elements([&](size_t at) {
      const float slope = invert_ ? deviation_[at] : 1.0f / deviation_[at];
      call.inputGradients[0][i] += slope * call.outputGradients[0][i];
      ++i;
    });
  }

 private:
  static constexpr float kEpsilon = 1e-7f;  // keras.backend.epsilon()

  std::vector<int> axes_;
  bool invert_;
  bool keepsMask_;
  std::vector<float> mean_;  ///< with the axes `axes_`
  std::vector<float> deviation_;
};

}  // namespace

std::unique_ptr<Layer> makeRescaling(ConfigReader& config) { return std::make_unique<Rescaling>(config); }
std::unique_ptr<Layer> makeNormalization(ConfigReader& config) {
  return std::make_unique<Normalization>(config);
}

}  // namespace charglow
