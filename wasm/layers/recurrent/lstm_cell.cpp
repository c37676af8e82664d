#include <algorithm>
#include <cstddef>

#include "kernels/activation_gradients.h"
#include "kernels/float4.h"
#include "layers/recurrent/cell.h"

namespace charglow {
namespace {

/// Long short-term memory. keras/layers/rnn/lstm.py (2.15), keras/layers/recurrent.py (2.0 to 2.3).
///
/// With the gates in Keras's order i (input), f (forget), c (candidate), o (output):
///
///     [x_i x_f x_c x_o] = x_t K + b + h_t U                        K (features, 4 units), U (units, 4 units)
///     c_{t+1} = σ(x_f) ∘ c_t + σ(x_i) ∘ tanh(x_c)                  second state
///     h_{t+1} = σ(x_o) ∘ tanh(c_{t+1})                             first state and output
class LstmCell : public Cell {
 public:
  explicit LstmCell(ConfigReader& config)
      : keras1_(config.dialect().major == 1),
        cudnn_(config.className() == "CuDNNLSTM"),
        units_(config.size("units")),
        activation_(cudnn_ ? Activation::Tanh : config.activation("activation", "tanh")),
        recurrentActivation_(cudnn_ ? Activation::Sigmoid : recurrentActivationOf(config)),
        useBias_(cudnn_ || config.boolean("use_bias", true)) {
    config.ignore("unit_forget_bias");  // initialises only
  }

  int units() const override { return units_; }
  std::vector<int> stateSizes() const override { return {units_, units_}; }
  int projectedSize() const override { return 4 * units_; }
  int scratchSize() const override { return 4 * units_; }

  void build(int features, WeightReader& weights) override {
    const int gates = 4 * units_;
    if (keras1_ && storesGatesApart(weights, features, units_)) {
      const RecurrentWeights apart =
          takeGates(weights, features, units_, {{"i", 0}, {"c", 2}, {"f", 1}, {"o", 3}});
      if (apart.kernel.empty()) return;
      input_ = Affine(apart.kernel, features, gates, apart.bias);
      recurrent_ = Affine(apart.recurrent, units_, gates, {});
      return;
    }
    std::vector<float> kernel = weights.take("kernel", {features, gates});
    std::vector<float> recurrent = weights.take("recurrent_kernel", {units_, gates});
    if (useBias_ && !cudnn_ && biasIsCudnn(weights, 2 * gates)) cudnn_ = true;
    std::vector<float> bias = !useBias_ ? std::vector<float>{}
                              : cudnn_  ? weights.take("bias", {2 * gates})
                                        : weights.take("bias", {gates});
    if (kernel.empty() || recurrent.empty() || (useBias_ && bias.empty())) return;  // a problem was noted
    if (cudnn_) {
      kernel = kernelFromCudnn(kernel, features, units_, 4);
      recurrent = recurrentKernelFromCudnn(recurrent, units_, 4);
      // CuDNN adds one bias to the input's product and one to the state's.
      const size_t half = static_cast<size_t>(gates);
      for (size_t i = 0; i < half; ++i) bias[i] += bias[half + i];
      bias.resize(half);
    }
    input_ = Affine(kernel, features, gates, bias);
    recurrent_ = Affine(recurrent, units_, gates, {});
  }

  void project(const float* x, int rows, float* projected) const override {
    input_.apply(x, rows, projected);
  }

  /// The gates, tanh(c), and the sums that went into the gates where a derivative takes them.
  int traceSize() const override { return (tracesSums() ? 9 : 5) * units_; }
  std::vector<CellSignal> signals() const override {
    const int states = traceSize();
    return {
        {"input_gate", true, units_, "How much of its candidate each unit adds to its cell state.", 0},
        {"forget_gate", true, units_, "How much of its old cell state each unit keeps: 1 all of it, 0 none.",
         units_},
        {"candidate", true, units_, "What each unit would add to its cell state.", 2 * units_},
        {"cell_state", false, units_, "What each unit remembers after the step.", states + units_},
        {"output_gate", true, units_, "How much of its cell state each unit shows in its state.", 3 * units_},
        {"state", false, units_, kStateWhy, states}};
  }

  void step(int rows, float* projected, float* states, float* output, float* recurrence,
            float* trace) const override {
    const ptrdiff_t units = units_;
    recurrent_.apply(states, 2 * units, rows, recurrence, 4 * units);
    const bool usual = activation_ == Activation::Tanh && trace == nullptr;
    for (ptrdiff_t row = 0; row < rows; ++row) {
      float* x = projected + row * 4 * units;
      float* h = states + row * 2 * units;
      const float* u = recurrence + row * 4 * units;
      if (usual && recurrentActivation_ == Activation::Sigmoid) {
        stepUsual<sigmoid>(x, u, h);
      } else if (usual && recurrentActivation_ == Activation::HardSigmoid2) {
        stepUsual<hardSigmoid2>(x, u, h);
      } else {
        stepAny(x, u, h, trace == nullptr ? nullptr : trace + row * traceSize());
      }
      std::copy_n(h, units, output + row * units);
    }
  }

