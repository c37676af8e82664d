#include "layers/layers.h"

namespace charglow {
namespace {

/// The model's input. Its axis after the batch is the text's timesteps.
class Input : public Layer {
 public:
  explicit Input(ConfigReader& config) : Layer(config.layer(), config.className()) {
    config.ignore("dtype");  // ids are exact as floats up to 2^24
    const nlohmann::json& shape =
        config.has("batch_shape") ? config.raw("batch_shape") : config.raw("batch_input_shape");
    if (!shape.is_array() || shape.size() < 2) {
      config.refuse("batch_input_shape", "[batch, timesteps] or [batch, timesteps, features]", shape.dump());
      return;
    }
    for (const nlohmann::json& size : shape) {
      const std::optional<int> whole = wholeNumber(size);
      if (!size.is_null() && (!whole || *whole < 1 || *whole > ConfigReader::kMaxSize)) {
        config.refuse("batch_input_shape", "sizes of at least 1", shape.dump());
        return;
      }
      shape_.push_back({whole.value_or(kUnknown)});
    }
    shape_[0].size = kUnknown;  // a fixed batch size is a matter of training
    shape_[1].along = Along::Time;
  }

  bool takesInputs(size_t count) const override { return count == 0; }

  Shape outputShape(std::span<const Shape> /*inputs*/) const override { return shape_; }

  /// Never called: the session puts the input where the output of this layer goes.
  void forward(std::span<const View> /*inputs*/, Output /*output*/, Scratch& /*scratch*/) const override {}
  /// Nor this: it has no inputs.
  void backward(const Backward& /*call*/, Scratch& /*scratch*/) const override {}

 private:
  Shape shape_;
};

}  // namespace

std::unique_ptr<Layer> makeInput(ConfigReader& config) { return std::make_unique<Input>(config); }

}  // namespace charglow
