// What a layer that embeds positions adds to what stands there (keras/blocks/position_embedding.cpp).

#include <algorithm>

#include "keras/weight_reader.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// (batch, timesteps, features) → row t of a table of weights (sequence_length, features) for each timestep
/// t, in every text of the batch; what is in the input does not matter. Gives no mask.
class PositionEmbedding : public Layer {
 public:
  explicit PositionEmbedding(ConfigReader& config)
      : Layer(config.layer(), config.className()), length_(config.size("sequence_length")) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 3 || !input[2].known() || input[1].size > length_)
      refuseInput(*this,
                  "(batch, timesteps, features) with at most " + std::to_string(length_) + " timesteps",
                  input);
    return input;
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    table_ = weights.take("embeddings", {length_, inputs[0][2].size});
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const Shape& shape = inputs[0].shape;
    const ptrdiff_t each = elementCount(shape, 1, shape.size());
    auto to = output.data.begin();
    for (int b = 0; b < shape[0].size; ++b) to = std::copy_n(table_.begin(), each, to);
  }

  /// What is in the input does not matter.
  void backward(const Backward& /*call*/, Scratch& /*scratch*/) const override {}

 private:
  int length_;
  std::vector<float> table_;
};

}  // namespace

std::unique_ptr<Layer> makePositionEmbedding(ConfigReader& config) {
  return std::make_unique<PositionEmbedding>(config);
}

}  // namespace charglow
