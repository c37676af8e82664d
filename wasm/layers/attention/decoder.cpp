// AttentionDecoder, the custom recurrent layer that became known by translating dates.

#include <algorithm>
#include <cmath>
#include <utility>

#include "keras/call_reader.h"
#include "keras/weight_reader.h"
#include "kernels/activation_gradients.h"
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
    const Room room(options_, steps, scratch.room(Room::size(options_, steps)));
    for (int b = 0; b < input.shape[0].size; ++b) {
      const Rows x = rowsOf(input, b);
      start(x, room);
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

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const int steps = input.shape[1].size;
    const auto count = static_cast<size_t>(steps);
    const size_t ofRoom = Room::size(options_, steps);
    const size_t ofGradients = Gradients::size(options_, steps);
    float* memory = scratch.room(ofRoom + ofGradients + count * Step::size(options_));
    const Room room(options_, steps, memory);
    const Gradients gradients(options_, steps, memory + ofRoom);
    const auto stepAt = [&](int t) {
      return Step(options_, memory + ofRoom + ofGradients + static_cast<size_t>(t) * Step::size(options_));
    };
    for (int b = 0; b < input.shape[0].size; ++b) {
      const Rows x = rowsOf(input, b);
      const GradientRows below = gradientRowsOf(call, 0, b);
      start(x, room);
      for (int t = 0; t < steps; ++t) {
        const Step kept = stepAt(t);
        std::copy_n(room.state, options_.units, kept.state);
        step(x, room, gradients.attention);
        std::copy_n(room.reset, options_.units, kept.reset);
        std::copy_n(room.update, options_.units, kept.update);
        std::copy_n(room.proposal, options_.units, kept.proposal);
        std::copy_n(room.output, options_.labels, kept.output);
      }

      std::fill_n(gradients.keys, count * static_cast<size_t>(options_.units), 0.0f);
      std::fill_n(gradients.state, options_.units, 0.0f);
      std::fill_n(gradients.label, options_.labels, 0.0f);
      const auto ofStep = [&](size_t tensor, int t) {
        const std::span<const float> all = gradientOf(call.outputGradients[tensor], b, input.shape);
        const size_t size = all.size() / count;
        return all.subspan(static_cast<size_t>(t) * size, size);
      };
      for (int t = steps; t-- > 0;) {
        const std::span<const float> attention =
            call.outputs[1].data.subspan(static_cast<size_t>(b * steps + t) * count, count);
        startGradient(ofStep(1, t), {gradients.attention, count});
        if (options_.probabilities) addGradient(ofStep(0, t), {gradients.attention, count});
        if (!options_.probabilities)
          addGradient(ofStep(0, t), {gradients.label, static_cast<size_t>(options_.labels)});
        stepBackward(x, room, stepAt(t), attention, gradients, below);
      }
      key_.addTransposed(gradients.keys, steps, below.data);
      activateBackward(Activation::Tanh, {}, units(stepAt(0).state), units(gradients.state));
      first_.addTransposed(gradients.state, 1, below.data);
    }
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
    float *keys, *state, *query, *reset, *gated, *update, *proposal, *label, *output, *context, *sum;

    static size_t size(const Options& options, int steps) {
      const int most = std::max(options.units, options.labels);
      return static_cast<size_t>((steps + 6) * options.units + 2 * options.labels + options.features + most);
    }

    Room(const Options& options, int steps, float* from) {
      const auto next = [&](int count) { return std::exchange(from, from + count); };
      keys = next(steps * options.units);
      for (float** each : {&state, &query, &reset, &gated, &update, &proposal}) *each = next(options.units);
      for (float** each : {&label, &output}) *each = next(options.labels);
      context = next(options.features);
      sum = from;
    }
  };

  /// What a backward pass keeps of a step: the state before it, and what it computed.
  struct Step {
    float *state, *reset, *update, *proposal, *output;

    static size_t size(const Options& options) {
      return static_cast<size_t>(4 * options.units + options.labels);
    }

    Step(const Options& options, float* from) {
      const auto next = [&](int count) { return std::exchange(from, from + count); };
      for (float** each : {&state, &reset, &update, &proposal}) *each = next(options.units);
      output = from;
    }
  };

  /// The gradients that a backward pass works with; `keys`, `state` and `label` go on from step to step.
  struct Gradients {
    float *keys, *state, *label, *before, *gate, *gated, *query, *context, *attention;

    static size_t size(const Options& options, int steps) {
      const int most = std::max(options.units, options.labels);
      return static_cast<size_t>((steps + 4) * options.units + options.labels + most + options.features +
                                 steps);
    }

    Gradients(const Options& options, int steps, float* from) {
      const auto next = [&](int count) { return std::exchange(from, from + count); };
      keys = next(steps * options.units);
      for (float** each : {&state, &before, &gated, &query}) *each = next(options.units);
      label = next(options.labels);
      gate = next(std::max(options.units, options.labels));
      context = next(options.features);
      attention = from;
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

  /// What comes before the first step.
  void start(Rows x, const Room& room) const {
    key_.apply(x.data, x.count, room.keys);
    first_.apply(x.data, 1, room.state);
    activate(Activation::Tanh, units(room.state));
    std::fill_n(room.label, options_.labels, 0.0f);
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
    std::transform(room.reset, room.reset + u, room.state, room.gated, std::multiplies<>());
    apply(gates_[kProposal], room, room.gated, room.proposal);
    activate(Activation::Tanh, units(room.proposal));
    apply(gates_[kOutput], room, room.state, room.output);
    activate(Activation::Softmax, {room.output, static_cast<size_t>(options_.labels)});

    for (int i = 0; i < u; ++i)
      room.state[i] = (1.0f - room.update[i]) * room.state[i] + room.update[i] * room.proposal[i];
    std::copy_n(room.output, options_.labels, room.label);
  }

  /// From the gradient before a gate's activation to the label, the context and, at `state`, to what it
  /// multiplied U with.
  static void gateBackward(const Gate& gate, const Gradients& to, float* state) {
    gate.state.addTransposed(to.gate, 1, state);
    gate.label.addTransposed(to.gate, 1, to.label);
    gate.context.addTransposed(to.gate, 1, to.context);
  }

  /// One step back: from the gradients of the state, the label and the attention that it gave to those of the
  /// state and the label before it. `weights`: the attention (T).
  void stepBackward(Rows x, const Room& room, const Step& step, std::span<const float> weights,
                    const Gradients& to, GradientRows below) const {
    const int u = options_.units;
    const auto gate = [&](Activation activation, const float* value, auto&& gradient) {
      for (int i = 0; i < u; ++i) to.gate[i] = gradient(i);
      activateBackward(activation, {}, {value, static_cast<size_t>(u)}, units(to.gate));
    };
    std::fill_n(to.context, options_.features, 0.0f);
    const std::span<float> label(to.gate, static_cast<size_t>(options_.labels));
    std::copy_n(to.label, options_.labels, label.data());
    softmaxBackward(step.output, label.data(), options_.labels, 1);
    std::fill_n(to.label, options_.labels, 0.0f);
    std::swap_ranges(to.state, to.state + u, to.before);  // `before` has that of the state after the step
    for (int i = 0; i < u; ++i) to.state[i] = (1.0f - step.update[i]) * to.before[i];
    gateBackward(gates_[kOutput], to, to.state);

    std::fill_n(to.gated, u, 0.0f);
    gate(Activation::Tanh, step.proposal, [&](int i) { return to.before[i] * step.update[i]; });
    gateBackward(gates_[kProposal], to, to.gated);
    for (int i = 0; i < u; ++i) to.state[i] += to.gated[i] * step.reset[i];
    gate(Activation::Sigmoid, step.reset, [&](int i) { return to.gated[i] * step.state[i]; });
    gateBackward(gates_[kReset], to, to.state);
    gate(Activation::Sigmoid, step.update,
         [&](int i) { return to.before[i] * (step.proposal[i] - step.state[i]); });
    gateBackward(gates_[kUpdate], to, to.state);

    attendBackward(weights.data(), x, {to.context, 1, x.features, x.features}, to.attention, below);
    softmaxRowsBackward(weights.data(), to.attention, 1, x.count);
    query_.apply(step.state, 1, room.query);
    std::fill_n(to.query, u, 0.0f);
    additiveScoresBackward(to.attention, {room.query, 1, u, u}, {room.keys, x.count, u, u}, score_.data(),
                           {to.query, u}, {to.keys, u});
    query_.addTransposed(to.query, 1, to.state);
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
