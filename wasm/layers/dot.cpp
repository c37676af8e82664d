#include <algorithm>
#include <array>
#include <cmath>

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
    Shape shape = {inputs[0][0]};
    for (size_t which = 0; which < 2; ++which) {
      const Shape& input = inputs[which];
      for (size_t i = 1; i < input.size(); ++i) {
        if (i != contractedAxis(which, inputs)) shape.push_back(input[i]);
      }
    }
    const Dim& first = inputs[0][contractedAxis(0, inputs)];
    const Dim& second = inputs[1][contractedAxis(1, inputs)];
    if (first.known() && second.known() && first.size != second.size) {
      refuseInput(*this,
                  "whose axis " + std::to_string(axes_[1]) + " has length " + std::to_string(first.size),
                  inputs[1]);
    }
    if (shape.size() == 1) shape.push_back({1});
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const std::array<Shape, 2> shapes = {inputs[0].shape, inputs[1].shape};
    // Each input as rows of its contracted axis: (batch, rest, length).
    float* rows[2];
    std::array<size_t, 2> rest{};
    rows[0] = scratch.room(inputs[0].data.size() + inputs[1].data.size());
    rows[1] = rows[0] + inputs[0].data.size();
    size_t length = 0;
    for (size_t which = 0; which < 2; ++which) {
      const size_t axis = contractedAxis(which, shapes);
      length = static_cast<size_t>(shapes[which][axis].size);
      gather(inputs[which], axis, rows[which]);
      if (normalize_) normalizeRows(rows[which], inputs[which].data.size(), length);
      rest[which] = inputs[which].data.size() / length / static_cast<size_t>(output.shape[0].size);
    }
    float* to = output.data.data();
    for (int b = 0; b < output.shape[0].size; ++b) {
      for (size_t i = 0; i < rest[0]; ++i) {
        for (size_t j = 0; j < rest[1]; ++j) {
          const float* x = rows[0] + (static_cast<size_t>(b) * rest[0] + i) * length;
          const float* y = rows[1] + (static_cast<size_t>(b) * rest[1] + j) * length;
          float sum = 0;
          for (size_t k = 0; k < length; ++k) sum += x[k] * y[k];
          *to++ = sum;
        }
      }
    }
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
  /// Copies with the contracted axis moved to the end.
  static void gather(const View& input, size_t axis, float* to) {
    const int outer = elementCount(input.shape, 0, axis);
    const int length = input.shape[axis].size;
    const int inner = elementCount(input.shape, axis + 1, input.shape.size());
    for (int o = 0; o < outer; ++o) {
      for (int i = 0; i < inner; ++i) {
        for (int k = 0; k < length; ++k)
          *to++ = input.data[static_cast<size_t>((o * length + k) * inner + i)];
      }
    }
  }

  /// tf.linalg.l2_normalize: x / sqrt(max(Σ x², 1e-12)).
  static void normalizeRows(float* values, size_t count, size_t length) {
    for (float* row = values; row != values + count; row += length) {
      float squares = 0;
      for (size_t k = 0; k < length; ++k) squares += row[k] * row[k];
      const float norm = std::sqrt(std::max(squares, 1e-12f));
      for (size_t k = 0; k < length; ++k) row[k] /= norm;
    }
  }

  std::vector<int> axes_;
  bool normalize_;
};

}  // namespace

std::unique_ptr<Layer> makeDot(ConfigReader& config) { return std::make_unique<Dot>(config); }

}  // namespace charglow
