#include "keras/weight_reader.h"
#include "layers/layers.h"
#include "layers/registry.h"

namespace charglow {
namespace {

/// Applies a layer that computes row by row to every timestep: timesteps are handed to it as if they were
/// further rows of the batch. keras/layers/rnn/time_distributed.py (2.15). The weights are the inner layer's.
/// Around other layers, and models, TimeDistributed is more than one layer (keras/nested_models.cpp).
class TimeDistributed : public Layer {
 public:
  TimeDistributed(ConfigReader& config, std::unique_ptr<Layer> inner)
      : Layer(config.layer(), config.className()), inner_(std::move(inner)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() < 3) refuseInput(*this, "(batch, timesteps, …)", input);
    const Shape each = innerInput(input);
    Shape shape = {input[0], input[1]};
    const Shape out = inner_->outputShape({&each, 1});
    shape.insert(shape.end(), out.begin() + 1, out.end());
    return shape;
  }

  bool hasWeights() const override { return inner_->hasWeights(); }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const Shape each = innerInput(inputs[0]);
    inner_->build({&each, 1}, weights);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const View& input = inputs[0];
    // The same numbers under another shape.
    const Shape each = innerInput(input.shape);
    const View rows{each, input.data, {}};
    const Shape shape = inner_->outputShape({&each, 1});
    std::vector<uint8_t> noMask;
    inner_->forward({&rows, 1}, Output{shape, output.data, noMask}, scratch);
    output.passMask(input);
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const Shape each = innerInput(call.inputs[0].shape);
    const Shape shape = inner_->outputShape({&each, 1});
    const View input{each, call.inputs[0].data, {}};
    const View output{shape, call.outputs[0].data, {}};
    inner_->backward({{&input, 1}, {&output, 1}, call.outputGradients, call.inputGradients}, scratch);
  }

  std::string detail() const override {
    return inner_->className() + (inner_->detail().empty() ? "" : ": " + inner_->detail());
  }
  std::string activation() const override { return inner_->activation(); }
  Part part() const override { return inner_->part() == Part::Relayout ? Part::Relayout : Part::Other; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    if (axis < 2) return axis;
    const std::optional<size_t> own = inner_->inputAxis(axis - 1, innerInput(input));
    return own ? std::optional(*own + 1) : std::nullopt;
  }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    const std::optional<size_t> axis = inner_->softmaxAxis(innerInput(output));
    return axis ? std::optional(*axis + 1) : std::nullopt;
  }

 private:
  /// (batch, timesteps, …) → (batch · timesteps, …).
  static Shape innerInput(const Shape& shape) {
    Shape each = {{elementCount(shape, 0, 2)}};
    each.insert(each.end(), shape.begin() + 2, shape.end());
    return each;
  }

  std::unique_ptr<Layer> inner_;
};

}  // namespace

std::unique_ptr<Layer> makeTimeDistributed(ConfigReader& config) {
  const nlohmann::json& layer = config.raw("layer");
  if (!layer.is_object() || !layer.contains("class_name") || !layer["class_name"].is_string() ||
      !layer.contains("config") || !layer["config"].is_object()) {
    config.refuse("layer", "a layer's class_name and config", layer.dump().substr(0, 80));
    return nullptr;
  }
  const std::string className = layer["class_name"].get<std::string>();
  std::unique_ptr<Layer> inner =
      makeLayer(config.layer(), className, layer["config"], config.dialect(), config.problems());
  if (inner == nullptr) return nullptr;
  if (inner->tensorCount() != 1) config.refuse("layer", "a layer with one output", className + " with more");
  return std::make_unique<TimeDistributed>(config, std::move(inner));
}

}  // namespace charglow
