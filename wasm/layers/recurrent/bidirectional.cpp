#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <utility>

#include "bundle/strict_json.h"
#include "keras/call_reader.h"
#include "layers/layers.h"
#include "layers/recurrent/recurrent.h"

namespace charglow {
namespace {

enum class Merge { Concat, Sum, Mul, Ave, None };

/// A recurrent layer run over the sequence both ways. keras/layers/rnn/bidirectional.py (2.15).
///
/// Outputs: the two directions merged (or, with merge_mode None, each by itself); with return_state the
/// states of the forward direction, then those of the backward one. Sequences of the backward direction are
/// turned round again.
class Bidirectional : public Layer {
 public:
  Bidirectional(const ConfigReader& config, std::unique_ptr<Recurrent> forward,
                std::unique_ptr<Recurrent> backward, Merge merge)
      : Layer(config.layer(), config.className()),
        forward_(std::move(forward)),
        backward_(std::move(backward)),
        merge_(merge) {}

  std::unique_ptr<Layer> forCall(CallReader& call) const override {
    call.inputs();
    call.tensors("initial_state", 1);
    return nullptr;
  }
  bool takesInputs(size_t count) const override { return count == 1 || count == 1 + states(); }
  size_t outputCount() const override {
    return (merge_ == Merge::None ? 2 : 1) + (forward_->options().returnState ? states() : 0);
  }

  Shape outputShape(std::span<const Shape> inputs) const override { return outputShapes(inputs)[0]; }

  std::vector<Shape> outputShapes(std::span<const Shape> inputs) const override {
    const auto [ahead, back] = directions(inputs);
    std::vector<Shape> forward = forward_->outputShapes(ahead);
    std::vector<Shape> backward = backward_->outputShapes(back);
    Shape first = forward[0];
    Shape second = backward[0];
    if (first.size() == 3) second[1] = first[1];
    if (merge_ == Merge::Concat) {
      first.back().size += second.back().size;
    } else if (merge_ != Merge::None && first.back().size != second.back().size) {
      refuseInput(*this, "whose directions have equal units", second);
    }
    std::vector<Shape> shapes = {first};
    if (merge_ == Merge::None) shapes.push_back(second);
    shapes.insert(shapes.end(), forward.begin() + 1, forward.end());
    shapes.insert(shapes.end(), backward.begin() + 1, backward.end());
    return shapes;
  }

  bool hasWeights() const override { return true; }
  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    forward_->build(inputs, weights);
    backward_->build(inputs, weights);
  }

  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override {
    forwardCarrying(inputs, outputs, {}, scratch);
  }

  size_t carriedSize() const override { return forward_->carriedSize() + backward_->carriedSize(); }

  /// `carried`: all rows of the forward direction, then all of the backward one; may be empty.
  void forwardCarrying(std::span<const View> inputs, std::span<const Output> outputs,
                       std::span<float> carried, Scratch& scratch) const override {
    const size_t half = forwardPart(carried.size());
    auto& [ahead, back] = scratch.kept<std::array<Direction, 2>>(this);
    run(*forward_, inputs, 0, carried.first(half), ahead.values, scratch);
    run(*backward_, inputs, forward_->stateCount(), carried.subspan(half), back.values, scratch);
    if (forward_->options().returnSequences) turnRound(back.values[0].data, back.values[0].shape);
    mergeInto(outputs, ahead.values[0], back.values[0]);
    if (forward_->options().returnSequences) {
      outputs[0].passMask(inputs[0]);
      if (merge_ == Merge::None) outputs[1].passMask(inputs[0]);
    }
    size_t next = merge_ == Merge::None ? 2 : 1;
    for (const std::vector<Value>* direction : {&std::as_const(ahead.values), &std::as_const(back.values)}) {
      for (size_t i = 1; i < direction->size(); ++i, ++next) {
        std::copy((*direction)[i].data.begin(), (*direction)[i].data.end(), outputs[next].data.begin());
      }
    }
  }

  /// What the directions gave in the run is still there.
  void backward(const Backward& call, Scratch& scratch) const override {
    auto& [ahead, back] = scratch.kept<std::array<Direction, 2>>(this);
    splitGradient(call.outputGradients, ahead, back);
    if (forward_->options().returnSequences && !back.gradient.empty())
      turnRound(back.gradient, back.values[0].shape);
    const size_t half = forwardPart(call.carried.size());
    backwardOne(*forward_, call, 0, call.carried.first(half), ahead, scratch);
    backwardOne(*backward_, call, forward_->stateCount(), call.carried.subspan(half), back, scratch);
  }

  std::vector<StepSignal> stepSignals() const override {
    std::vector<StepSignal> signals;
    for (const auto& [direction, layer] :
         {std::pair("forward/", forward_.get()), std::pair("backward/", backward_.get())}) {
      for (StepSignal& signal : layer->stepSignals()) {
        signal.name = direction + signal.name;
        signals.push_back(std::move(signal));
      }
    }
    return signals;
  }

