#include <algorithm>
#include <array>
#include <cmath>

#include "bundle/strict_json.h"
#include "kernels/contract.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// Sums the product of two inputs over one axis of each, batch by batch: the way attention is applied without
/// a Multiply, Dot(axes=1)([H, alpha]) = Σ_t alpha_t h_t. keras/layers/merging/dot.py (2.15), batch_dot.
class Dot : public Layer {
 public:
  explicit Dot(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        axes_(config.integers("axes")),
        normalize_(config.boolean("normalize", false)) {
    if (axes_.size() == 1) axes_.push_back(axes_[0]);
    if (axes_.size() != 2)
      config.refuse("axes", "one axis, or one for each input", config.raw("axes").dump());
  }

  bool takesInputs(size_t count) const override { return count == 2; }

  Shape outputShape(std::span<const Shape> inputs) const override {
    std::optional<Shape> shape = contractedShape(contraction(inputs), inputs[0], inputs[1]);
    if (!shape) {
      const Dim& first = inputs[0][contractedAxis(0, inputs)];
      refuseInput(*this,
                  "whose axis " + std::to_string(axes_[1]) + " has length " + std::to_string(first.size),
                  inputs[1]);
    }
    if (shape->size() == 1) shape->push_back({1});
    return *std::move(shape);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const std::array<Shape, 2> shapes = {inputs[0].shape, inputs[1].shape};
    const Contraction sum = contraction(shapes);
    contract(sum, inputs[0], inputs[1], output, scratch.room(contractionRoom(sum, shapes[0], shapes[1])));
  }

  std::string detail() const override {
    return "axes " + std::to_string(axes_[0]) + ", " + std::to_string(axes_[1]) +
           (normalize_ ? ", normalized" : "");
  }
  Part part() const override { return Part::Contraction; }
  size_t contractedAxis(size_t which, std::span<const Shape> inputs) const override {
    return resolveAxis(*this, axes_[which], inputs[which]);
  }

 private:
  Contraction contraction(std::span<const Shape> inputs) const {
    Contraction contraction =
        batchDot(inputs[0].size(), contractedAxis(0, inputs), inputs[1].size(), contractedAxis(1, inputs));
    contraction.normalise = normalize_;
    return contraction;
  }

  std::vector<int> axes_;
  bool normalize_;
};

/// Keras 1's Merge with mode "cos", of two vectors: x·y / max(sqrt(x·x y·y), 1e-7), of shape (batch, 1, 1).
/// keras/engine/topology.py (1.2.2). Its other modes are layers of Keras 2 (keras/keras_1.cpp).
class CosineMerge : public Layer {
 public:
  explicit CosineMerge(ConfigReader& config) : Layer(config.layer(), config.className()) {
    if (config.raw("mode") != "cos")
      config.refuse("mode", "sum, mul, ave, max, concat, dot or cos", describeJson(config.raw("mode")),
                    "What a function merges cannot be run: its code is not read.");
    for (const char* key : {"mode_type", "concat_axis", "dot_axes", "output_shape", "output_shape_type",
                            "output_mask", "output_mask_type", "arguments", "axes"})
      config.ignore(key);
  }

  bool takesInputs(size_t count) const override { return count == 2; }

  Shape outputShape(std::span<const Shape> inputs) const override {
    for (const Shape& input : inputs) {
      if (input.size() != 2 || input[1].size != inputs[0][1].size)
        refuseInput(*this, "(batch, features), like the other", input);
    }
    return {inputs[0][0], {1}, {1}};
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const size_t features = static_cast<size_t>(inputs[0].shape[1].size);
    for (size_t b = 0; b < output.data.size(); ++b) {
      const std::span<const float> x = inputs[0].data.subspan(b * features, features);
      const std::span<const float> y = inputs[1].data.subspan(b * features, features);
      float xx = 0;
      float yy = 0;
      float xy = 0;
      for (size_t i = 0; i < features; ++i) {
        xx += x[i] * x[i];
        yy += y[i] * y[i];
        xy += x[i] * y[i];
      }
      output.data[b] = xy / std::max(std::sqrt(xx * yy), 1e-7f);
    }
  }
};

}  // namespace

std::unique_ptr<Layer> makeMerge(ConfigReader& config) { return std::make_unique<CosineMerge>(config); }
std::unique_ptr<Layer> makeDot(ConfigReader& config) { return std::make_unique<Dot>(config); }

}  // namespace charglow
