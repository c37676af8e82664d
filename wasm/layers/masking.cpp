#include <algorithm>

#include "layers/layers.h"

namespace charglow {
namespace {

/// Masks timesteps whose features all equal mask_value, and sets them to zero. keras/layers/core/masking.py
/// (2.15).
class Masking : public Layer {
 public:
  explicit Masking(ConfigReader& config)
      : Layer(config.layer(), config.className()), value_(config.number("mask_value", 0.0f)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    if (inputs[0].size() != 3) refuseInput(*this, "(batch, timesteps, features)", inputs[0]);
    return inputs[0];
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    const size_t features = static_cast<size_t>(input.shape[2].size);
    output.mask.resize(input.data.size() / features);
    for (size_t step = 0; step < output.mask.size(); ++step) {
      const std::span<const float> from = input.data.subspan(step * features, features);
      const bool kept = isKept(from);
      output.mask[step] = kept ? 1 : 0;
      const std::span<float> to = output.data.subspan(step * features, features);
      std::transform(from.begin(), from.end(), to.begin(), [&](float x) { return kept ? x : 0.0f; });
    }
  }

  /// A masked step's output is a constant.
  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const View& input = call.inputs[0];
    const size_t features = static_cast<size_t>(input.shape[2].size);
    for (size_t at = 0; at < input.data.size(); at += features) {
      if (isKept(input.data.subspan(at, features)))
        addGradient(call.outputGradients[0].subspan(at, features),
                    call.inputGradients[0].subspan(at, features));
    }
  }

  std::string detail() const override { return "mask_value " + std::to_string(value_); }

 private:
  bool isKept(std::span<const float> step) const {
    return std::any_of(step.begin(), step.end(), [&](float x) { return x != value_; });
  }

  float value_;
};

}  // namespace

std::unique_ptr<Layer> makeMasking(ConfigReader& config) { return std::make_unique<Masking>(config); }

}  // namespace charglow