  std::vector<Value> recordSteps(std::span<const View> inputs, std::span<const float> carried,
                                 Scratch& scratch) const override {
    const size_t half = forwardPart(carried.size());
    std::vector<Value> values =
        forward_->recordSteps(inputsOf(*forward_, inputs, 0), carried.first(half), scratch);
    std::vector<Value> back = backward_->recordSteps(inputsOf(*backward_, inputs, forward_->stateCount()),
                                                     carried.subspan(half), scratch);
    values.insert(values.end(), std::make_move_iterator(back.begin()), std::make_move_iterator(back.end()));
    return values;
  }

  std::string detail() const override {
    constexpr std::array<const char*, 5> kNames = {"concat", "sum", "mul", "ave", "both"};
    return forward_->className() + ": " + forward_->detail() + ", " + kNames[static_cast<size_t>(merge_)];
  }

 private:
  /// What one direction gave in the last run, in the order of the text, and in a way back d(loss)/d(its
  /// output).
  struct Direction {
    std::vector<Value> values;
    std::vector<float> gradient;
  };

  size_t states() const { return forward_->stateCount() + backward_->stateCount(); }

  /// The inputs of the two directions: the sequence for both, initial states halved.
  template <class T>
  std::pair<std::vector<T>, std::vector<T>> directions(std::span<const T> inputs) const {
    std::vector<T> ahead = {inputs[0]};
    std::vector<T> back = {inputs[0]};
    for (size_t i = 1; i < inputs.size(); ++i)
      (i <= forward_->stateCount() ? ahead : back).push_back(inputs[i]);
    return {std::move(ahead), std::move(back)};
  }

  /// How much of what is carried is the forward direction's.
  size_t forwardPart(size_t carried) const {
    return carried == 0 ? 0 : carried / carriedSize() * forward_->carriedSize();
  }

  /// The sequence and the initial states of one direction. `skip`: how many of those are the other's.
  static std::vector<View> inputsOf(const Recurrent& layer, std::span<const View> inputs, size_t skip) {
    std::vector<View> own = {inputs[0]};
    for (size_t i = 0; inputs.size() > 1 && i < layer.stateCount(); ++i) own.push_back(inputs[1 + skip + i]);
    return own;
  }

  /// One direction by itself.
  static void run(const Recurrent& layer, std::span<const View> inputs, size_t skip, std::span<float> carried,
                  std::vector<Value>& values, Scratch& scratch) {
    const std::vector<View> own = inputsOf(layer, inputs, skip);
    std::vector<Shape> shapes;
    for (const View& input : own) shapes.push_back(input.shape);
    shapes = layer.outputShapes(shapes);
    values.resize(shapes.size());
    std::vector<Output> outputs;
    for (size_t i = 0; i < shapes.size(); ++i) {
      values[i].reshape(shapes[i]);
      values[i].mask.clear();
      outputs.push_back({values[i].shape, values[i].data, values[i].mask});
    }
    if (carried.empty()) {
      layer.forwardAll(own, outputs, scratch);
    } else {
      layer.forwardCarrying(own, outputs, carried, scratch);
    }
  }

  /// One direction's way back. `skip`: how many of the states are the other's.
  void backwardOne(const Recurrent& layer, const Backward& call, size_t skip, std::span<const float> carried,
                   const Direction& direction, Scratch& scratch) const {
    const std::vector<View> inputs = inputsOf(layer, call.inputs, skip);
    std::vector<std::span<float>> below = {call.inputGradients[0]};
    for (size_t i = 1; i < inputs.size(); ++i) below.push_back(call.inputGradients[skip + i]);
    std::vector<View> outputs;
    for (const Value& value : direction.values) outputs.push_back({value.shape, value.data, value.mask});
    std::vector<std::span<const float>> above = {direction.gradient};
    const size_t states = (merge_ == Merge::None ? 2 : 1) + skip;
    for (size_t i = 1; i < outputs.size(); ++i) above.push_back(call.outputGradients[states + i - 1]);
    layer.backward({inputs, outputs, above, below, carried}, scratch);
  }

  /// (batch, timesteps, units), last timestep first → in order.
  static void turnRound(std::vector<float>& sequence, const Shape& shape) {
    const ptrdiff_t steps = shape[1].size;
    const ptrdiff_t units = shape[2].size;
    for (auto row = sequence.begin(); row != sequence.end(); row += steps * units) {
      for (ptrdiff_t t = 0; t < steps / 2; ++t) {
        std::swap_ranges(row + t * units, row + (t + 1) * units, row + (steps - 1 - t) * units);
      }
    }
  }

  void mergeInto(std::span<const Output> outputs, const Value& ahead, const Value& back) const {
    const std::span<float> to = outputs[0].data;
    if (merge_ == Merge::None) {
      std::copy(ahead.data.begin(), ahead.data.end(), to.begin());
      std::copy(back.data.begin(), back.data.end(), outputs[1].data.begin());
      return;
    }
    if (merge_ == Merge::Concat) {
      const ptrdiff_t first = ahead.shape.back().size;
      const ptrdiff_t second = back.shape.back().size;
      auto next = to.begin();
      auto other = back.data.begin();
      for (auto row = ahead.data.begin(); row != ahead.data.end(); row += first, other += second) {
        next = std::copy(row, row + first, next);
        next = std::copy(other, other + second, next);
      }
      return;
    }
    for (size_t i = 0; i < to.size(); ++i) {
      const float x = ahead.data[i];
      const float y = back.data[i];
      to[i] = merge_ == Merge::Mul ? x * y : merge_ == Merge::Sum ? x + y : (x + y) / 2;
    }
  }

