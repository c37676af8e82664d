#include "layers/recurrent/recurrent.h"

#include <algorithm>
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

/// Which steps are computed and not masked, (batch, steps) in the order in which they are computed.
void Recurrent::findKept(const View& input, std::vector<uint8_t>& kept) const {
  const size_t batch = static_cast<size_t>(input.shape[0].size);
  const size_t steps = static_cast<size_t>(input.shape[1].size);
  const size_t flags = input.mask.size() / (batch * steps);
  kept.assign(batch * steps, 1);
  if (flags == 0) return;
  for (size_t b = 0; b < batch; ++b) {
    for (size_t s = 0; s < steps; ++s) {
      const auto mask = input.mask.subspan((b * steps + stepAt(s, steps)) * flags, flags);
      kept[b * steps + s] = std::any_of(mask.begin(), mask.end(), [](uint8_t flag) { return flag != 0; });
    }
  }
}

/// The input of a batch of 1 in the order in which its steps are computed.
std::span<const float> Recurrent::inOrder(const View& input, Room& room) const {
  if (!options_.goBackwards) return input.data;
  const size_t steps = static_cast<size_t>(input.shape[1].size);
  const size_t features = static_cast<size_t>(input.shape[2].size);
  room.turned.resize(steps * features);
  for (size_t s = 0; s < steps; ++s)
    std::copy_n(input.data.data() + stepAt(s, steps) * features, features, room.turned.data() + s * features);
  return room.turned;
}

/// All rows of the batch go through a step together: what is read of the recurrent kernel serves all of them.
void Recurrent::run(std::span<const View> inputs, std::span<const Output> outputs, Scratch& scratch,
                    const Extras& extras) const {
  const View& input = inputs[0];
  const size_t batch = static_cast<size_t>(input.shape[0].size);
  const size_t steps = static_cast<size_t>(input.shape[1].size);
  const size_t features = static_cast<size_t>(input.shape[2].size);
  const bool fromZero = inputs.size() == 1 && extras.from.empty();

  Room& room = scratch.kept<Room>(this);
  room.fit(*cell_, batch);
  findKept(input, room.kept);
  startStates(inputs, extras, batch, room);
  room.shared.begin(batch, fromZero);

  // A text by itself, from zeros: what is typed next will share most of its steps.
  const bool remembers =
      batch == 1 && fromZero && extras.record.empty() && steps * (features + room.width) <= StepMemory::kMost;
  std::span<float> record = extras.record;
  bool tracing = false;
  if (record.empty()) {
    const size_t recorded = batch * steps * (room.traceSize + room.stateSize);
    const bool keeps = std::exchange(room.asked, false) && recorded <= StepMemory::kMost;
    tracing = keeps && remembers;
    room.recorded = keeps && !remembers;
    if (room.recorded) room.back.record.resize(recorded);
    if (room.recorded) record = room.back.record;
  }
  size_t known = 0;
  if (remembers) {
    known = room.memory.begin(inOrder(input, room), room.kept, features, room.width);
    if (tracing) room.memory.makeRoomForTraces(room.traceSize);
  }

  size_t met = 0;  // steps of a text by itself that were not masked
  for (size_t s = 0; s < steps; ++s) {
    const auto rowOf = [&](size_t b) {
      return input.data.data() + (b * steps + stepAt(s, steps)) * features;
    };
    if (remembers && room.kept[s] != 0 && met < known) {
      std::copy_n(room.memory.after(met++).data(), room.width, room.row(0));
    } else {
      room.shared.step(
          [&](size_t a, size_t b) {
            return room.kept[a * steps + s] == room.kept[b * steps + s] &&
                   sameBits(rowOf(a), rowOf(b), features);
          },
          [&](size_t from, size_t to) { std::copy_n(room.row(from), room.width, room.row(to)); });
      room.computed.clear();
      for (size_t b = 0; b < batch; ++b) {
        const bool kept = room.kept[b * steps + s] != 0;
        if (room.shared.leads(b) && (kept || extras.recordMasked)) room.computed.push_back(b);
        if (!kept && options_.zeroOutputForMask)
          std::fill_n(room.row(b) + room.stateSize, room.width - room.stateSize, 0.0f);
      }
      for (size_t k = 0; k < room.computed.size(); ++k)
        project(rowOf(room.computed[k]), room.projected.data() + k * room.projectedSize, room.memory);
      computeStep(s, steps, record, tracing, room);
      if (remembers && room.kept[s] != 0) {
        if (tracing) {
          std::copy(room.trace.begin(), room.trace.end(), room.memory.trace(met).begin());
          room.memory.endTraces(met, 1);
        }
        std::copy_n(room.row(0), room.width, room.memory.after(met++).data());
      }
    }
    if (options_.returnSequences && !outputs.empty()) putOut(outputs[0], s, steps, room);
  }
  if (remembers) room.memory.end();
  if (!options_.returnSequences && !outputs.empty()) putOut(outputs[0], 0, 1, room);
  endStates(outputs, extras, batch, room);
  // As it is, also where go_backwards reverses the output: that is what compute_mask says.
  if (options_.returnSequences && !outputs.empty()) outputs[0].passMask(input);
}

