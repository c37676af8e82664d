#include "layers/recurrent/recurrent.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "graph.h"
#include "keras/call_reader.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// The same axis, run along the other way.
Dim reversed(Dim dim) {
  if (dim.along == Along::Time) {
    dim.along = Along::ReversedTime;
  } else if (dim.along == Along::ReversedTime) {
    dim.along = Along::Time;
  }
  return dim;
}

}  // namespace

/// Keras 2 lists a recurrent layer's initial states with its inputs; Keras 3 hands them over by name, behind
/// the sequence.
std::unique_ptr<Layer> Recurrent::forCall(CallReader& call) const {
  call.inputs();
  call.tensors("initial_state", 1);
  return nullptr;
}

Shape Recurrent::outputShape(std::span<const Shape> inputs) const {
  const Shape& input = inputs[0];
  if (input.size() != 3 || !input[2].known()) refuseInput(*this, "(batch, timesteps, features)", input);
  const std::vector<int> sizes = cell_->stateSizes();
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i].size() != 2 || inputs[i][1].size != sizes[i - 1]) {
      refuseInput(*this,
                  "(batch, " + std::to_string(sizes[i - 1]) + ") as initial state " + std::to_string(i),
                  inputs[i]);
    }
  }
  Shape shape = {input[0]};
  if (options_.returnSequences) shape.push_back(options_.goBackwards ? reversed(input[1]) : input[1]);
  shape.push_back({cell_->units()});
  return shape;
}

std::vector<Shape> Recurrent::outputShapes(std::span<const Shape> inputs) const {
  std::vector<Shape> shapes = {outputShape(inputs)};
  if (!options_.returnState) return shapes;
  for (const int size : cell_->stateSizes()) shapes.push_back({inputs[0][0], {size}});
  return shapes;
}

void Recurrent::build(std::span<const Shape> inputs, WeightReader& weights) {
  features_ = inputs[0][2].size;
  cell_->build(features_, weights);
}

void Recurrent::forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                           Scratch& scratch) const {
  run(inputs, outputs, scratch, {});
}

void Recurrent::forwardCarrying(std::span<const View> inputs, std::span<const Output> outputs,
                                std::span<float> carried, Scratch& scratch) const {
  run(inputs, outputs, scratch, {.from = carried, .to = carried});
}

size_t Recurrent::stateSize() const {
  const std::vector<int> sizes = cell_->stateSizes();
  return static_cast<size_t>(std::accumulate(sizes.begin(), sizes.end(), 0));
}

/// Which steps of a row of the batch are computed and not masked, in the order in which they are computed.
std::vector<uint8_t> Recurrent::keptSteps(const View& input, size_t row) const {
  const size_t steps = static_cast<size_t>(input.shape[1].size);
  const size_t flags = input.mask.size() / (static_cast<size_t>(input.shape[0].size) * steps);
  std::vector<uint8_t> kept(steps, 1);
  for (size_t s = 0; flags > 0 && s < steps; ++s) {
    const auto mask = input.mask.subspan((row * steps + stepAt(s, steps)) * flags, flags);
    kept[s] = std::any_of(mask.begin(), mask.end(), [](uint8_t flag) { return flag != 0; }) ? 1 : 0;
  }
  return kept;
}

