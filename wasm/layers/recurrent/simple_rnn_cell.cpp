#include <algorithm>
#include <cstddef>

#include "kernels/activation_gradients.h"
#include "layers/recurrent/cell.h"

namespace charglow {
namespace {

/// The fully connected recurrence: h_{t+1} = tanh(x_t K + b + h_t U). keras/layers/rnn/simple_rnn.py (2.15).
class SimpleRnnCell : public Cell {
 public:
  explicit SimpleRnnCell(ConfigReader& config)
      : units_(config.size("units")),
        activation_(config.activation("activation", "tanh")),
        useBias_(config.boolean("use_bias", true)) {}

  int units() const override { return units_; }
  int projectedSize() const override { return units_; }
  int scratchSize() const override { return units_; }

  void build(int features, WeightReader& weights) override {
    const std::vector<float> kernel = weights.take("kernel", {features, units_});
    const std::vector<float> recurrent = weights.take("recurrent_kernel", {units_, units_});
    const std::vector<float> bias = useBias_ ? weights.take("bias", {units_}) : std::vector<float>{};
    if (kernel.empty() || recurrent.empty()) return;  // a problem was noted
    input_ = Affine(kernel, features, units_, bias);
    recurrent_ = Affine(recurrent, units_, units_, {});
  }

  void project(const float* x, int rows, float* projected) const override {
    input_.apply(x, rows, projected);
  }

  /// What went into the activation, where its derivative takes that.
  int traceSize() const override { return derivesFromOutput(activation_) ? 0 : units_; }
  std::vector<CellSignal> signals() const override {
    return {{"state", false, units_, kStateWhy, traceSize()}};
  }

  void step(int rows, float* x, float* state, float* output, float* recurrence, float* trace) const override {
    const size_t units = static_cast<size_t>(units_);
    const size_t count = static_cast<size_t>(rows) * units;
    recurrent_.apply(state, rows, recurrence);
    for (size_t i = 0; i < count; ++i) state[i] = x[i] + recurrence[i];
    if (trace != nullptr) std::copy_n(state, rows * traceSize(), trace);
    for (size_t row = 0; row < count; row += units) activate(activation_, {state + row, units});
    std::copy_n(state, count, output);
  }

  void stepBackward(int rows, const float* /*before*/, const float* after, const float* trace,
                    float* gradient, float* projected, float* /*scratch*/) const override {
    const size_t units = static_cast<size_t>(units_);
    const size_t count = static_cast<size_t>(rows) * units;
    const std::span<const float> sums(trace, static_cast<size_t>(rows * traceSize()));
    std::copy_n(gradient, count, projected);
    activateRowsBackward(activation_, sums, {after, count}, {projected, count}, units);
    std::fill_n(gradient, count, 0.0f);
    recurrent_.addTransposed(projected, rows, gradient);
  }

  void projectBackward(const float* projected, int rows, float* x) const override {
    input_.addTransposed(projected, rows, x);
  }

  std::string detail() const override { return std::string(activationName(activation_)); }

 private:
  int units_;
  Activation activation_;
  bool useBias_;
  Affine input_;
  Affine recurrent_;
};

}  // namespace

std::unique_ptr<Cell> makeSimpleRnnCell(ConfigReader& config) {
  return std::make_unique<SimpleRnnCell>(config);
}

}  // namespace charglow