/// Computes step `s` for the rows of room.computed, whose inputs are projected, and records it for all rows.
/// Traces of masked steps are those that Keras computes there too, and does not use.
void Recurrent::computeStep(size_t s, size_t steps, std::span<float> record, bool tracing, Room& room) const {
  const size_t units = room.width - room.stateSize;
  const bool traced = tracing || !record.empty();
  for (size_t k = 0; k < room.computed.size(); ++k)
    std::copy_n(room.row(room.computed[k]), room.stateSize, room.states.data() + k * room.stateSize);
  if (!room.computed.empty())
    cell_->step(static_cast<int>(room.computed.size()), room.projected.data(), room.states.data(),
                room.output.data(), room.work.data(), traced ? room.trace.data() : nullptr);
  const auto recordOf = [&](size_t b) {
    return record.data() + (b * steps + stepAt(s, steps)) * (room.traceSize + room.stateSize);
  };
  for (size_t k = 0; k < room.computed.size(); ++k) {
    const size_t b = room.computed[k];
    if (room.kept[b * steps + s] != 0) {
      std::copy_n(room.states.data() + k * room.stateSize, room.stateSize, room.row(b));
      std::copy_n(room.output.data() + k * units, units, room.row(b) + room.stateSize);
    }
    if (!record.empty()) std::copy_n(room.trace.data() + k * room.traceSize, room.traceSize, recordOf(b));
  }
  for (size_t b = 0; !record.empty() && b * room.width < room.rows.size(); ++b) {
    const size_t leader = room.shared.leader(b);
    if (leader != b) std::copy_n(recordOf(leader), room.traceSize, recordOf(b));
    std::copy_n(room.row(leader), room.stateSize, recordOf(b) + room.traceSize);
  }
}

/// Writes step `s` of `steps` of the output.
void Recurrent::putOut(const Output& output, size_t s, size_t steps, Room& room) {
  const size_t units = room.width - room.stateSize;
  for (size_t b = 0; b * steps * units < output.data.size(); ++b) {
    std::copy_n(room.row(room.shared.leader(b)) + room.stateSize, units,
                output.data.data() + (b * steps + s) * units);
  }
}

/// The states that the rows start from: those given as inputs, those carried, or zeros.
void Recurrent::startStates(std::span<const View> inputs, const Extras& extras, size_t batch, Room& room) {
  for (size_t b = 0; b < batch; ++b) {
    float* state = room.row(b);
    std::fill_n(state, room.width, 0.0f);
    if (!extras.from.empty()) std::copy_n(extras.from.data() + b * room.stateSize, room.stateSize, state);
    for (const View& given : inputs.subspan(1)) {
      const size_t size = given.data.size() / batch;
      state = std::copy_n(given.data.data() + b * size, size, state);
    }
  }
}

/// Hands out the states that the rows end with.
void Recurrent::endStates(std::span<const Output> outputs, const Extras& extras, size_t batch, Room& room) {
  for (size_t b = 0; b < batch; ++b) {
    const float* state = room.row(room.shared.leader(b));
    if (!extras.to.empty()) std::copy_n(state, room.stateSize, extras.to.data() + b * room.stateSize);
    for (size_t i = 1; i < outputs.size(); ++i) {
      const size_t size = outputs[i].data.size() / batch;
      std::copy_n(state, size, outputs[i].data.data() + b * size);
      state += size;
    }
  }
}

/// x K + b of one step, computed once for each input that is met.
void Recurrent::project(const float* row, float* projected, StepMemory& memory) const {
  memory.product(row, static_cast<size_t>(features_), static_cast<size_t>(cell_->projectedSize()), projected,
                 [&](const float* x, float* to) { cell_->project(x, 1, to); });
}

void Recurrent::Room::fit(const Cell& cell, size_t batch) {
  stateSize = static_cast<size_t>(cell.stateSize());
  width = stateSize + static_cast<size_t>(cell.units());
  projectedSize = static_cast<size_t>(cell.projectedSize());
  traceSize = static_cast<size_t>(cell.traceSize());
  rows.resize(batch * width);
  projected.resize(batch * projectedSize);
  states.resize(batch * stateSize);
  output.resize(batch * (width - stateSize));
  trace.resize(batch * traceSize);
  work.resize(batch * static_cast<size_t>(cell.scratchSize()));
  computed.reserve(batch);
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
  const int size = cell_->traceSize() + cell_->stateSize();
  std::vector<float> record(static_cast<size_t>(checkSize(*this, {input[0], input[1], {size}})));
  run(inputs, {}, scratch, {.from = carried, .record = record, .recordMasked = true});
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