void Recurrent::run(std::span<const View> inputs, std::span<const Output> outputs, Scratch& scratch,
                    const Extras& extras) const {
  const View& input = inputs[0];
  const size_t batch = static_cast<size_t>(input.shape[0].size);
  const size_t steps = static_cast<size_t>(input.shape[1].size);
  const size_t features = static_cast<size_t>(input.shape[2].size);
  const size_t units = static_cast<size_t>(cell_->units());
  const size_t projectedSize = static_cast<size_t>(cell_->projectedSize());
  const std::vector<int> sizes = cell_->stateSizes();
  const size_t stateSize = this->stateSize();
  const size_t gateSize = static_cast<size_t>(cell_->gateSize());
  const size_t remembered = stateSize + units;

  // A text by itself, from zeros: what is typed next will share most of its steps.
  const bool remembers = batch == 1 && inputs.size() == 1 && extras.from.empty() && extras.record.empty() &&
                         steps * (features + remembered) <= StepMemory::kMost;
  StepMemory* memory = remembers ? &scratch.memories[this] : nullptr;

  // projected (projectedSize): x K + b of a step; states, one after the other; output of a step (units); both
  // again for what is recorded at a masked step; what a step needs; the input in the order of computation
  float* projected = scratch.room(projectedSize + 2 * remembered + static_cast<size_t>(cell_->scratchSize()) +
                                  (options_.goBackwards ? steps * features : 0));
  float* states = projected + projectedSize;
  float* last = states + stateSize;
  float* unused = last + units;
  float* work = unused + stateSize + units;
  float* turned = work + cell_->scratchSize();

  float* to = outputs.empty() ? nullptr : outputs[0].data.data();
  for (size_t b = 0; b < batch; ++b) {
    const float* rows = input.data.data() + b * steps * features;
    if (options_.goBackwards) {
      for (size_t s = 0; s < steps; ++s)
        std::copy_n(rows + (steps - 1 - s) * features, features, turned + s * features);
      rows = turned;
    }
    const std::vector<uint8_t> kept = keptSteps(input, b);
    std::fill(states, last + units, 0.0f);
    if (!extras.from.empty()) std::copy_n(extras.from.data() + b * stateSize, stateSize, states);
    float* state = states;
    for (size_t i = 1; i < inputs.size(); ++i) {
      const size_t size = static_cast<size_t>(sizes[i - 1]);
      state = std::copy_n(inputs[i].data.data() + b * size, size, state);
    }
    const size_t known =
        memory == nullptr ? 0 : memory->begin({rows, steps * features}, kept, features, remembered);
    for (size_t s = 0; s < steps; ++s) {
      const float* row = rows + s * features;
      float* gates = extras.record.empty()
                         ? nullptr
                         : extras.record.data() + (b * steps + stepAt(s, steps)) * (gateSize + stateSize);
      if (s < known) {
        std::copy_n(memory->after(s).data(), remembered, states);
      } else if (kept[s] != 0) {
        project(row, projected, memory);
        cell_->step(projected, states, last, work, gates);
      } else {
        if (options_.zeroOutputForMask) std::fill_n(last, units, 0.0f);
        if (gates != nullptr) {
          project(row, projected, memory);
          std::copy_n(states, stateSize, unused);
          cell_->step(projected, unused, unused + stateSize, work, gates);
        }
      }
      if (memory != nullptr && s >= known) std::copy_n(states, remembered, memory->after(s).data());
      if (gates != nullptr) std::copy_n(states, stateSize, gates + gateSize);
      if (options_.returnSequences && to != nullptr) to = std::copy_n(last, units, to);
    }
    if (memory != nullptr) memory->end();
    if (!options_.returnSequences && to != nullptr) to = std::copy_n(last, units, to);
    if (!extras.to.empty()) std::copy_n(states, stateSize, extras.to.data() + b * stateSize);
    state = states;
    for (size_t i = 1; i < outputs.size(); ++i) {
      const size_t size = static_cast<size_t>(sizes[i - 1]);
      std::copy_n(state, size, outputs[i].data.data() + b * size);
      state += size;
    }
  }
  // As it is, also where go_backwards reverses the output: that is what compute_mask says.
  if (options_.returnSequences && !outputs.empty()) outputs[0].passMask(input);
}

/// x K + b of one step. Always of one: a product of many rows at once may round differently.
void Recurrent::project(const float* row, float* projected, StepMemory* memory) const {
  const auto compute = [&](const float* x, float* to) { cell_->project(x, 1, to); };
  if (memory == nullptr) return compute(row, projected);
  memory->product(row, static_cast<size_t>(features_), static_cast<size_t>(cell_->projectedSize()), projected,
                  compute);
}

std::vector<StepSignal> Recurrent::stepSignals() const {
  std::vector<StepSignal> signals;
  for (CellSignal& signal : cell_->signals())
    signals.push_back({std::move(signal.name), signal.gate, signal.units, std::move(signal.why)});
  return signals;
}

std::vector<Value> Recurrent::recordSteps(std::span<const View> inputs, std::span<const float> carried,
                                          Scratch& scratch) const {
  const Shape& input = inputs[0].shape;
  const int size = cell_->gateSize() + static_cast<int>(stateSize());
  std::vector<float> record(static_cast<size_t>(checkSize(*this, {input[0], input[1], {size}})));
  run(inputs, {}, scratch, {.from = carried, .record = record});
  std::vector<Value> values;
  for (const CellSignal& signal : cell_->signals()) {
    Value& value = values.emplace_back();
    value.reshape({input[0], input[1], {signal.units}});
    auto to = value.data.begin();
    for (auto row = record.begin(); row != record.end(); row += size)
      to = std::copy_n(row + signal.at, signal.units, to);
  }
  return values;
}

std::string Recurrent::detail() const {
  std::string text = cell_->detail();
  if (!options_.returnSequences) text += ", last step only";
  if (options_.returnState) text += ", with states";
  if (options_.goBackwards) text += ", go_backwards";
  if (options_.stateful) text += ", stateful";
  return text;
}

std::unique_ptr<Recurrent> makeRecurrent(ConfigReader& config) {
  std::unique_ptr<Cell> cell =
      config.className() == "RNN" ? makeCellOf(config.raw("cell"), config, "cell") : makeCell(config);
  Recurrent::Options options;
  options.returnSequences = config.boolean("return_sequences", false);
  options.returnState = config.boolean("return_state", false);
  options.goBackwards = config.boolean("go_backwards", false);
  options.zeroOutputForMask = config.boolean("zero_output_for_mask", false);
  options.stateful = config.boolean("stateful", false);
  config.ignore("use_cudnn");  // Keras 3: which kernel computes the same numbers
  config.ignore("cudnn_impl");
  config.ignore("input_dim");  // Keras 2.0 and 2.1: the input's width, as a wish
  config.require("num_constants", nullptr);
  if (cell == nullptr) return nullptr;
  return std::make_unique<Recurrent>(config, std::move(cell), options);
}

std::unique_ptr<Layer> makeRecurrentLayer(ConfigReader& config) { return makeRecurrent(config); }

}  // namespace charglow
