#include <algorithm>
#include <utility>

#include "kernels/activation_gradients.h"
#include "kernels/float4.h"
#include "layers/recurrent/cell.h"

namespace charglow {
namespace {

/// Absent before Keras 2.1.5, which reset before. Later generations always write it, and have another
/// default.
bool resetAfterOf(ConfigReader& config) {
  const Dialect& dialect = config.dialect();
  const bool written = dialect.major >= 3 || (dialect.tensorflow && dialect.minor >= 3);
  if (written && !config.has("reset_after")) config.refuse("reset_after", "true or false", "nothing");
  return config.boolean("reset_after", false);
}

/// Gated recurrent unit. keras/layers/rnn/gru.py (2.15), keras/layers/recurrent.py (2.0 to 2.3).
///
/// With the gates in Keras's order z (update), r (reset), h (candidate), x_t (features) and h_t (units):
///
///     [x_z x_r x_h] = x_t K + b                                    K (features, 3 units)
///     reset_after = false (Cho et al. 2014, v1):
///         z = σ(x_z + h U_z)    r = σ(x_r + h U_r)    c = tanh(x_h + (r ∘ h) U_h)
///     reset_after = true (v3 of the paper, CuDNN), with a second bias:
///         [u_z u_r u_h] = h U + b'
///         z = σ(x_z + u_z)      r = σ(x_r + u_r)      c = tanh(x_h + r ∘ u_h)
///     h_{t+1} = z ∘ h + (1 - z) ∘ c
class GruCell : public Cell {
 public:
  explicit GruCell(ConfigReader& config)
      : keras1_(config.dialect().major == 1),
        cudnn_(config.className() == "CuDNNGRU"),
        units_(config.size("units")),
        activation_(cudnn_ ? Activation::Tanh : config.activation("activation", "tanh")),
        recurrentActivation_(cudnn_ ? Activation::Sigmoid : recurrentActivationOf(config)),
        useBias_(cudnn_ || config.boolean("use_bias", true)),
        resetAfter_(cudnn_ || resetAfterOf(config)) {}

  int units() const override { return units_; }
  int projectedSize() const override { return 3 * units_; }
  int scratchSize() const override { return 4 * units_; }

  void build(int features, WeightReader& weights) override {
    const int gates = 3 * units_;
    if (keras1_ && storesGatesApart(weights, features, units_)) {
      const RecurrentWeights apart = takeGates(weights, features, units_, {{"z", 0}, {"r", 1}, {"h", 2}});
      if (!apart.kernel.empty()) use(apart.kernel, apart.recurrent, apart.bias, features);
      return;
    }
    std::vector<float> kernel = weights.take("kernel", {features, gates});
    std::vector<float> recurrent = weights.take("recurrent_kernel", {units_, gates});
    // CuDNN's bias is that of reset_after, its two rows one after the other.
    if (useBias_ && !cudnn_ && biasIsCudnn(weights, 2 * gates)) cudnn_ = resetAfter_ = true;
    std::vector<float> bias = !useBias_     ? std::vector<float>{}
                              : cudnn_      ? weights.take("bias", {2 * gates})
                              : resetAfter_ ? weights.take("bias", {2, gates}, kBiases)
                                            : weights.take("bias", {gates}, kBiases);
    if (kernel.empty() || recurrent.empty() || (useBias_ && bias.empty())) return;  // a problem was noted
    if (cudnn_) {
      kernel = kernelFromCudnn(kernel, features, units_, 3);
      recurrent = recurrentKernelFromCudnn(recurrent, units_, 3);
    }
    use(kernel, recurrent, std::move(bias), features);
  }

  void project(const float* x, int rows, float* projected) const override {
    input_.apply(x, rows, projected);
  }

  /// The gates; with reset_after u_h, which the reset gate multiplies; and the sums that went into the gates
  /// where a derivative takes them.
  int traceSize() const override { return sumsAt() + (tracesSums() ? 3 * units_ : 0); }
  std::vector<CellSignal> signals() const override {
    return {
        {"update_gate", true, units_,
         "How much of its old state each unit keeps: 1 all of it, 0 none, then the candidate replaces it.",
         0},
        {"reset_gate", true, units_, "How much of the old state the candidate is made from.", units_},
        {"candidate", true, units_, "What each unit's state would become if nothing of it were kept.",
         2 * units_},
        {"state", false, units_, kStateWhy, traceSize()}};
  }

  void step(int rows, float* projected, float* states, float* output, float* scratch,
            float* trace) const override {
    const ptrdiff_t units = units_;
    float* recurrence = scratch;                // (rows, 3 units): h U
    float* gated = scratch + rows * 3 * units;  // (rows, units): r ∘ h
    recurrent_.apply(states, units, rows, recurrence, 3 * units);
    const bool usual = activation_ == Activation::Tanh && trace == nullptr;
    if (usual && recurrentActivation_ == Activation::Sigmoid) {
      stepUsual<sigmoid>(rows, projected, states, recurrence, gated);
    } else if (usual && recurrentActivation_ == Activation::HardSigmoid2) {
      stepUsual<hardSigmoid2>(rows, projected, states, recurrence, gated);
    } else {
      stepAny(rows, projected, states, recurrence, gated, trace);
    }
    std::copy_n(states, rows * units, output);
  }

