#include <algorithm>

#include "error.h"
#include "keras/lambda.h"
#include "kernels/reduce.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// A Lambda whose function was recognised as a reduction (keras/lambda.h). Nothing of it is executed. Keras
/// hands no mask on, since the function says nothing of one.
class ReductionLambda : public Layer {
 public:
  ReductionLambda(ConfigReader& config, LambdaReading reading)
      : Layer(config.layer(), config.className()), reading_(std::move(reading)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    return reducedShape(inputs[0], axes(inputs[0]), reading_.reduction.keepDims);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    reduce(reading_.reduction.kind, inputs[0].data, inputs[0].shape, axes(inputs[0].shape), output.data);
  }

  std::string detail() const override { return reading_.source; }
  Part part() const override { return Part::Reduction; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    if (reading_.reduction.kind != ReduceKind::Mean) return std::nullopt;
    return reducedAxis(axis, input, axes(input), reading_.reduction.keepDims);
  }

 private:
  /// The reduced axes as written, counted from the front and rising.
  std::vector<size_t> axes(const Shape& input) const {
    std::vector<size_t> axes;
    for (const int axis : reading_.reduction.axes) axes.push_back(resolveAxis(*this, axis, input));
    std::sort(axes.begin(), axes.end());
    axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
    return axes;
  }

  LambdaReading reading_;
};

}  // namespace

std::unique_ptr<Layer> makeLambda(ConfigReader& config) {
  for (const char* key : {"function", "function_type", "module", "output_shape", "output_shape_type",
                          "output_shape_module", "mask_type", "mask_module"}) {
    config.ignore(key);
  }
  config.require("mask", nullptr);
  try {
    nlohmann::json all = nlohmann::json::object();
    for (const char* key : {"function", "function_type", "arguments"}) {
      if (config.has(key)) all[key] = config.raw(key);
    }
    return std::make_unique<ReductionLambda>(config, readLambda(all, config.layer()));
  } catch (const Error& error) {
    config.problems().insert(config.problems().end(), error.problems().begin(), error.problems().end());
    return nullptr;
  }
}

}  // namespace charglow
