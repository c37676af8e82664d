#include <algorithm>

#include "keras/weight_reader.h"
#include "kernels/row_products.h"
#include "layers/activation_backward.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// y = activation(x W + b) over the last axis, whatever the rank. keras/layers/core/dense.py (2.15).
class Dense : public Layer {
 public:
  explicit Dense(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        units_(config.size("units")),
        activation_(config.activation("activation", "linear")),
        useBias_(config.boolean("use_bias", true)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    Shape shape = inputs[0];
    if (shape.size() < 2 || !shape.back().known())
      refuseInput(*this, "(batch, …, features) with known features", shape);
    shape.back() = {units_};
    return shape;
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const int features = inputs[0].back().size;
    const std::vector<float> kernel = weights.take("kernel", {features, units_});
    const std::vector<float> bias = useBias_ ? weights.take("bias", {units_}) : std::vector<float>{};
    if (!kernel.empty()) affine_ = Affine(kernel, features, units_, bias);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const View& input = inputs[0];
    const size_t units = static_cast<size_t>(units_);
    const size_t rows = output.data.size() / units;
    scratch.kept<RowProducts>(this).apply(affine_, input.data.data(), static_cast<int>(rows),
                                          output.data.data());
    for (size_t row = 0; row < rows; ++row) activate(activation_, {output.data.data() + row * units, units});
    output.passMask(input);
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const std::span<const float> y = call.outputs[0].data;
    const size_t units = static_cast<size_t>(units_);
    const int rows = static_cast<int>(y.size() / units);
    const std::span<float> gradient = gradientBefore(
        activation_, call, units, scratch.room(2 * y.size()),
        [&](std::span<float> x) { affine_.apply(call.inputs[0].data.data(), rows, x.data()); });
    affine_.addTransposed(gradient.data(), rows, call.inputGradients[0].data());
  }

  std::string detail() const override { return activation() + (useBias_ ? "" : ", no bias"); }
  std::string activation() const override { return std::string(activationName(activation_)); }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    if (activation_ != Activation::Softmax) return std::nullopt;
    return output.size() - 1;
  }

 private:
  int units_;
  Activation activation_;
  bool useBias_;
  Affine affine_;
};

}  // namespace

std::unique_ptr<Layer> makeDense(ConfigReader& config) { return std::make_unique<Dense>(config); }

}  // namespace charglow