  /// With d' for the gradient of the new state and d_z, d_r, d_h for those of the sums that go into the
  /// gates:
  ///
  ///     d_z = d' ∘ (h - c) ∘ σ'    d_h = d' ∘ (1 - z) ∘ tanh'
  ///     reset_after = false:
  ///         g = d_h U_hᵀ           d_r = g ∘ h ∘ σ'
  ///         d = d' ∘ z + r ∘ g + [d_z d_r] [U_z U_r]ᵀ
  ///     reset_after = true:
  ///         d_r = d_h ∘ u_h ∘ σ'
  ///         d = d' ∘ z + [d_z d_r (r ∘ d_h)] Uᵀ
  void stepBackward(int rows, const float* before, const float* /*after*/, const float* trace,
                    float* gradient, float* projected, float* scratch) const override {
    const ptrdiff_t units = units_;
    for (ptrdiff_t row = 0; row < rows; ++row)
      blendBackward(before + row * units, trace + row * traceSize(), gradient + row * units,
                    projected + row * 3 * units);
    if (resetAfter_) {
      for (ptrdiff_t row = 0; row < rows; ++row)
        resetAfterBackward(trace + row * traceSize(), projected + row * 3 * units, scratch + row * 3 * units);
      return recurrent_.addTransposed(scratch, rows, gradient);
    }
    std::fill_n(scratch, rows * units, 0.0f);
    candidate_.addTransposed(projected + 2 * units, 3 * units, rows, scratch, units);
    for (ptrdiff_t row = 0; row < rows; ++row)
      resetBeforeBackward(before + row * units, trace + row * traceSize(), scratch + row * units,
                          gradient + row * units, projected + row * 3 * units);
    recurrent_.addTransposed(projected, 3 * units, rows, gradient, units);
  }

  void projectBackward(const float* projected, int rows, float* x) const override {
    input_.addTransposed(projected, rows, x);
  }

  std::string detail() const override {
    return std::string(resetAfter_ ? "reset_after" : "reset before") + ", " +
           std::string(activationName(activation_)) + "/" + std::string(activationName(recurrentActivation_));
  }

 private:
  static constexpr const char* kBiases =
      "reset_after=True has two biases, (2, 3·units); reset_after=False has one, (3·units).";

  /// Whether the way back takes the sums that went into the activations, and where in a trace they are.
  bool tracesSums() const {
    return !derivesFromOutput(activation_) || !derivesFromOutput(recurrentActivation_);
  }
  int sumsAt() const { return (resetAfter_ ? 4 : 3) * units_; }

  /// With any activations, a gate after the other; `projected` becomes the gates. `trace` may be nullptr.
  void stepAny(int rows, float* projected, float* states, float* recurrence, float* gated,
               float* trace) const {
    const size_t units = static_cast<size_t>(units_);
    const auto count = static_cast<size_t>(rows);
    const size_t stride = static_cast<size_t>(traceSize());
    float* sums = trace != nullptr && tracesSums() ? trace + sumsAt() : nullptr;
    for (size_t row = 0; row < count; ++row) {
      float* z = projected + row * 3 * units;
      float* r = z + units;
      const float* u = recurrence + row * 3 * units;
      for (size_t i = 0; i < 2 * units; ++i) z[i] += u[i];
      if (sums != nullptr) std::copy_n(z, 2 * units, sums + row * stride);
      activate(recurrentActivation_, {z, units});
      activate(recurrentActivation_, {r, units});
      for (size_t i = 0; i < units; ++i) gated[row * units + i] = r[i] * states[row * units + i];
    }
    if (!resetAfter_) candidate_.apply(gated, units_, rows, recurrence + 2 * units_, 3 * units_);
    for (size_t row = 0; row < count; ++row) {
      float* state = states + row * units;
      const float* z = projected + row * 3 * units;
      const float* r = z + units;
      float* candidate = projected + row * 3 * units + 2 * units;
      const float* u = recurrence + row * 3 * units + 2 * units;
      for (size_t i = 0; i < units; ++i) candidate[i] += resetAfter_ ? r[i] * u[i] : u[i];
      if (sums != nullptr) std::copy_n(candidate, units, sums + row * stride + 2 * units);
      activate(activation_, {candidate, units});
      for (size_t i = 0; i < units; ++i) state[i] = z[i] * state[i] + (1.0f - z[i]) * candidate[i];
      if (trace == nullptr) continue;
      float* end = std::copy_n(z, 3 * units, trace + row * stride);
      if (resetAfter_) std::copy_n(u, units, end);
    }
  }

  /// What went into gate number `gate` of a trace, where a derivative takes it.
  std::span<const float> sumsOf(const float* trace, size_t gate) const {
    if (!tracesSums()) return {};
    const size_t units = static_cast<size_t>(units_);
    return {trace + sumsAt() + gate * units, units};
  }