  void stepBackward(int rows, const float* before, const float* after, const float* trace, float* gradient,
                    float* projected, float* /*scratch*/) const override {
    const ptrdiff_t units = units_;
    for (ptrdiff_t row = 0; row < rows; ++row) {
      const ptrdiff_t states = row * 2 * units;
      gatesBackward(before + states + units, after + states + units, trace + row * traceSize(),
                    gradient + states, projected + row * 4 * units);
    }
    recurrent_.addTransposed(projected, 4 * units, rows, gradient, 2 * units);
  }

  void projectBackward(const float* projected, int rows, float* x) const override {
    input_.addTransposed(projected, rows, x);
  }

  std::string detail() const override {
    return std::string(activationName(activation_)) + "/" + std::string(activationName(recurrentActivation_));
  }

 private:
  /// Whether the way back takes the sums that went into the activations.
  bool tracesSums() const {
    return !derivesFromOutput(activation_) || !derivesFromOutput(recurrentActivation_);
  }

  Activation activationOf(size_t gate) const { return gate == 2 ? activation_ : recurrentActivation_; }

  /// With any activations; x becomes the gates, h and the c behind it the new states. `trace` may be nullptr.
  void stepAny(float* x, const float* recurrence, float* h, float* trace) const {
    const size_t units = static_cast<size_t>(units_);
    float* c = h + units;
    for (size_t i = 0; i < 4 * units; ++i) x[i] += recurrence[i];
    if (trace != nullptr && tracesSums()) std::copy_n(x, 4 * units, trace + 5 * units);
    for (size_t gate = 0; gate < 4; ++gate) activate(activationOf(gate), {x + gate * units, units});
    for (size_t i = 0; i < units; ++i) {
      c[i] = x[units + i] * c[i] + x[i] * x[2 * units + i];
      h[i] = c[i];
    }
    activate(activation_, {h, units});
    if (trace != nullptr) std::copy_n(h, units, std::copy_n(x, 4 * units, trace));
    for (size_t i = 0; i < units; ++i) h[i] *= x[3 * units + i];
  }

  /// One row: d(loss)/d(sums that go into the gates); `gradient` of (h, c) becomes that of the c before, with
  /// zeros for h, whose gradient the recurrence brings.
  void gatesBackward(const float* cBefore, const float* c, const float* trace, float* gradient,
                     float* sums) const {
    const size_t units = static_cast<size_t>(units_);
    const float* i = trace;
    const float* f = i + units;
    const float* g = f + units;
    const float* o = g + units;
    const float* shown = o + units;  // tanh(c)
    float* dh = gradient;
    float* dc = dh + units;
    for (size_t k = 0; k < units; ++k) {
      sums[3 * units + k] = dh[k] * shown[k];
      dh[k] *= o[k];
    }
    activateBackward(activation_, {c, units}, {shown, units}, {dh, units});
    for (size_t k = 0; k < units; ++k) {
      const float all = dc[k] + dh[k];
      sums[k] = all * g[k];
      sums[units + k] = all * cBefore[k];
      sums[2 * units + k] = all * i[k];
      dc[k] = all * f[k];
      dh[k] = 0;
    }
    for (size_t gate = 0; gate < 4; ++gate) {
      const size_t at = gate * units;
      const std::span<const float> x(trace + 5 * units + at, tracesSums() ? units : 0);
      activateBackward(activationOf(gate), x, {trace + at, units}, {sums + at, units});
    }
  }

  /// The same, bit for bit, for tanh and one gate function: four units at a time, in registers.
  template <Float4 (*gate)(Float4)>
  void stepUsual(const float* x, const float* recurrence, float* h) const {
    const size_t units = static_cast<size_t>(units_);
    float* c = h + units;
    for (size_t i = 0; i < units; i += 4) {
      const size_t left = units - i;
      const auto sum = [&](size_t which) {
        return loadUpTo(x + which * units + i, left) + loadUpTo(recurrence + which * units + i, left);
      };
      const Float4 cell = gate(sum(1)) * loadUpTo(c + i, left) + gate(sum(0)) * tanh(sum(2));
      storeUpTo(cell, c + i, left);
      storeUpTo(tanh(cell) * gate(sum(3)), h + i, left);
    }
  }

  bool keras1_;
  bool cudnn_;
  int units_;
  Activation activation_;
  Activation recurrentActivation_;
  bool useBias_;
  Affine input_;      ///< K and b
  Affine recurrent_;  ///< U
};

}  // namespace

std::unique_ptr<Cell> makeLstmCell(ConfigReader& config) { return std::make_unique<LstmCell>(config); }

}  // namespace charglow
