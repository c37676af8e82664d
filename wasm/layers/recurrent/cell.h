#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "keras/config_reader.h"
#include "keras/weight_reader.h"
#include "kernels/affine.h"

namespace charglow {

/// A gate or a state of a cell.
struct CellSignal {
  std::string name;
  bool gate = false;
  int units = 0;
  std::string why;
  int at = 0;  ///< where it starts in a step's trace (traceSize) followed by the states
};

/// One timestep of a recurrent layer: what Keras calls a cell. Immutable once built.
///
/// The product of the input with the kernel does not depend on the state, and is the same wherever the same
/// input comes (`project`); `step` adds the rest.
class Cell {
 public:
  virtual ~Cell() = default;

  /// Width of the output.
  [[nodiscard]] virtual int units() const = 0;
  /// Widths of the states; the first is the output's own for all cells of Keras.
  [[nodiscard]] virtual std::vector<int> stateSizes() const { return {units()}; }
  /// Floats of all states of a row.
  [[nodiscard]] int stateSize() const;
  /// Where among the states the output is: every cell puts out one of its states.
  [[nodiscard]] virtual int outputAt() const { return 0; }
  /// Floats that `project` gives for a timestep.
  [[nodiscard]] virtual int projectedSize() const = 0;
  /// Floats that `step` and `stepBackward` need to work in, for each row.
  [[nodiscard]] virtual int scratchSize() const = 0;

  /// Takes the weights: kernel, recurrent kernel, bias.
  virtual void build(int features, WeightReader& weights) = 0;

  /// projected (rows, projectedSize) = x (rows, features) K + b.
  virtual void project(const float* x, int rows, float* projected) const = 0;

  /// Floats of a step's trace: its gates, and what else the way back takes of what `step` computes.
  [[nodiscard]] virtual int traceSize() const = 0;
  /// Its gates and states, for people.
  [[nodiscard]] virtual std::vector<CellSignal> signals() const = 0;

  /// One timestep of `rows` rows of a batch, whose values follow one another in each array: `projected`
  /// (rows, projectedSize) is used up; `states` (rows, all states one after the other) become the new states;
  /// `output` (rows, units) is written; so is `trace` (rows, traceSize), unless it is nullptr. A row's result
  /// has the same bits alone and among others, with a trace and without.
  virtual void step(int rows, float* projected, float* states, float* output, float* scratch,
                    float* trace) const = 0;

  /// The way back of a gradient through one timestep of `rows` rows: `gradient` (rows, stateSize),
  /// d(loss)/d(states after it), becomes d(loss)/d(states before it), and `projected` (rows, projectedSize)
  /// d(loss)/d(what was projected). `before`, `after` (rows, stateSize): the states; `trace`: the step's.
  virtual void stepBackward(int rows, const float* before, const float* after, const float* trace,
                            float* gradient, float* projected, float* scratch) const = 0;
  /// x (rows, features) += projected (rows, projectedSize) Kᵀ: the way back through `project`.
  virtual void projectBackward(const float* projected, int rows, float* x) const = 0;

  [[nodiscard]] virtual std::string detail() const = 0;
};

/// Reads the options of a layer or cell class ("GRU", "LSTMCell", "CuDNNGRU", "StackedRNNCells" …). nullptr
/// where there is no such cell.
std::unique_ptr<Cell> makeCell(ConfigReader& config);

/// A cell inside another object's configuration, {"class_name", "config"}; what is wrong with it is noted in
/// `outer` under `option`.
std::unique_ptr<Cell> makeCellOf(const nlohmann::json& entry, ConfigReader& outer, const char* option);

std::unique_ptr<Cell> makeSimpleRnnCell(ConfigReader& config);
std::unique_ptr<Cell> makeGruCell(ConfigReader& config);
std::unique_ptr<Cell> makeLstmCell(ConfigReader& config);
std::unique_ptr<Cell> makeStackedCells(ConfigReader& config);

/// What every cell puts out.
inline constexpr const char* kStateWhy = "What the layer puts out after the step.";

/// The three weights of a recurrent layer; all empty where a problem was noted.
struct RecurrentWeights {
  std::vector<float> kernel;     ///< (features, gates · units)
  std::vector<float> recurrent;  ///< (units, gates · units)
  std::vector<float> bias;       ///< (gates · units)
};

/// Whether the next tensor is a single gate's kernel: Keras 1 stored every gate's W, U and b by themselves,
/// unless consume_less was "gpu".
bool storesGatesApart(const WeightReader& weights, int features, int units);
/// Takes them, gate by gate in the file's order, each under its name and to its place in the kernel.
RecurrentWeights takeGates(WeightReader& weights, int features, int units,
                           std::initializer_list<std::pair<const char*, int>> order);

/// The recurrent activation, which must be stated: its default differs by Keras generation.
Activation recurrentActivationOf(ConfigReader& config);

/// Whether a plain layer's bias, the next tensor, is one of CuDNN's layout: of rank 1 and `size` long. Then
/// the whole layer is in that layout, as in files that CuDNNGRU or CuDNNLSTM wrote under the name of the
/// plain layer. Told to the user as an assumption.
bool biasIsCudnn(WeightReader& weights, int size);

/// Weights in the layout of CuDNN, as CuDNNGRU and CuDNNLSTM store them, to that of the plain layers
/// (keras/engine/saving.py 2.2, _convert_rnn_weights). Gate by gate, each gate's block of `kernel` (rows,
/// gates · units) holds the transposed matrix's values in C order.
std::vector<float> kernelFromCudnn(std::span<const float> kernel, int rows, int units, int gates);
/// Likewise for the recurrent kernel (units, gates · units): each gate's square block is transposed.
std::vector<float> recurrentKernelFromCudnn(std::span<const float> kernel, int units, int gates);

}  // namespace charglow
