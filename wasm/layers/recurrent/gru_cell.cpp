#include <algorithm>
#include <utility>

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

  int gateSize() const override { return 3 * units_; }
  std::vector<CellSignal> signals() const override {
    return {
        {"update_gate", true, units_,
         "How much of its old state each unit keeps: 1 all of it, 0 none, then the candidate replaces it.",
         0},
        {"reset_gate", true, units_, "How much of the old state the candidate is made from.", units_},
        {"candidate", true, units_, "What each unit's state would become if nothing of it were kept.",
         2 * units_},
        {"state", false, units_, kStateWhy, 3 * units_}};
  }

  void step(int rows, float* projected, float* states, float* output, float* scratch,
            float* gates) const override {
    const ptrdiff_t units = units_;
    float* recurrence = scratch;                // (rows, 3 units): h U
    float* gated = scratch + rows * 3 * units;  // (rows, units): r ∘ h
    recurrent_.apply(states, units, rows, recurrence, 3 * units);
    const bool usual = activation_ == Activation::Tanh && gates == nullptr;
    if (usual && recurrentActivation_ == Activation::Sigmoid) {
      stepUsual<sigmoid>(rows, projected, states, recurrence, gated);
    } else if (usual && recurrentActivation_ == Activation::HardSigmoid2) {
      stepUsual<hardSigmoid2>(rows, projected, states, recurrence, gated);
    } else {
      stepAny(rows, projected, states, recurrence, gated);
    }
    std::copy_n(states, rows * units, output);
    if (gates != nullptr) std::copy_n(projected, rows * 3 * units, gates);
  }

  std::string detail() const override {
    return std::string(resetAfter_ ? "reset_after" : "reset before") + ", " +
           std::string(activationName(activation_)) + "/" + std::string(activationName(recurrentActivation_));
  }

 private:
  static constexpr const char* kBiases =
      "reset_after=True has two biases, (2, 3·units); reset_after=False has one, (3·units).";

  /// With any activations, a gate after the other; `projected` becomes the gates.
  void stepAny(int rows, float* projected, float* states, float* recurrence, float* gated) const {
    const size_t units = static_cast<size_t>(units_);
    const auto count = static_cast<size_t>(rows);
    for (size_t row = 0; row < count; ++row) {
      float* z = projected + row * 3 * units;
      float* r = z + units;
      const float* u = recurrence + row * 3 * units;
      for (size_t i = 0; i < 2 * units; ++i) z[i] += u[i];
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
      activate(activation_, {candidate, units});
      for (size_t i = 0; i < units; ++i) state[i] = z[i] * state[i] + (1.0f - z[i]) * candidate[i];
    }
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
