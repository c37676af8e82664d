// AttentionDecoder, the custom recurrent layer that became known by translating dates.

#include <algorithm>
#include <cmath>

#include "keras/call_reader.h"
#include "keras/weight_reader.h"
#include "kernels/activations.h"
#include "kernels/affine.h"
#include "layers/attention/attending_layer.h"
#include "layers/attention/custom.h"

namespace charglow {
namespace {

/// x (batch, T, d). y (o) = 0 and s (u) = tanh(x_1·W_s) before the first of T steps, each of which computes
///
///     e_t = V_a · tanh(s·W_a + x_t·U_a + b_a)     a = softmax e     c = Σ_t a_t x_t
///     r = sigmoid(y·W_r + s·U_r + c·C_r + b_r)    z = sigmoid(y·W_z + s·U_z + c·C_z + b_z)
///     p = tanh(y·W_p + (r s)·U_p + c·C_p + b_p)
///     y = softmax(y·W_o + s·U_o + c·C_o + b_o)    s = (1 - z) s + z p     y of the state before
///
/// The output is the y of all steps (batch, T, o), or, asked for, the attention a as (batch, T, T, 1). Masks
/// are not looked at; Keras's old base class of recurrent layers hands them on.
class AttentionDecoder : public AttendingLayer {
 public:
  struct Options {
    int features = 1;
    int units = 1;
    int labels = 1;
    bool probabilities = false;
    bool passesMask = false;
  };

  AttentionDecoder(const ConfigReader& config, Options options)
      : AttendingLayer(config.layer(), config.className(), false), options_(options) {}

  std::unique_ptr<Layer> forCall(CallReader& call) const override {
    call.everyTensor();
    return nullptr;
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.size() != 3 || input[2].size != options_.features) {
      refuseInput(*this,
                  "(batch, timesteps, " + std::to_string(options_.features) + "), as wide as its weights",
                  input);
    }
    if (options_.probabilities) return {input[0], {input[1].size}, input[1], {1}};
    return {input[0], {input[1].size}, {options_.labels}};
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> /*inputs*/, WeightReader& weights) override {
    const int d = options_.features;
    const int u = options_.units;
    const int o = options_.labels;
    score_ = weights.takeNext({u});
    query_ = take(weights, u, u, false);
    key_ = take(weights, d, u, true);
    for (size_t gate = 0; gate < gates_.size(); ++gate) {
      const int width = gate == kOutput ? o : u;
      const std::vector<float> context = weights.takeNext({d, width});
      gates_[gate].state = take(weights, u, width, false);
      gates_[gate].label = take(weights, o, width, false);
      gates_[gate].context = bound(context, d, width, weights.takeNext({width}));
    }
    first_ = take(weights, d, u, false);
  }

  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override {
    const View& input = inputs[0];
    const int steps = input.shape[1].size;
    const Room room(options_, steps, scratch);
    for (int b = 0; b < input.shape[0].size; ++b) {
      const Rows x = rowsOf(input, b);
      key_.apply(x.data, steps, room.keys);
      first_.apply(x.data, 1, room.state);
      activate(Activation::Tanh, units(room.state));
      std::fill_n(room.label, options_.labels, 0.0f);
      for (int t = 0; t < steps; ++t) {
        const ptrdiff_t place = static_cast<ptrdiff_t>(b) * steps + t;
        float* attention = outputs[1].data.data() + place * steps;
        step(x, room, attention);
        float* to = outputs[0].data.data();
        if (options_.probabilities) {
          std::copy_n(attention, steps, to + place * steps);
        } else {
          std::copy_n(room.label, options_.labels, to + place * options_.labels);
        }
      }
    }
    if (options_.passesMask) outputs[0].passMask(input);
  }

  std::string detail() const override {
    return std::to_string(options_.units) + " units" +
           (options_.probabilities ? ", puts out its attention" : "");
  }

 protected:
  Shape attentionShape(std::span<const Shape> inputs) const override {
    return {inputs[0][0], {inputs[0][1].size}, inputs[0][1]};
  }
  std::vector<SignalAxis> attentionAxes() const override {
    return {SignalAxis::None, SignalAxis::Query, SignalAxis::Step};
  }
  std::string why() const override {
    return "every step of the output attends to the timesteps of the input, by a softmax of "
           "V_a·tanh(s·W_a + x_t·U_a + b_a)";
  }

 private:
  /// y·W + s·U + c·C + b
  struct Gate {
    Affine context, state, label;
  };
  static constexpr size_t kReset = 0, kUpdate = 1, kProposal = 2, kOutput = 3;

  /// Working memory of a run.
  struct Room {
    float *keys, *state, *query, *label, *context, *reset, *update, *proposal, *output, *sum;

