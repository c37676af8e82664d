#include <algorithm>

#include "keras/weight_reader.h"
#include "kernels/affine.h"
#include "layers/layers.h"

namespace charglow {
namespace {

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
///
/// A masked timestep holds the state, and its output is that of the step before (zero at the start).
class Gru : public Layer {
 public:
  explicit Gru(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        units_(config.integer("units")),
        activation_(config.activation("activation", "tanh")),
        recurrentActivation_(config.activation("recurrent_activation", "linear")),
        useBias_(config.boolean("use_bias", true)),
        resetAfter_(config.boolean("reset_after", false)),  // absent before Keras 2.1.5, which reset before
        returnSequences_(config.boolean("return_sequences", false)),
        goBackwards_(config.boolean("go_backwards", false)) {
    if (!config.has("recurrent_activation")) {
      config.refuse("recurrent_activation", "the name of an activation", "nothing",
                    "Its default differs by Keras generation, so it is not guessed.");
    }
    config.require("return_state", false);
    config.require("zero_output_for_mask", false);
    config.ignore("use_cudnn");  // Keras 3: which kernel computes the same numbers
    config.ignore("cudnn_impl");
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 3) refuseInput(*this, "(batch, timesteps, features)", input);
    Shape shape = {input[0]};
    if (returnSequences_) {
      shape.push_back(input[1]);
      if (goBackwards_ && input[1].isTime()) {
        shape[1].along = input[1].along == Along::Time ? Along::ReversedTime : Along::Time;
      }
    }
    shape.push_back({units_});
    return shape;
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const int features = inputs[0].back().size;
    const int gates = 3 * units_;
    const std::vector<float> kernel = weights.take("kernel", {features, gates});
    const std::vector<float> recurrent = weights.take("recurrent_kernel", {units_, gates});
    std::vector<float> bias;
    std::vector<float> recurrentBias;
    if (useBias_ && resetAfter_) {
      bias = weights.take(
          "bias", {2, gates},
          "reset_after=True has two biases, (2, 3·units); reset_after=False has one, (3·units).");
      if (!bias.empty()) recurrentBias.assign(bias.begin() + gates, bias.end());
      if (!bias.empty()) bias.resize(static_cast<size_t>(gates));
    } else if (useBias_) {
      bias =
          weights.take("bias", {gates},
                       "reset_after=False has one bias, (3·units); reset_after=True has two, (2, 3·units).");
    }
    if (kernel.empty() || recurrent.empty()) return;  // a problem was noted
    input_ = Affine(kernel, features, gates, bias);
    if (resetAfter_) {
      recurrent_ = Affine(recurrent, units_, gates, recurrentBias);
    } else {
      recurrent_ = Affine(columns(recurrent, 0, 2 * units_), units_, 2 * units_, {});
      candidate_ = Affine(columns(recurrent, 2 * units_, gates), units_, units_, {});
    }
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const View& input = inputs[0];
    const size_t batch = static_cast<size_t>(input.shape[0].size);
    const size_t steps = static_cast<size_t>(input.shape[1].size);
    const size_t features = static_cast<size_t>(input.shape[2].size);
    const size_t units = static_cast<size_t>(units_);

    // projected (steps, 3 units): x K + b; state h (units); recurrence (3 units): h U; gated (units): r ∘ h
    float* projected = scratch.room(steps * 3 * units + 5 * units);
    float* state = projected + steps * 3 * units;
    float* recurrence = state + units;
    float* gated = recurrence + 3 * units;

    float* to = output.data.data();
    for (size_t b = 0; b < batch; ++b) {
      input_.apply(input.data.data() + b * steps * features, static_cast<int>(steps), projected);
      std::fill(state, state + units, 0.0f);
      for (size_t s = 0; s < steps; ++s) {
        const size_t t = goBackwards_ ? steps - 1 - s : s;
        const bool masked = !input.mask.empty() && input.mask[b * steps + t] == 0;
        if (!masked) step(projected + t * 3 * units, state, recurrence, gated);
        if (returnSequences_) to = std::copy(state, state + units, to);
      }
      if (!returnSequences_) to = std::copy(state, state + units, to);
    }
    if (returnSequences_) output.passMask(input);  // as it is, also where go_backwards reverses the output
  }

  std::string detail() const override {
    std::string text = resetAfter_ ? "reset_after" : "reset before";
    text += ", " + std::string(activationName(activation_)) + "/" +
            std::string(activationName(recurrentActivation_));
    if (!returnSequences_) text += ", last step only";
    if (goBackwards_) text += ", go_backwards";
    return text;
  }

 private:
  /// Columns [from, to) of the recurrent kernel (units, 3 units).
  std::vector<float> columns(const std::vector<float>& matrix, int from, int to) const {
    std::vector<float> part;
    part.reserve(static_cast<size_t>(units_) * static_cast<size_t>(to - from));
    for (int row = 0; row < units_; ++row) {
      const auto start = matrix.begin() + static_cast<ptrdiff_t>(row) * 3 * units_;
      part.insert(part.end(), start + from, start + to);
    }
    return part;
  }

  /// One timestep: `x` (3 units) is the projected input, used up as the gates' memory; `state` becomes the
  /// new state.
  void step(float* x, float* state, float* recurrence, float* gated) const {
    const size_t units = static_cast<size_t>(units_);
    float* z = x;
    float* r = x + units;
    float* candidate = x + 2 * units;
    recurrent_.apply(state, 1, recurrence);
    for (size_t i = 0; i < 2 * units; ++i) x[i] += recurrence[i];
    activate(recurrentActivation_, {z, units});
    activate(recurrentActivation_, {r, units});
    if (resetAfter_) {
      for (size_t i = 0; i < units; ++i) candidate[i] += r[i] * recurrence[2 * units + i];
    } else {
      for (size_t i = 0; i < units; ++i) gated[i] = r[i] * state[i];
      candidate_.apply(gated, 1, recurrence + 2 * units);
      for (size_t i = 0; i < units; ++i) candidate[i] += recurrence[2 * units + i];
    }
    activate(activation_, {candidate, units});
    for (size_t i = 0; i < units; ++i) state[i] = z[i] * state[i] + (1.0f - z[i]) * candidate[i];
  }

  int units_;
  Activation activation_;
  Activation recurrentActivation_;
  bool useBias_;
  bool resetAfter_;
  bool returnSequences_;
  bool goBackwards_;
  Affine input_;      ///< K and b
  Affine recurrent_;  ///< reset_after: U and b' (units, 3 units); otherwise U_z, U_r (units, 2 units)
  Affine candidate_;  ///< reset before: U_h (units, units)
};

}  // namespace

std::unique_ptr<Layer> makeGru(ConfigReader& config) { return std::make_unique<Gru>(config); }

}  // namespace charglow
