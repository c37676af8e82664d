#include <algorithm>
#include <array>
#include <limits>

#include "kernels/reduce.h"
#include "layers/layers.h"
#include "layers/window.h"

namespace charglow {
namespace {

/// (batch, timesteps, features) → (batch, features): the mean or the maximum over the timesteps.
/// keras/layers/pooling/global_average_pooling1d.py and global_max_pooling1d.py (2.15): the mean leaves
/// masked timesteps out, the maximum does not look at the mask.
class GlobalPooling1D : public Layer {
 public:
  GlobalPooling1D(ConfigReader& config, ReduceKind kind)
      : Layer(config.layer(), config.className()),
        kind_(kind),
        keepDims_(config.boolean("keepdims", false)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    if (inputs[0].size() != 3) refuseInput(*this, "(batch, timesteps, features)", inputs[0]);
    return reducedShape(inputs[0], kAxes, keepDims_);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    if (kind_ == ReduceKind::Mean && !input.mask.empty()) return maskedMean(input, output.data);
    reduce(kind_, input.data, input.shape, kAxes, output.data);
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    if (kind_ == ReduceKind::Mean && !input.mask.empty()) return maskedMeanBackward(call);
    reduceBackward(kind_, input.data, input.shape, kAxes, call.outputs[0].data, call.outputGradients[0],
                   scratch.room(reduceBackwardRoom(call.outputs[0].data.size())), call.inputGradients[0]);
  }

  Part part() const override { return Part::Reduction; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    if (kind_ != ReduceKind::Mean) return std::nullopt;
    return reducedAxis(axis, input, kAxes, keepDims_);
  }

 private:
  static constexpr std::array<size_t, 1> kAxes = {1};

  static void maskedMean(const View& input, std::span<float> output) {
    const size_t steps = static_cast<size_t>(input.shape[1].size);
    const size_t features = static_cast<size_t>(input.shape[2].size);
    std::fill(output.begin(), output.end(), 0.0f);
    for (size_t b = 0; b < output.size() / features; ++b) {
      float count = 0;
      for (size_t t = 0; t < steps; ++t) {
        if (input.mask[b * steps + t] == 0) continue;
        ++count;
        for (size_t f = 0; f < features; ++f)
          output[b * features + f] += input.data[(b * steps + t) * features + f];
      }
      // A text without a single unmasked timestep is 0 / 0 in Keras too; the session reports what is not
      // finite.
      for (size_t f = 0; f < features; ++f) output[b * features + f] /= count;
    }
  }

  static void maskedMeanBackward(const Backward& call) {
    const View& input = call.inputs[0];
    const size_t steps = static_cast<size_t>(input.shape[1].size);
    const size_t features = static_cast<size_t>(input.shape[2].size);
    for (size_t b = 0; b < static_cast<size_t>(input.shape[0].size); ++b) {
      const std::span<const uint8_t> kept = input.mask.subspan(b * steps, steps);
      const auto count =
          static_cast<float>(std::count_if(kept.begin(), kept.end(), [](uint8_t k) { return k != 0; }));
      for (size_t t = 0; t < steps; ++t) {
        if (kept[t] == 0) continue;
        for (size_t f = 0; f < features; ++f)
          call.inputGradients[0][(b * steps + t) * features + f] +=
              call.outputGradients[0][b * features + f] / count;
      }
    }
  }

