// What TimeDistributed does around its layer or model (keras/nested_models.cpp): every timestep becomes a row
// of its own, and back. keras/layers/rnn/time_distributed.py (2.15).

#include <algorithm>

#include "layers/layers.h"

namespace charglow {
namespace {

/// (batch, timesteps, …) → (batch · timesteps, …). Its rows run along the timesteps; the axis behind them is
/// a sequence of its own.
class Fold : public Layer {
 public:
  explicit Fold(const ConfigReader& config) : Layer(config.layer(), config.className()) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() < 3) refuseInput(*this, "(batch, timesteps, …)", input);
    Shape shape = {input[1]};
    shape[0].size = elementCount(input, 0, 2);
    shape.insert(shape.end(), input.begin() + 2, input.end());
    if (!shape[1].isTime()) {
      shape[1].along = Along::Time;
      shape[1].steps = {.input = Steps::kNoInput};
    }
    return shape;
  }

  /// A mask of timesteps only is nothing the rows can carry; a finer one is theirs.
  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    std::copy(input.data.begin(), input.data.end(), output.data.begin());
    const size_t finer = static_cast<size_t>(elementCount(input.shape, 0, 3));
    if (input.shape.size() > 3 && input.mask.size() >= finer) output.passMask(input);
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addGradient(call.outputGradients[0], call.inputGradients[0]);
  }

  Part part() const override { return Part::Relayout; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& /*input*/) const override { return axis + 1; }
};

/// The other way: (batch · timesteps, …), and what was folded → (batch, timesteps, …).
class Unfold : public Layer {
 public:
  explicit Unfold(const ConfigReader& config)
      : Layer(config.layer(), config.className()), keras3_(config.dialect().major >= 3) {}

  bool takesInputs(size_t count) const override { return count == 2; }

  Shape outputShape(std::span<const Shape> inputs) const override {
    Shape shape = {inputs[1][0], inputs[1][1]};
    shape.insert(shape.end(), inputs[0].begin() + 1, inputs[0].end());
    return shape;
  }

  /// Keras 1 and 2 hand on the mask that the layer gives; where it gives none, and always in Keras 3, the one
  /// that was there before. (Keras 3 hands it on as fine as it was; what reads it takes a timestep as masked
  /// where all of it is, keras/src/backend/jax/rnn.py.)
  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& rows = inputs[0];
    const View& before = inputs[1];
    std::copy(rows.data.begin(), rows.data.end(), output.data.begin());
    if (!keras3_ && !rows.mask.empty()) return output.passMask(rows);
    if (before.mask.empty()) return;
    const size_t steps = static_cast<size_t>(elementCount(output.shape, 0, 2));
    output.mask.resize(steps);
    const auto each = static_cast<ptrdiff_t>(before.mask.size() / steps);
    auto from = before.mask.begin();
    for (uint8_t& kept : output.mask) {
      kept = std::any_of(from, from + each, [](uint8_t flag) { return flag != 0; }) ? 1 : 0;
      from += each;
    }
  }

  /// Of what was folded only the shape and the mask are read.
  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addGradient(call.outputGradients[0], call.inputGradients[0]);
  }

  Part part() const override { return Part::Relayout; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& /*input*/) const override {
    return axis == 0 ? std::nullopt : std::optional(axis - 1);
  }

 private:
  bool keras3_;
};

}  // namespace

std::unique_ptr<Layer> makeFold(ConfigReader& config) { return std::make_unique<Fold>(config); }
std::unique_ptr<Layer> makeUnfold(ConfigReader& config) { return std::make_unique<Unfold>(config); }

}  // namespace charglow