    Room(const Options& options, int steps, Scratch& scratch) {
      const ptrdiff_t u = options.units;
      const ptrdiff_t most = std::max(u, static_cast<ptrdiff_t>(options.labels));
      keys =
          scratch.room(static_cast<size_t>((steps + 5) * u + 2 * options.labels + options.features + most));
      state = keys + steps * u;
      query = state + u;
      reset = query + u;
      update = reset + u;
      proposal = update + u;
      label = proposal + u;
      output = label + options.labels;
      context = output + options.labels;
      sum = context + options.features;
    }
  };

  static Affine bound(const std::vector<float>& kernel, int in, int out, const std::vector<float>& bias) {
    return kernel.empty() ? Affine() : Affine(kernel, in, out, bias);
  }

  static Affine take(WeightReader& weights, int in, int out, bool biased) {
    const std::vector<float> kernel = weights.takeNext({in, out});
    return bound(kernel, in, out, biased ? weights.takeNext({out}) : std::vector<float>{});
  }

  std::span<float> units(float* values) const { return {values, static_cast<size_t>(options_.units)}; }

  void apply(const Gate& gate, const Room& room, const float* state, float* result) const {
    const int width = gate.context.out();
    gate.context.apply(room.context, 1, result);
    for (const auto& [affine, input] :
         {std::pair{&gate.state, state}, std::pair{&gate.label, static_cast<const float*>(room.label)}}) {
      affine->apply(input, 1, room.sum);
      std::transform(result, result + width, room.sum, result, std::plus<>());
    }
  }

  /// One step: the attention (T) is written, the state and the label become the next.
  void step(Rows x, const Room& room, float* attention) const {
    query_.apply(room.state, 1, room.query);
    const int u = options_.units;
    additiveScores({room.query, 1, u, u}, {room.keys, x.count, u, u}, score_.data(), attention);
    softmaxRows(attention, 1, x.count);
    attend(attention, x, room.context);

    apply(gates_[kReset], room, room.state, room.reset);
    activate(Activation::Sigmoid, units(room.reset));
    apply(gates_[kUpdate], room, room.state, room.update);
    activate(Activation::Sigmoid, units(room.update));
    std::transform(room.reset, room.reset + u, room.state, room.reset, std::multiplies<>());
    apply(gates_[kProposal], room, room.reset, room.proposal);
    activate(Activation::Tanh, units(room.proposal));
    apply(gates_[kOutput], room, room.state, room.output);
    activate(Activation::Softmax, {room.output, static_cast<size_t>(options_.labels)});

    for (int i = 0; i < u; ++i)
      room.state[i] = (1.0f - room.update[i]) * room.state[i] + room.update[i] * room.proposal[i];
    std::copy_n(room.output, options_.labels, room.label);
  }

  Options options_;
  std::vector<float> score_;  ///< V_a (u)
  Affine query_;              ///< s·W_a
  Affine key_;                ///< x·U_a + b_a
  std::array<Gate, 4> gates_;
  Affine first_;  ///< x_1·W_s
};

std::unique_ptr<Layer> makeDecoder(CustomLayer& layer, const Sizes& sizes) {
  AttentionDecoder::Options options;
  options.features = sizes.at('d');
  options.units = sizes.at('u');
  options.labels = sizes.at('o');
  options.probabilities = layer.config.boolean("return_probabilities", false);
  options.passesMask = !layer.config.dialect().tensorflow && layer.config.dialect().major < 3;
  layer.config.require("go_backwards", false);
  layer.config.require("return_state", false);
  // Its steps are always all put out, and every run here is a first call.
  for (const char* key : {"return_sequences", "stateful", "input_dim"}) layer.config.ignore(key);
  return std::make_unique<AttentionDecoder>(layer.config, options);
}

}  // namespace

void addDecoderForms(const CustomLayer& layer, std::vector<Form>& forms) {
  if (layer.inputs != 1 || layer.tensorsRead > 1) return;
  // V_a, W_a, U_a, b_a; then C, U, W, b of the gates r, z, p, o; then W_s. u: units, d: the input's features,
  // o: labels.
  const std::optional<Sizes> sizes =
      layer.fit({"u", "uu", "du", "u",  "du", "uu", "ou", "u",  "du", "uu", "ou",
                 "u", "du", "uu", "ou", "u",  "do", "uo", "oo", "o",  "du"});
  if (!sizes) return;
  forms.push_back({"attention-decoder",
                   "AttentionDecoder, which attends to its input at every step of its output", 0, true,
                   [sizes](CustomLayer& custom) { return makeDecoder(custom, *sizes); }});
}

}  // namespace charglow
