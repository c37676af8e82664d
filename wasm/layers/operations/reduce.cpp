// Reductions over any axes but the batch's, and what else runs along an axis.

#include "kernels/reduce.h"

#include <algorithm>

#include "layers/operations/operations.h"

namespace charglow {
namespace {

constexpr std::array<std::pair<std::string_view, ReduceKind>, 5> kKinds = {{{"sum", ReduceKind::Sum},
                                                                            {"mean", ReduceKind::Mean},
                                                                            {"max", ReduceKind::Max},
                                                                            {"min", ReduceKind::Min},
                                                                            {"prod", ReduceKind::Prod}}};

class Reduce : public Layer {
 public:
  Reduce(ConfigReader& config, ReduceKind kind, std::string kindName)
      : Layer(config.layer(), config.className()),
        kind_(kind),
        kindName_(std::move(kindName)),
        axes_(config.integers("axis")),
        keepDims_(config.boolean("keepdims", false)) {
    if (axes_.empty()) config.refuse("axis", "an axis", "none");
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    return reducedShape(inputs[0], axes(inputs[0]), keepDims_);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    reduce(kind_, inputs[0].data, inputs[0].shape, axes(inputs[0].shape), output.data);
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& output = call.outputs[0];
    reduceBackward(kind_, call.inputs[0].data, call.inputs[0].shape, axes(call.inputs[0].shape), output.data,
                   call.outputGradients[0], scratch.room(reduceBackwardRoom(output.data.size())),
                   call.inputGradients[0]);
  }

  std::string detail() const override {
    std::string text = kindName_ + " over axis";
    for (const int axis : axes_) text += " " + std::to_string(axis);
    return text;
  }
  Part part() const override { return Part::Reduction; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    if (kind_ != ReduceKind::Mean) return std::nullopt;
    return reducedAxis(axis, input, axes(input), keepDims_);
  }

 private:
  /// The reduced axes as written, counted from the front and rising.
  std::vector<size_t> axes(const Shape& input) const {
    std::vector<size_t> axes;
    for (const int axis : axes_) axes.push_back(resolveAxis(*this, axis, input));
    std::sort(axes.begin(), axes.end());
    axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
    return axes;
  }

  ReduceKind kind_;
  std::string kindName_;
  std::vector<int> axes_;
  bool keepDims_;
};

/// What works on the values along one axis: calls visit(first, count, stride, row) for each row of them, the
/// rows counted in C order.
template <class Visit>
void eachRow(const Shape& shape, size_t axis, Visit visit) {
  const auto count = static_cast<size_t>(shape[axis].size);
  const auto inner = static_cast<size_t>(elementCount(shape, axis + 1, shape.size()));
  const auto outer = static_cast<size_t>(elementCount(shape, 0, axis));
  for (size_t o = 0; o < outer; ++o) {
    for (size_t i = 0; i < inner; ++i) visit(o * count * inner + i, count, inner, o * inner + i);
  }
}

/// The first place of the largest or smallest value along an axis, which disappears.
class Argument : public Layer {
 public:
  Argument(ConfigReader& config, bool largest)
      : Layer(config.layer(), config.className()),
        largest_(largest),
        axis_(config.integer("axis")),
        keepDims_(config.boolean("keepdims", false)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    const size_t axis = resolveAxis(*this, axis_, inputs[0]);
    return reducedShape(inputs[0], {&axis, 1}, keepDims_);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const std::span<const float> from = inputs[0].data;
    const size_t axis = resolveAxis(*this, axis_, inputs[0].shape);
    eachRow(inputs[0].shape, axis, [&](size_t first, size_t count, size_t stride, size_t row) {
      size_t best = 0;
      for (size_t k = 1; k < count; ++k) {
        const float value = from[first + k * stride];
        const float known = from[first + best * stride];
        if (largest_ ? value > known : value < known) best = k;
      }
      output.data[row] = static_cast<float>(best);
    });
  }

  /// A place does not change with the values, as long as it is the same.
  void backward(const Backward& /*call*/, Scratch& /*scratch*/) const override {}

