// Layers that lengthen or shorten a sequence without computing anything: ZeroPadding1D, Cropping1D,
// UpSampling1D. keras/layers/reshaping/ (2.15). No generation hands a mask on.

#include <algorithm>

#include "layers/layers.h"
#include "layers/window.h"

namespace charglow {
namespace {

/// [front, back], or one number for both.
std::vector<int> readEnds(ConfigReader& config, const char* key) {
  std::vector<int> ends = config.has(key) ? config.integers(key) : std::vector<int>{1};
  if (ends.size() == 1) ends.push_back(ends[0]);
  if (ends.size() == 2 && std::all_of(ends.begin(), ends.end(),
                                      [](int end) { return end >= 0 && end <= ConfigReader::kMaxSize; })) {
    return ends;
  }
  config.refuse(key, "one or two whole numbers of at least 0", config.raw(key).dump());
  return {0, 0};
}

/// Leaves timesteps out at both ends, or puts in zeros there (negative ends).
class Ends : public Layer {
 public:
  Ends(ConfigReader& config, const std::vector<int>& ends, bool crops)
      : Layer(config.layer(), config.className()),
        front_(crops ? ends[0] : -ends[0]),
        back_(crops ? ends[1] : -ends[1]) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 3) refuseInput(*this, "(batch, timesteps, features)", input);
    if (input[1].known() && input[1].size <= front_ + back_)
      refuseInput(*this, "with more than " + std::to_string(front_ + back_) + " timesteps", input);
    return {input[0], cropped(input[1], front_, back_), input[2]};
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    const int steps = input.shape[1].size;
    const ptrdiff_t features = input.shape[2].size;
    auto to = output.data.begin();
    auto sequence = input.data.begin();
    for (int b = 0; b < input.shape[0].size; ++b, sequence += steps * features) {
      for (int i = 0; i < output.shape[1].size; ++i) {
        const int t = i + front_;
        to = t >= 0 && t < steps ? std::copy_n(sequence + t * features, features, to)
                                 : std::fill_n(to, features, 0.0f);
      }
    }
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const int steps = call.inputs[0].shape[1].size;
    const auto features = static_cast<size_t>(call.inputs[0].shape[2].size);
    const int places = call.outputs[0].shape[1].size;
    const float* from = call.outputGradients[0].data();
    for (int b = 0; b < call.inputs[0].shape[0].size; ++b) {
      for (int i = 0; i < places; ++i, from += features) {
        const int t = i + front_;
        if (t < 0 || t >= steps) continue;
        const size_t at = static_cast<size_t>(b * steps + t) * features;
        addGradient({from, features}, call.inputGradients[0].subspan(at, features));
      }
    }
  }

  std::string detail() const override {
    return std::to_string(std::abs(front_)) + " in front, " + std::to_string(std::abs(back_)) + " behind";
  }

 private:
  int front_;  ///< timesteps left out at the start
  int back_;   ///< and at the end
};

/// Every timestep several times.
class UpSampling1D : public Layer {
 public:
  explicit UpSampling1D(ConfigReader& config)
      : Layer(config.layer(), config.className()), times_(readSpatial(config, "size", 2)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 3) refuseInput(*this, "(batch, timesteps, features)", input);
    return {input[0], repeated(input[1], times_), input[2]};
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    const ptrdiff_t features = input.shape[2].size;
    auto to = output.data.begin();
    for (auto step = input.data.begin(); step != input.data.end(); step += features) {
      for (int i = 0; i < times_; ++i) to = std::copy_n(step, features, to);
    }
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const auto features = static_cast<size_t>(call.inputs[0].shape[2].size);
    const std::span<float> to = call.inputGradients[0];
    const float* from = call.outputGradients[0].data();
    for (size_t step = 0; step < to.size(); step += features) {
      for (int i = 0; i < times_; ++i, from += features)
        addGradient({from, features}, to.subspan(step, features));
    }
  }

  std::string detail() const override { return "size " + std::to_string(times_); }

 private:
  int times_;
};

}  // namespace

std::unique_ptr<Layer> makeZeroPadding1D(ConfigReader& config) {
  return std::make_unique<Ends>(config, readEnds(config, "padding"), false);
}
std::unique_ptr<Layer> makeCropping1D(ConfigReader& config) {
  return std::make_unique<Ends>(config, readEnds(config, "cropping"), true);
}
std::unique_ptr<Layer> makeUpSampling1D(ConfigReader& config) {
  return std::make_unique<UpSampling1D>(config);
}

}  // namespace charglow