  /// The other way: d(loss)/d(each direction's output); empty where the loss does not depend on it.
  void splitGradient(std::span<const std::span<const float>> merged, Direction& ahead,
                     Direction& back) const {
    const std::span<const float> gradient = merged[0];
    const std::span<const float> other = merged[merge_ == Merge::None ? 1 : 0];
    ahead.gradient.assign(gradient.empty() ? 0 : ahead.values[0].data.size(), 0.0f);
    back.gradient.assign(other.empty() ? 0 : back.values[0].data.size(), 0.0f);
    if (merge_ == Merge::None) {
      addGradient(gradient, ahead.gradient);
      addGradient(other, back.gradient);
      return;
    }
    if (merge_ == Merge::Concat) {
      const ptrdiff_t first = ahead.values[0].shape.back().size;
      const ptrdiff_t second = back.values[0].shape.back().size;
      auto next = ahead.gradient.begin();
      auto beside = back.gradient.begin();
      for (auto row = gradient.begin(); row != gradient.end(); row += first + second) {
        next = std::copy(row, row + first, next);
        beside = std::copy(row + first, row + first + second, beside);
      }
      return;
    }
    for (size_t i = 0; i < gradient.size(); ++i) {
      const bool product = merge_ == Merge::Mul;
      const float part = merge_ == Merge::Ave ? gradient[i] / 2 : gradient[i];
      ahead.gradient[i] = product ? part * back.values[0].data[i] : part;
      back.gradient[i] = product ? part * ahead.values[0].data[i] : part;
    }
  }

  std::unique_ptr<Recurrent> forward_;
  std::unique_ptr<Recurrent> backward_;
  Merge merge_;
};

/// The wrapped layer of one direction; `turned` flips its go_backwards.
std::unique_ptr<Recurrent> readDirection(const nlohmann::json& entry, ConfigReader& outer, const char* option,
                                         bool turned) {
  if (!entry.is_object() || !entry.contains("class_name") || !entry["class_name"].is_string() ||
      !entry.contains("config") || !entry["config"].is_object()) {
    outer.refuse(option, "a recurrent layer's class_name and config", describeJson(entry));
    return nullptr;
  }
  nlohmann::json own = entry["config"];
  // One that is no boolean was refused with the forward direction.
  if (turned) own["go_backwards"] = !(own.contains("go_backwards") && own["go_backwards"] == true);
  ConfigReader config(own, outer.layer(), entry["class_name"].get<std::string>(), outer.dialect(),
                      outer.problems());
  std::unique_ptr<Recurrent> layer = makeRecurrent(config);
  if (layer == nullptr) {
    outer.refuse(option, "a recurrent layer the engine runs", config.className());
    return nullptr;
  }
  config.finish();
  // tf.keras and Keras 3 force this on sequences (force_zero_output_for_mask); multi-backend Keras holds the
  // output.
  const bool zero = outer.dialect().tensorflow || outer.dialect().major >= 3;
  layer->setZeroOutputForMask(zero && layer->options().returnSequences);
  return layer;
}

Merge readMerge(ConfigReader& config) {
  const nlohmann::json& mode = config.raw("merge_mode");
  if (config.has("merge_mode") && mode.is_null()) return Merge::None;
  const std::string name = mode.is_string()           ? mode.get<std::string>()
                           : config.has("merge_mode") ? mode.dump()
                                                      : "concat";
  if (name == "concat") return Merge::Concat;
  if (name == "sum") return Merge::Sum;
  if (name == "mul") return Merge::Mul;
  if (name == "ave") return Merge::Ave;
  config.refuse("merge_mode", "concat, sum, mul, ave or null", name);
  return Merge::Concat;
}

}  // namespace

std::unique_ptr<Layer> makeBidirectional(ConfigReader& config) {
  const Merge merge = readMerge(config);
  const nlohmann::json& layer = config.raw("layer");
  const bool own = config.has("backward_layer") && !config.raw("backward_layer").is_null();
  std::unique_ptr<Recurrent> forward = readDirection(layer, config, "layer", false);
  if (forward == nullptr) return nullptr;
  std::unique_ptr<Recurrent> backward =
      own ? readDirection(config.raw("backward_layer"), config, "backward_layer", false)
          : readDirection(layer, config, "layer", true);
  if (backward == nullptr) return nullptr;
  if (forward->options().goBackwards == backward->options().goBackwards ||
      forward->options().returnSequences != backward->options().returnSequences ||
      forward->options().returnState != backward->options().returnState) {
    config.refuse("layer", "a forward and a backward direction of the same kind", "others");
    return nullptr;
  }
  config.require("num_constants", nullptr);
  return std::make_unique<Bidirectional>(config, std::move(forward), std::move(backward), merge);
}

}  // namespace charglow
