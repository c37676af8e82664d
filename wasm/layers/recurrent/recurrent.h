#pragma once

#include <memory>

#include "layers/layer.h"
#include "layers/recurrent/cell.h"
#include "layers/recurrent/shared_steps.h"
#include "layers/recurrent/step_memory.h"

namespace charglow {

/// A cell run over the timesteps: SimpleRNN, GRU, LSTM, RNN(cell). keras/layers/rnn/base_rnn.py (2.15).
///
/// Inputs: the sequence (batch, timesteps, features) and, maybe, an initial state for each of the cell's
/// states. Outputs: the sequence of outputs or the last one; with return_state also the final states.
///
/// A masked timestep holds the states; its output is that of the step before (zero at the start), or zero
/// where zero_output_for_mask says so. Under a mask finer than the timesteps one is masked where all of it is
/// (keras/src/backend/jax/rnn.py, 3.x).
class Recurrent : public Layer {
 public:
  struct Options {
    bool returnSequences = false;
    bool returnState = false;
    bool goBackwards = false;
    bool zeroOutputForMask = false;
    bool stateful = false;
  };

  Recurrent(const ConfigReader& config, std::unique_ptr<Cell> cell, Options options)
      : Layer(config.layer(), config.className()), cell_(std::move(cell)), options_(options) {}

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] size_t stateCount() const { return cell_->stateSizes().size(); }
  void setZeroOutputForMask(bool zero) { options_.zeroOutputForMask = zero; }

  std::unique_ptr<Layer> forCall(CallReader& call) const override;
  bool takesInputs(size_t count) const override { return count == 1 || count == 1 + stateCount(); }
  size_t outputCount() const override { return options_.returnState ? 1 + stateCount() : 1; }
  Shape outputShape(std::span<const Shape> inputs) const override;
  std::vector<Shape> outputShapes(std::span<const Shape> inputs) const override;
  bool hasWeights() const override { return true; }
  void build(std::span<const Shape> inputs, WeightReader& weights) override;
  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override;
  std::vector<StepSignal> stepSignals() const override;
  std::vector<Value> recordSteps(std::span<const View> inputs, std::span<const float> carried,
                                 Scratch& scratch) const override;
  void backward(const Backward& call, Scratch& scratch) const override;
  size_t carriedSize() const override {
    return options_.stateful ? static_cast<size_t>(cell_->stateSize()) : 0;
  }
  void forwardCarrying(std::span<const View> inputs, std::span<const Output> outputs,
                       std::span<float> carried, Scratch& scratch) const override;
  std::string detail() const override;

 private:
  /// What a run of the layer also reads and writes.
  struct Extras {
    std::span<const float> from =
        {};                    ///< states to start from where none are among the inputs, or empty: zeros
    std::span<float> to = {};  ///< where to leave the final states, or empty
    /// where to leave the traces of every step and the states after it, in the order of the input (batch,
    /// steps, traceSize + stateSize), or empty
    std::span<float> record = {};
    bool recordMasked = false;  ///< also the traces of masked steps
  };

  /// The place in the input of the step that is computed as number `s`.
  [[nodiscard]] size_t stepAt(size_t s, size_t steps) const {
    return options_.goBackwards ? steps - 1 - s : s;
  }
  /// Working memory of the way back, which takes room when a gradient is first asked for.
  struct WayBack {
    std::vector<float> record;     ///< Extras::record, of a run that is not remembered
    std::vector<float> before;     ///< (batch, stateSize): of the rows that are in a step, side by side;
    std::vector<float> after;      ///< likewise;
    std::vector<float> trace;      ///< (batch, traceSize);
    std::vector<float> gradient;   ///< (batch, stateSize)
    std::vector<float> states;     ///< (batch, stateSize): d(loss)/d(states) of all rows
    std::vector<float> output;     ///< (batch, units): d(loss)/d(output) that waits for the step that gave it
    std::vector<float> projected;  ///< d(loss)/d(projected) of steps that were not masked, the last first
    std::vector<size_t> places;    ///< of those in the input: row · steps + step
    std::vector<float> x;          ///< d(loss)/d(input) of some of them
  };

  /// Working memory of a run, and what the next can reuse.
  struct Room {
    size_t stateSize = 0;  ///< of all states of a row
    size_t width = 0;      ///< of the states and the output
    size_t projectedSize = 0;
    size_t traceSize = 0;
    std::vector<uint8_t> kept;     ///< (batch, steps)
    std::vector<float> rows;       ///< (batch, width): states, then output, after the last step
    std::vector<size_t> computed;  ///< rows that are computed in a step; of these, side by side:
    std::vector<float> projected, states, output, trace, work;
    std::vector<float> turned;  ///< the input in the order of computation, where that is not its own
    SharedSteps shared;
    StepMemory memory;
    bool asked = false;     ///< for a gradient, of the last run: then the next one keeps its traces
    bool recorded = false;  ///< the last run: back.record has its traces and states
    WayBack back;

    void fit(const Cell& cell, size_t batch);
    float* row(size_t b) { return rows.data() + b * width; }
  };

  void findKept(const View& input, std::vector<uint8_t>& kept) const;
  static void startStates(std::span<const View> inputs, const Extras& extras, size_t batch, Room& room);
  void computeStep(size_t s, size_t steps, std::span<float> record, bool tracing, Room& room) const;
  static void putOut(const Output& output, size_t s, size_t steps, Room& room);
  static void endStates(std::span<const Output> outputs, const Extras& extras, size_t batch, Room& room);
  void project(const float* row, float* projected, StepMemory& memory) const;
  std::span<const float> inOrder(const View& input, Room& room) const;
  bool recall(const Backward& call, Room& room) const;
  void retrace(std::span<const float> rows, Room& room) const;
  void loadStep(size_t s, bool remembered, Room& room) const;
  void outputBackward(const Backward& call, size_t s, Room& room) const;
  void inputBackward(const Backward& call, Room& room) const;
  void run(std::span<const View> inputs, std::span<const Output> outputs, Scratch& scratch,
           const Extras& extras) const;

  std::unique_ptr<Cell> cell_;
  Options options_;
  int features_ = 0;
};

/// Reads a recurrent layer's options, its cell's included. nullptr where a problem was noted.
std::unique_ptr<Recurrent> makeRecurrent(ConfigReader& config);

}  // namespace charglow