  /// One row: d_z, d_h, and d' becomes d' ∘ z.
  void blendBackward(const float* h, const float* trace, float* gradient, float* sums) const {
    const size_t units = static_cast<size_t>(units_);
    const float* z = trace;
    const float* candidate = trace + 2 * units;
    for (size_t i = 0; i < units; ++i) {
      sums[i] = gradient[i] * (h[i] - candidate[i]);
      sums[2 * units + i] = gradient[i] * (1.0f - z[i]);
      gradient[i] *= z[i];
    }
    activateBackward(recurrentActivation_, sumsOf(trace, 0), {z, units}, {sums, units});
    activateBackward(activation_, sumsOf(trace, 2), {candidate, units}, {sums + 2 * units, units});
  }

  /// One row: d_r, and in `through` what goes back through U.
  void resetAfterBackward(const float* trace, float* sums, float* through) const {
    const size_t units = static_cast<size_t>(units_);
    const float* r = trace + units;
    const float* u = trace + 3 * units;
    const float* candidate = sums + 2 * units;
    for (size_t i = 0; i < units; ++i) {
      sums[units + i] = candidate[i] * u[i];
      through[2 * units + i] = candidate[i] * r[i];
    }
    activateBackward(recurrentActivation_, sumsOf(trace, 1), {r, units}, {sums + units, units});
    std::copy_n(sums, 2 * units, through);
  }

  /// One row: d_r, and r ∘ g in the gradient.
  void resetBeforeBackward(const float* h, const float* trace, const float* gated, float* gradient,
                           float* sums) const {
    const size_t units = static_cast<size_t>(units_);
    const float* r = trace + units;
    for (size_t i = 0; i < units; ++i) {
      sums[units + i] = gated[i] * h[i];
      gradient[i] += gated[i] * r[i];
    }
    activateBackward(recurrentActivation_, sumsOf(trace, 1), {r, units}, {sums + units, units});
  }

  /// The same, bit for bit, for tanh and one gate function: four units at a time, from what was projected to
  /// the new state without leaving the registers.
  template <Float4 (*gate)(Float4)>
  void stepUsual(int rows, const float* projected, float* states, float* recurrence, float* gated) const {
    const size_t units = static_cast<size_t>(units_);
    const auto count = static_cast<size_t>(rows);
    if (!resetAfter_) {
      for (size_t row = 0; row < count; ++row) {
        const float* x = projected + row * 3 * units;
        const float* u = recurrence + row * 3 * units;
        for (size_t i = 0; i < units; i += 4) {
          const size_t left = units - i;
          const Float4 r = gate(loadUpTo(x + units + i, left) + loadUpTo(u + units + i, left));
          storeUpTo(r * loadUpTo(states + row * units + i, left), gated + row * units + i, left);
        }
      }
      candidate_.apply(gated, units_, rows, recurrence + 2 * units_, 3 * units_);
    }
    for (size_t row = 0; row < count; ++row) {
      const float* x = projected + row * 3 * units;
      const float* u = recurrence + row * 3 * units;
      float* state = states + row * units;
      for (size_t i = 0; i < units; i += 4) {
        const size_t left = units - i;
        const Float4 z = gate(loadUpTo(x + i, left) + loadUpTo(u + i, left));
        Float4 candidate = loadUpTo(u + 2 * units + i, left);
        if (resetAfter_)
          candidate = gate(loadUpTo(x + units + i, left) + loadUpTo(u + units + i, left)) * candidate;
        candidate = tanh(loadUpTo(x + 2 * units + i, left) + candidate);
        const Float4 h = loadUpTo(state + i, left);
        storeUpTo(z * h + (1.0f - z) * candidate, state + i, left);
      }
    }
  }

  /// Takes the weights in Keras 2's layout apart.
  void use(const std::vector<float>& kernel, const std::vector<float>& recurrent, std::vector<float> bias,
           int features) {
    const int gates = 3 * units_;
    std::vector<float> recurrentBias;
    if (useBias_ && resetAfter_) {
      recurrentBias.assign(bias.begin() + gates, bias.end());
      bias.resize(static_cast<size_t>(gates));
    }
    input_ = Affine(kernel, features, gates, bias);
    if (resetAfter_) {
      recurrent_ = Affine(recurrent, units_, gates, recurrentBias);
    } else {
      recurrent_ = Affine(columnsOf(recurrent, units_, gates, 0, 2 * units_), units_, 2 * units_, {});
      candidate_ = Affine(columnsOf(recurrent, units_, gates, 2 * units_, gates), units_, units_, {});
    }
  }

  bool keras1_;
  bool cudnn_;
  int units_;
  Activation activation_;
  Activation recurrentActivation_;
  bool useBias_;
  bool resetAfter_;
  Affine input_;      ///< K and b
  Affine recurrent_;  ///< reset_after: U and b' (units, 3 units); otherwise U_z, U_r (units, 2 units)
  Affine candidate_;  ///< reset before: U_h (units, units)
};

}  // namespace

std::unique_ptr<Cell> makeGruCell(ConfigReader& config) { return std::make_unique<GruCell>(config); }

}  // namespace charglow
