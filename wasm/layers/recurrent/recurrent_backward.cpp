// The way back through a recurrent layer: from the last step to the first, with the states and the trace of
// each. A text by itself has its states in the memory, and its traces too where the run before was asked for
// a gradient; those that are missing are computed many steps at once, since no step waits for another any
// more. Of other runs nothing is remembered: they record themselves where the run before was asked for a
// gradient, and are run again otherwise.

#include <algorithm>

#include "layers/recurrent/recurrent.h"

namespace charglow {
namespace {

/// Steps that are computed together: enough to share what is read of the weights, few enough for what is
/// worked on to stay in the cache.
constexpr size_t kTogether = 48;

}  // namespace

void Recurrent::backward(const Backward& call, Scratch& scratch) const {
  const View& input = call.inputs[0];
  const size_t batch = static_cast<size_t>(input.shape[0].size);
  const size_t steps = static_cast<size_t>(input.shape[1].size);
  Room& room = scratch.kept<Room>(this);
  room.fit(*cell_, batch);
  findKept(input, room.kept);
  WayBack& back = room.back;
  const bool remembered = recall(call, room);
  if (!remembered && !room.recorded) {
    back.record.resize(batch * steps * (room.traceSize + room.stateSize));
    run(call.inputs, {}, scratch, {.from = call.carried, .record = back.record});
    room.recorded = true;
  }
  room.asked = true;
  startStates(call.inputs, {.from = call.carried}, batch, room);

  const size_t kept = static_cast<size_t>(std::count(room.kept.begin(), room.kept.end(), uint8_t{1}));
  back.projected.resize(kept * room.projectedSize);
  back.places.clear();
  back.output.assign(batch * (room.width - room.stateSize), 0.0f);
  back.states.assign(batch * room.stateSize, 0.0f);
  for (size_t i = 1, at = 0; i < call.outputGradients.size(); ++i) {
    const size_t size = call.outputs[i].data.size() / batch;
    for (size_t b = 0; b < batch && !call.outputGradients[i].empty(); ++b)
      addGradient(call.outputGradients[i].subspan(b * size, size),
                  {back.states.data() + b * room.stateSize + at, size});
    at += size;
  }
  for (size_t s = steps; s-- > 0;) {
    outputBackward(call, s, room);
    loadStep(s, remembered, room);
    if (room.computed.empty()) continue;
    cell_->stepBackward(static_cast<int>(room.computed.size()), back.before.data(), back.after.data(),
                        back.trace.data(), back.gradient.data(),
                        back.projected.data() + back.places.size() * room.projectedSize, room.work.data());
    for (size_t k = 0; k < room.computed.size(); ++k) {
      const size_t b = room.computed[k];
      std::copy_n(back.gradient.data() + k * room.stateSize, room.stateSize,
                  back.states.data() + b * room.stateSize);
      back.places.push_back(b * steps + stepAt(s, steps));
    }
  }
  inputBackward(call, room);
}

/// Whether the states of all steps are in the memory. Then so are their traces.
bool Recurrent::recall(const Backward& call, Room& room) const {
  const View& input = call.inputs[0];
  if (input.shape[0].size != 1 || call.inputs.size() > 1 || !call.carried.empty()) return false;
  if (room.kept.size() * room.traceSize > StepMemory::kMost) return false;
  const std::span<const float> rows = inOrder(input, room);
  const size_t features = static_cast<size_t>(features_);
  const size_t kept = static_cast<size_t>(std::count(room.kept.begin(), room.kept.end(), uint8_t{1}));
  if (room.memory.recall(rows, room.kept, features, room.width) < kept) return false;
  room.memory.makeRoomForTraces(room.traceSize);
  retrace(rows, room);
  return true;
}

/// Computes the traces that the memory does not have, from the states before each step.
void Recurrent::retrace(std::span<const float> rows, Room& room) const {
  room.fit(*cell_, kTogether);
  size_t from = room.memory.traced();
  size_t count = 0;  // steps from there that are together
  const auto flush = [&] {
    if (count == 0) return;
    cell_->step(static_cast<int>(count), room.projected.data(), room.states.data(), room.output.data(),
                room.work.data(), room.memory.trace(from).data());
    room.memory.endTraces(from, count);
    from += count;
    count = 0;
  };
  size_t met = 0;
  for (size_t s = 0; s < room.kept.size(); ++s) {
    if (room.kept[s] == 0 || met++ < from) continue;
    project(rows.data() + s * static_cast<size_t>(features_),
            room.projected.data() + count * room.projectedSize, room.memory);
    float* states = room.states.data() + count * room.stateSize;
    if (met == 1) {
      std::fill_n(states, room.stateSize, 0.0f);
    } else {
      std::copy_n(room.memory.after(met - 2).data(), room.stateSize, states);
    }
    if (++count == kTogether) flush();
  }
  flush();
  room.fit(*cell_, 1);
}

/// Adds d(loss)/d(output of step `s`) to what waits for the step that gave it. A masked step puts out what
/// the step before did; where there is none, or zero_output_for_mask, a constant.
void Recurrent::outputBackward(const Backward& call, size_t s, Room& room) const {
  const std::span<const float> output = call.outputGradients[0];
  const size_t units = room.width - room.stateSize;
  const size_t batch = room.rows.size() / room.width;
  const size_t steps = room.kept.size() / batch;
  if (output.empty()) return;
  for (size_t b = 0; b < batch; ++b) {
    const std::span<float> waiting = std::span(room.back.output).subspan(b * units, units);
    if (options_.returnSequences) {
      addGradient(output.subspan((b * steps + s) * units, units), waiting);
    } else if (s + 1 == steps) {
      addGradient(output.subspan(b * units, units), waiting);
    }
    if (options_.zeroOutputForMask && room.kept[b * steps + s] == 0)
      std::fill(waiting.begin(), waiting.end(), 0.0f);
  }
}

/// Puts side by side what the way back through step `s` reads, of the rows that are not masked there, and the
/// gradients at their states, where that of the output comes in.
void Recurrent::loadStep(size_t s, bool remembered, Room& room) const {
  WayBack& back = room.back;
  const size_t units = room.width - room.stateSize;
  const size_t batch = room.rows.size() / room.width;
  const size_t steps = room.kept.size() / batch;
  for (std::vector<float>* states : {&back.before, &back.after, &back.gradient})
    states->resize(batch * room.stateSize);
  back.trace.resize(batch * room.traceSize);
  room.computed.clear();
  for (size_t b = 0; b < batch; ++b) {
    if (room.kept[b * steps + s] == 0) continue;
    const size_t k = room.computed.size();
    room.computed.push_back(b);
    const float* before = room.row(b);
    const float* after = nullptr;
    const float* trace = nullptr;
    if (remembered) {
      const size_t step = back.projected.size() / room.projectedSize - 1 - back.places.size();
      if (step > 0) before = room.memory.after(step - 1).data();
      after = room.memory.after(step).data();
      trace = room.memory.trace(step).data();
    } else {
      const size_t size = room.traceSize + room.stateSize;
      const auto recordOf = [&](size_t step) {
        return back.record.data() + (b * steps + stepAt(step, steps)) * size;
      };
      if (s > 0) before = recordOf(s - 1) + room.traceSize;
      trace = recordOf(s);
      after = trace + room.traceSize;
    }
    std::copy_n(before, room.stateSize, back.before.data() + k * room.stateSize);
    std::copy_n(after, room.stateSize, back.after.data() + k * room.stateSize);
    std::copy_n(trace, room.traceSize, back.trace.data() + k * room.traceSize);
    float* gradient = back.gradient.data() + k * room.stateSize;
    std::copy_n(back.states.data() + b * room.stateSize, room.stateSize, gradient);
    const std::span<float> waiting = std::span(back.output).subspan(b * units, units);
    addGradient(waiting, {gradient + cell_->outputAt(), units});
    std::fill(waiting.begin(), waiting.end(), 0.0f);
  }
}

/// Adds the gradients of the call's inputs: of the initial states what came to the start, of the sequence
/// that of what was projected from it.
void Recurrent::inputBackward(const Backward& call, Room& room) const {
  WayBack& back = room.back;
  const size_t batch = room.rows.size() / room.width;
  for (size_t i = 1, at = 0; i < call.inputs.size(); ++i) {
    const size_t size = call.inputs[i].data.size() / batch;
    for (size_t b = 0; b < batch && !call.inputGradients[i].empty(); ++b)
      addGradient({back.states.data() + b * room.stateSize + at, size},
                  call.inputGradients[i].subspan(b * size, size));
    at += size;
  }
  const std::span<float> input = call.inputGradients[0];
  if (input.empty()) return;
  const size_t features = static_cast<size_t>(features_);
  for (size_t from = 0; from < back.places.size(); from += kTogether) {
    const size_t count = std::min(kTogether, back.places.size() - from);
    back.x.assign(count * features, 0.0f);
    cell_->projectBackward(back.projected.data() + from * room.projectedSize, static_cast<int>(count),
                           back.x.data());
    for (size_t k = 0; k < count; ++k)
      addGradient({back.x.data() + k * features, features},
                  input.subspan(back.places[from + k] * features, features));
  }
}

}  // namespace charglow
