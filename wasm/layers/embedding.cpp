#include <algorithm>
#include <cmath>

#include "error.h"
#include "keras/weight_reader.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// ids (batch, timesteps) → rows of the embedding matrix (batch, timesteps, output_dim); likewise with more
/// axes (words within sentences). keras/layers/core/embedding.py (2.15). mask_zero: timesteps whose id is 0
/// are masked.
class Embedding : public Layer {
 public:
  explicit Embedding(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        rows_(config.size("input_dim")),
        units_(config.size("output_dim")),
        maskZero_(config.boolean("mask_zero", false)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    Shape shape = inputs[0];
    if (shape.size() < 2) refuseInput(*this, "(batch, timesteps)", shape);
    shape.push_back({units_});
    return shape;
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> /*inputs*/, WeightReader& weights) override {
    table_ = weights.take("embeddings", {rows_, units_});
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const std::span<const float> ids = inputs[0].data;
    float* to = output.data.data();
    for (const float id : ids) {
      // An id outside the table is refused here: Keras on a CPU raises, on a GPU it reads zeros.
      if (!(id >= 0 && id < static_cast<float>(rows_)) || id != std::floor(id)) {
        throw Error({"id-out-of-range", "layer \"" + name() + "\"",
                     "ids from 0 to " + std::to_string(rows_ - 1), std::to_string(id),
                     "The vocabulary does not belong to this model."});
      }
      const float* row = table_.data() + static_cast<ptrdiff_t>(id) * units_;
      to = std::copy(row, row + units_, to);
    }
    if (!maskZero_) return;
    output.mask.resize(ids.size());
    std::transform(ids.begin(), ids.end(), output.mask.begin(),
                   [](float id) { return id != 0 ? uint8_t{1} : uint8_t{0}; });
  }

  /// Nothing: ids only choose a row, there is no derivative by them.
  void backward(const Backward& /*call*/, Scratch& /*scratch*/) const override {}

  std::string detail() const override { return maskZero_ ? "mask_zero" : ""; }

  std::optional<int> idCount() const override { return rows_; }

 private:
  int rows_;
  int units_;
  bool maskZero_;
  std::vector<float> table_;  ///< (rows, units)
};

}  // namespace

std::unique_ptr<Layer> makeEmbedding(ConfigReader& config) { return std::make_unique<Embedding>(config); }

}  // namespace charglow
