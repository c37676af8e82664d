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

  void backward(const Backward& call, Scratch& scratch) const override {
    const std::array<Shape, 2> shapes = {call.inputs[0].shape, call.inputs[1].shape};
    const Contraction sum = contraction(shapes);
    const size_t room = contractionRoom(sum, call.inputs[0].shape, call.inputs[1].shape);
    contractBackward(sum, call.inputs[0], call.inputs[1], call.outputs[0].shape, call.outputGradients[0],
                     call.inputGradients[0], call.inputGradients[1], scratch.room(2 * room));
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
    for (size_t b = 0; b < output.data.size(); ++b) {
      const Pair pair(inputs, b);
      output.data[b] = pair.xy / pair.norm();
    }
  }

  /// Of x: (y / |x||y| - x cos / |x|²) times the gradient; the norm is a constant where it is the least.
  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    for (size_t b = 0; b < call.outputs[0].data.size(); ++b) {
      const Pair pair(call.inputs, b);
      const float gradient = call.outputGradients[0][b];
      const bool constant = std::sqrt(pair.xx * pair.yy) < kLeastNorm;
      const float cosine = call.outputs[0].data[b];
      const auto add = [&](std::span<const float> own, float squares, std::span<const float> other,
                           std::span<float> all) {
        for (size_t i = 0; !all.empty() && i < own.size(); ++i) {
          const float along = constant ? 0.0f : cosine * own[i] / squares;
          all[b * own.size() + i] += gradient * (other[i] / pair.norm() - along);
        }
      };
      add(pair.x, pair.xx, pair.y, call.inputGradients[0]);
      add(pair.y, pair.yy, pair.x, call.inputGradients[1]);
    }
  }

 private:
  static constexpr float kLeastNorm = 1e-7f;  ///< of |x||y|

  /// The two vectors of one row of the batch.
  struct Pair {
    std::span<const float> x, y;
    float xx = 0;
    float yy = 0;
    float xy = 0;

    Pair(std::span<const View> inputs, size_t b) {
      const auto features = static_cast<size_t>(inputs[0].shape[1].size);
      x = inputs[0].data.subspan(b * features, features);
      y = inputs[1].data.subspan(b * features, features);
      for (size_t i = 0; i < features; ++i) {
        xx += x[i] * x[i];
        yy += y[i] * y[i];
        xy += x[i] * y[i];
      }
    }

    [[nodiscard]] float norm() const { return std::max(std::sqrt(xx * yy), kLeastNorm); }
  };
};

}  // namespace

std::unique_ptr<Layer> makeMerge(ConfigReader& config) { return std::make_unique<CosineMerge>(config); }
std::unique_ptr<Layer> makeDot(ConfigReader& config) { return std::make_unique<Dot>(config); }

}  // namespace charglow
