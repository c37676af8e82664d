#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keras/config_reader.h"
#include "keras/weight_reader.h"
#include "kernels/affine.h"

namespace charglow {

/// One timestep of a recurrent layer: what Keras calls a cell. Immutable once built.
///
/// The product of the input with the kernel does not depend on the state, so it is computed for all timesteps
/// at once
/// (`project`); `step` adds the rest.
class Cell {
 public:
  virtual ~Cell() = default;

  /// Width of the output.
  [[nodiscard]] virtual int units() const = 0;
  /// Widths of the states; the first is the output's own for all cells of Keras.
  [[nodiscard]] virtual std::vector<int> stateSizes() const { return {units()}; }
  /// Floats that `project` gives for a timestep.
  [[nodiscard]] virtual int projectedSize() const = 0;
  /// Floats that `step` needs to work in.
  [[nodiscard]] virtual int scratchSize() const = 0;

  /// Takes the weights: kernel, recurrent kernel, bias.
  virtual void build(int features, WeightReader& weights) = 0;

  /// projected (rows, projectedSize) = x (rows, features) K + b.
  virtual void project(const float* x, int rows, float* projected) const = 0;

  /// One timestep. `projected` (projectedSize) is used up; `states`, one after the other, become the new
  /// states; `output` (units) is written and may be the first state itself.
  virtual void step(float* projected, float* states, float* output, float* scratch) const = 0;

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
