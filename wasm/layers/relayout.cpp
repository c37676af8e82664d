// Layers that move values without changing them: Flatten, Reshape, RepeatVector, Permute, and those that do
// nothing at inference. An attention vector passes through them on its way to what it weighs, so each can say
// which axis of its input an axis of its output runs along.

#include <algorithm>
#include <numeric>

#include "kernels/reduce.h"
#include "kernels/strided.h"
#include "layers/layers.h"
#include "layers/match_axes.h"

namespace charglow {
namespace {

/// Flatten, keras/layers/reshaping/flatten.py, and Reshape, keras/layers/reshaping/reshape.py (2.15).
class Reshape : public Layer {
 public:
  /// @param target sizes without the batch axis; one of them may be -1
  Reshape(ConfigReader& config, std::vector<int> target)
      : Layer(config.layer(), config.className()), target_(std::move(target)) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    const int total = elementCount(input, 1, input.size());
    Shape given;
    for (const int size : target_) given.push_back({size == -1 ? 1 : size});
    const int product = elementCount(given);
    const bool inferred = std::count(target_.begin(), target_.end(), -1) == 1;
    if (total != kUnknown && (inferred ? product == 0 || total % product != 0 : total != product)) {
      refuseInput(*this, "(batch, …) with " + std::to_string(product) + (inferred ? "·n" : "") + " elements",
                  input);
    }
    Shape shape = {input[0]};
    for (const int size : target_) {
      shape.push_back({size != -1 ? size : total == kUnknown ? kUnknown : total / product});
    }
    const std::vector<std::optional<size_t>> match = matchAxes(input, shape);
    for (size_t i = 1; i < shape.size(); ++i) {
      if (match[i]) shape[i].follow(input[*match[i]]);
    }
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    std::copy(inputs[0].data.begin(), inputs[0].data.end(),
              output.data.begin());  // Keras drops the mask here
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addGradient(call.outputGradients[0], call.inputGradients[0]);
  }

  Part part() const override { return Part::Relayout; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    return matchAxes(input, outputShape({&input, 1}))[axis];
  }

 private:
  std::vector<int> target_;
};

/// (batch, features) → (batch, n, features). keras/layers/reshaping/repeat_vector.py (2.15).
class RepeatVector : public Layer {
 public:
  explicit RepeatVector(ConfigReader& config)
      : Layer(config.layer(), config.className()), times_(config.size("n")) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 2) refuseInput(*this, "(batch, features)", input);
    return {input[0], {times_}, input[1]};
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const View& input = inputs[0];
    const ptrdiff_t width = input.shape[1].size;
    auto to = output.data.begin();
    for (auto row = input.data.begin(); row != input.data.end(); row += width) {
      for (int i = 0; i < times_; ++i) to = std::copy(row, row + width, to);
    }
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const size_t width = static_cast<size_t>(call.inputs[0].shape[1].size);
    const std::span<float> to = call.inputGradients[0];
    const float* from = call.outputGradients[0].data();
    for (size_t row = 0; row < to.size(); row += width) {
      for (int i = 0; i < times_; ++i, from += width) addGradient({from, width}, to.subspan(row, width));
    }
  }

  Part part() const override { return Part::Relayout; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& /*input*/) const override {
    if (axis == 1) return std::nullopt;
    return axis == 0 ? 0 : 1;
  }

 private:
  int times_;
};

/// Output axis i + 1 is input axis dims[i]. keras/layers/reshaping/permute.py (2.15).
class Permute : public Layer {
 public:
  explicit Permute(ConfigReader& config)
      : Layer(config.layer(), config.className()), dims_(config.integers("dims")) {
    std::vector<int> sorted = dims_;
    std::sort(sorted.begin(), sorted.end());
    for (size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] != static_cast<int>(i) + 1) {
        config.refuse("dims", "every number from 1 to " + std::to_string(sorted.size()) + " once",
                      config.raw("dims").dump());
        return;
      }
    }
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != dims_.size() + 1)
      refuseInput(*this, "rank " + std::to_string(dims_.size() + 1), input);
    Shape shape = {input[0]};
    for (const int dim : dims_) shape.push_back(input[static_cast<size_t>(dim)]);
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    gather(walkOver(inputs[0].shape, output.shape), inputs[0].data.data(), output.data.data());
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addStrided(walkOver(call.inputs[0].shape, call.outputs[0].shape), call.outputGradients[0].data(),
               call.inputGradients[0].data());
  }

  Part part() const override { return Part::Relayout; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& /*input*/) const override {
    return axis == 0 ? 0 : static_cast<size_t>(dims_[axis - 1]);
  }

 private:
  /// How the output's elements lie in the input.
  [[nodiscard]] StridedWalk walkOver(const Shape& input, const Shape& output) const {
    const std::vector<size_t> inputStride = stridesOf(input);
    std::vector<size_t> stride = {inputStride[0]};
    for (const int dim : dims_) stride.push_back(inputStride[static_cast<size_t>(dim)]);
    return {output, stride};
  }

  std::vector<int> dims_;
};

/// Dropout, noise and regularisation layers: the identity at inference, in every generation. They hand the
/// mask on.
class Identity : public Layer {
 public:
  explicit Identity(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        // The layer Identity of 2.15 knows no masks (keras/layers/core/identity.py).
        keepsMask_(config.className() != "Identity" || config.dialect().major >= 3) {
    for (const char* key : {"rate", "p", "stddev", "sigma", "l1", "l2"}) config.ignore(key);
  }

  Shape outputShape(std::span<const Shape> inputs) const override { return inputs[0]; }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    std::copy(inputs[0].data.begin(), inputs[0].data.end(), output.data.begin());
    if (keepsMask_) output.passMask(inputs[0]);
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addGradient(call.outputGradients[0], call.inputGradients[0]);
  }

  bool isItsInput() const override { return keepsMask_; }
  Part part() const override { return Part::Relayout; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& /*input*/) const override { return axis; }

 private:
  bool keepsMask_;
};

}  // namespace

std::unique_ptr<Layer> makeFlatten(ConfigReader& config) {
  return std::make_unique<Reshape>(config, std::vector<int>{-1});
}

std::unique_ptr<Layer> makeReshape(ConfigReader& config) {
  std::vector<int> target = config.integers("target_shape");
  if (std::count(target.begin(), target.end(), -1) > 1 ||
      std::any_of(target.begin(), target.end(),
                  [](int size) { return size < -1 || size == 0 || size > ConfigReader::kMaxSize; })) {
    config.refuse("target_shape", "sizes of at least 1, of which one may be -1",
                  config.raw("target_shape").dump());
  }
  return std::make_unique<Reshape>(config, std::move(target));
}

std::unique_ptr<Layer> makeRepeatVector(ConfigReader& config) {
  return std::make_unique<RepeatVector>(config);
}
std::unique_ptr<Layer> makePermute(ConfigReader& config) { return std::make_unique<Permute>(config); }
std::unique_ptr<Layer> makeIdentity(ConfigReader& config) { return std::make_unique<Identity>(config); }

}  // namespace charglow
