// Operations that know a tensor by its ids, its size or its mask, and those that only hand values on.

#include <algorithm>
#include <cmath>

#include "error.h"
#include "layers/operations/operations.h"

namespace charglow {
namespace {

/// Ids that are not below `depth` have no 1. tf.one_hot, K.one_hot.
class OneHot : public Layer {
 public:
  explicit OneHot(ConfigReader& config)
      : Layer(config.layer(), config.className()), depth_(config.size("depth")) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    Shape shape = inputs[0];
    shape.push_back({depth_});
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    std::fill(output.data.begin(), output.data.end(), 0.0f);
    for (size_t i = 0; i < inputs[0].data.size(); ++i) {
      const float id = std::trunc(inputs[0].data[i]);
      if (id >= 0 && id < static_cast<float>(depth_)) {
        output.data[i * static_cast<size_t>(depth_) + static_cast<size_t>(id)] = 1.0f;
      }
    }
  }

  /// What it gives does not change with the values.
  void backward(const Backward& /*call*/, Scratch& /*scratch*/) const override {}

  std::optional<int> idCount() const override { return depth_; }
  std::string detail() const override { return std::to_string(depth_) + " ids"; }

 private:
  int depth_;
};

class Size : public Layer {
 public:
  explicit Size(ConfigReader& config)
      : Layer(config.layer(), config.className()), axis_(config.integer("axis")) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    resolveAxis(*this, axis_, inputs[0]);
    return {{1}};
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const Shape& shape = inputs[0].shape;
    output.data[0] = static_cast<float>(shape[resolveAxis(*this, axis_, shape)].size);
  }

  /// What it gives does not change with the values.
  void backward(const Backward& /*call*/, Scratch& /*scratch*/) const override {}

  std::string detail() const override { return "axis " + std::to_string(axis_); }

 private:
  int axis_;
};

class MaskOf : public Layer {
 public:
  explicit MaskOf(ConfigReader& config) : Layer(config.layer(), config.className()) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    if (inputs[0].size() < 2) refuseInput(*this, "of rank 2 or more", inputs[0]);
    return {inputs[0][0], inputs[0][1]};
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    // Keras hands None to the function here, which nothing can be computed from.
    if (inputs[0].mask.size() != output.data.size()) refuseInput(*this, "that has a mask", inputs[0].shape);
    std::copy(inputs[0].mask.begin(), inputs[0].mask.end(), output.data.begin());
  }

  /// What it gives does not change with the values.
  void backward(const Backward& /*call*/, Scratch& /*scratch*/) const override {}
};

class Fill : public Layer {
 public:
  explicit Fill(ConfigReader& config)
      : Layer(config.layer(), config.className()), value_(config.number("value", 0)) {}

  Shape outputShape(std::span<const Shape> inputs) const override { return inputs[0]; }

  void forward(std::span<const View> /*inputs*/, Output output, Scratch& /*scratch*/) const override {
    std::fill(output.data.begin(), output.data.end(), value_);
  }

  /// What it gives does not change with the values.
  void backward(const Backward& /*call*/, Scratch& /*scratch*/) const override {}

 private:
  float value_;
};

class Outputs : public Layer {
 public:
  explicit Outputs(ConfigReader& config)
      : Layer(config.layer(), config.className()), count_(config.size("count")) {}

  bool takesInputs(size_t count) const override { return count == outputCount(); }
  size_t outputCount() const override { return static_cast<size_t>(count_); }
  Shape outputShape(std::span<const Shape> inputs) const override { return inputs[0]; }
  std::vector<Shape> outputShapes(std::span<const Shape> inputs) const override {
    return {inputs.begin(), inputs.end()};
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    forwardAll(inputs, {&output, 1}, scratch);
  }
  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& /*scratch*/) const override {
    for (size_t i = 0; i < outputs.size(); ++i) {
      std::copy(inputs[i].data.begin(), inputs[i].data.end(), outputs[i].data.begin());
    }
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    for (size_t i = 0; i < call.inputs.size(); ++i)
      addGradient(call.outputGradients[i], call.inputGradients[i]);
  }

 private:
  int count_;
};

}  // namespace

std::unique_ptr<Layer> makeOneHot(ConfigReader& config) { return std::make_unique<OneHot>(config); }
std::unique_ptr<Layer> makeSize(ConfigReader& config) { return std::make_unique<Size>(config); }
std::unique_ptr<Layer> makeMaskOf(ConfigReader& config) { return std::make_unique<MaskOf>(config); }
std::unique_ptr<Layer> makeFill(ConfigReader& config) { return std::make_unique<Fill>(config); }
std::unique_ptr<Layer> makeOutputs(ConfigReader& config) { return std::make_unique<Outputs>(config); }

}  // namespace charglow