  ReduceKind kind_;
  bool keepDims_;
};

/// The maximum or the mean of each window of timesteps. keras/layers/pooling/base_pooling1d.py (2.15).
/// Timesteps outside of the input do not count. No generation hands a mask on.
class Pooling1D : public Layer {
 public:
  Pooling1D(ConfigReader& config, ReduceKind kind) : Layer(config.layer(), config.className()), kind_(kind) {
    window_.size = readSpatial(config, "pool_size", 2);
    window_.stride = config.raw("strides").is_null() ? window_.size : readSpatial(config, "strides", 1);
    window_.padding = readPadding(config, false);
    // keras/backend/theano_backend.py (2.2.5), pool2d
    if (config.dialect().theano)
      window_.paddedFront = window_.size > 2 && window_.size % 2 == 1 ? window_.size - 2 : window_.size - 1;
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 3) refuseInput(*this, "(batch, timesteps, features)", input);
    const Dim steps = windowed(input[1], window_, 0, window_.size);
    if (steps.size == 0)
      refuseInput(*this, "with at least " + std::to_string(window_.size) + " timesteps", input);
    return {input[0], steps, input[2]};
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const auto features = static_cast<size_t>(output.shape[2].size);
    eachWindow(inputs[0].shape, output.shape, [&](size_t from, size_t end, size_t place) {
      pool(inputs[0].data.data(), features, from, end, output.data.data() + place * features);
    });
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const View& input = call.inputs[0];
    const auto features = static_cast<size_t>(input.shape[2].size);
    eachWindow(input.shape, call.outputs[0].shape, [&](size_t from, size_t end, size_t place) {
      for (size_t f = 0; f < features; ++f) {
        const float above = call.outputGradients[0][place * features + f];
        if (kind_ == ReduceKind::Mean) {
          const float share = above / static_cast<float>(end - from);
          for (size_t t = from; t < end; ++t) call.inputGradients[0][t * features + f] += share;
        } else {  // to the first of the largest
          size_t largest = from;
          for (size_t t = from + 1; t < end; ++t) {
            if (input.data[t * features + f] > input.data[largest * features + f]) largest = t;
          }
          call.inputGradients[0][largest * features + f] += above;
        }
      }
    });
  }

  std::string detail() const override {
    return "pool_size " + std::to_string(window_.size) + ", strides " + std::to_string(window_.stride) +
           (window_.padding == Window::Padding::Same ? ", same" : ", valid");
  }

 private:
  /// Calls visit(from, end, place) for each window: its timesteps within the input and its place in the
  /// output, both counted through all rows of the batch.
  template <class Visit>
  void eachWindow(const Shape& input, const Shape& output, Visit visit) const {
    const int steps = input[1].size;
    const int before = window_.before(steps);
    size_t at = 0;
    for (int b = 0; b < input[0].size; ++b) {
      for (int place = 0; place < output[1].size; ++place) {
        const int start = place * window_.stride - before;
        visit(static_cast<size_t>(b * steps + std::max(start, 0)),
              static_cast<size_t>(b * steps + std::min(start + window_.size, steps)), at++);
      }
    }
  }

  /// Timesteps [from, end) of `sequence` (timesteps, features) as one.
  void pool(const float* sequence, size_t features, size_t from, size_t end, float* to) const {
    const bool largest = kind_ == ReduceKind::Max;
    std::fill_n(to, features, largest ? -std::numeric_limits<float>::infinity() : 0.0f);
    for (size_t t = from; t < end; ++t) {
      const float* x = sequence + t * features;
      for (size_t f = 0; f < features; ++f) to[f] = largest ? std::max(to[f], x[f]) : to[f] + x[f];
    }
    if (largest) return;
    for (size_t f = 0; f < features; ++f) to[f] /= static_cast<float>(end - from);
  }

  ReduceKind kind_;
  Window window_;
};

}  // namespace

std::unique_ptr<Layer> makeMaxPooling1D(ConfigReader& config) {
  return std::make_unique<Pooling1D>(config, ReduceKind::Max);
}
std::unique_ptr<Layer> makeAveragePooling1D(ConfigReader& config) {
  return std::make_unique<Pooling1D>(config, ReduceKind::Mean);
}
std::unique_ptr<Layer> makeGlobalAveragePooling1D(ConfigReader& config) {
  return std::make_unique<GlobalPooling1D>(config, ReduceKind::Mean);
}
std::unique_ptr<Layer> makeGlobalMaxPooling1D(ConfigReader& config) {
  return std::make_unique<GlobalPooling1D>(config, ReduceKind::Max);
}

}  // namespace charglow