  std::string detail() const override {
    return std::string(largest_ ? "place of the largest" : "place of the smallest") + " over axis " +
           std::to_string(axis_);
  }

 private:
  bool largest_;
  int axis_;
  bool keepDims_;
};

/// What stays of the input's shape: the base of operations along one axis.
class AlongAxis : public Layer {
 public:
  explicit AlongAxis(ConfigReader& config)
      : Layer(config.layer(), config.className()), axis_(config.integer("axis")) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    resolveAxis(*this, axis_, inputs[0]);
    return inputs[0];
  }
  std::string detail() const override { return "axis " + std::to_string(axis_); }

 protected:
  int axis_;
};

class Cumulate : public AlongAxis {
 public:
  using AlongAxis::AlongAxis;

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const size_t axis = resolveAxis(*this, axis_, inputs[0].shape);
    eachRow(inputs[0].shape, axis, [&](size_t first, size_t count, size_t stride, size_t /*row*/) {
      float sum = 0;
      for (size_t k = 0; k < count; ++k) {
        output.data[first + k * stride] = sum += inputs[0].data[first + k * stride];
      }
    });
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const Shape& shape = call.inputs[0].shape;
    eachRow(shape, resolveAxis(*this, axis_, shape),
            [&](size_t first, size_t count, size_t stride, size_t /*row*/) {
              float sum = 0;
              for (size_t k = count; k-- > 0;) {
                const size_t at = first + k * stride;
                call.inputGradients[0][at] += sum += call.outputGradients[0][at];
              }
            });
  }
};

class Normalise : public AlongAxis {
 public:
  explicit Normalise(ConfigReader& config) : AlongAxis(config), epsilon_(config.number("epsilon", 0)) {}

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const size_t axis = resolveAxis(*this, axis_, inputs[0].shape);
    eachRow(inputs[0].shape, axis, [&](size_t first, size_t count, size_t stride, size_t /*row*/) {
      float sum = 0;
      for (size_t k = 0; k < count; ++k) sum += inputs[0].data[first + k * stride];
      for (size_t k = 0; k < count; ++k) {
        output.data[first + k * stride] = inputs[0].data[first + k * stride] / (sum + epsilon_);
      }
    });
  }

  /// With S = Σ x + ε and the gradient g: d(loss)/dx_k = (g_k - Σ_j g_j x_j / S) / S.
  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const Shape& shape = call.inputs[0].shape;
    const std::span<const float> x = call.inputs[0].data;
    eachRow(shape, resolveAxis(*this, axis_, shape),
            [&](size_t first, size_t count, size_t stride, size_t /*row*/) {
              float sum = epsilon_;
              float along = 0;
              for (size_t k = 0; k < count; ++k) {
                const size_t at = first + k * stride;
                sum += x[at];
                along += call.outputGradients[0][at] * call.outputs[0].data[at];
              }
              for (size_t k = 0; k < count; ++k) {
                const size_t at = first + k * stride;
                call.inputGradients[0][at] += (call.outputGradients[0][at] - along) / sum;
              }
            });
  }

  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    return resolveAxis(*this, axis_, output);
  }

 private:
  float epsilon_;
};

}  // namespace

std::unique_ptr<Layer> makeReduce(ConfigReader& config) {
  const std::string name = config.text("kind", "");
  const auto* kind =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& each) { return each.first == name; });
  if (kind == kKinds.end()) {
    config.refuse("kind", "sum, mean, max, min or prod", "\"" + name + "\"");
    return nullptr;
  }
  return std::make_unique<Reduce>(config, kind->second, name);
}
std::unique_ptr<Layer> makeArgument(ConfigReader& config) {
  return std::make_unique<Argument>(config, config.text("kind", "max") == "max");
}
std::unique_ptr<Layer> makeCumulate(ConfigReader& config) { return std::make_unique<Cumulate>(config); }
std::unique_ptr<Layer> makeNormalise(ConfigReader& config) { return std::make_unique<Normalise>(config); }

}  // namespace charglow
