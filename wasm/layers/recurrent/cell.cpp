#include "layers/recurrent/cell.h"

#include <algorithm>
#include <numeric>

#include "bundle/strict_json.h"

namespace charglow {

int Cell::stateSize() const {
  const std::vector<int> sizes = stateSizes();
  return std::accumulate(sizes.begin(), sizes.end(), 0);
}

std::unique_ptr<Cell> makeCell(ConfigReader& config) {
  const std::string& name = config.className();
  if (name == "SimpleRNN" || name == "SimpleRNNCell") return makeSimpleRnnCell(config);
  if (name == "GRU" || name == "GRUCell" || name == "CuDNNGRU") return makeGruCell(config);
  if (name == "LSTM" || name == "LSTMCell" || name == "CuDNNLSTM") return makeLstmCell(config);
  if (name == "StackedRNNCells") return makeStackedCells(config);
  return nullptr;
}

std::unique_ptr<Cell> makeCellOf(const nlohmann::json& entry, ConfigReader& outer, const char* option) {
  if (!entry.is_object() || !entry.contains("class_name") || !entry["class_name"].is_string() ||
      !entry.contains("config") || !entry["config"].is_object()) {
    outer.refuse(option, "a cell's class_name and config", describeJson(entry));
    return nullptr;
  }
  ConfigReader config(entry["config"], outer.layer(), entry["class_name"].get<std::string>(), outer.dialect(),
                      outer.problems());
  std::unique_ptr<Cell> cell = makeCell(config);
  if (cell == nullptr) {
    outer.refuse(option, "a cell the engine runs", config.className());
    return nullptr;
  }
  config.finish();
  return cell;
}

Activation recurrentActivationOf(ConfigReader& config) {
  if (!config.has("recurrent_activation")) {
    config.refuse("recurrent_activation", "the name of an activation", "nothing",
                  "Its default differs by Keras generation, so it is not guessed.");
  }
  return config.activation("recurrent_activation", "linear");
}

bool storesGatesApart(const WeightReader& weights, int features, int units) {
  return weights.nextShape() == std::vector<int64_t>{features, units};
}

namespace {

/// Puts a gate's columns (rows, units) to its place in a matrix (rows, width).
void placeColumns(const std::vector<float>& gate, int units, int place, int width,
                  std::vector<float>& matrix) {
  for (size_t row = 0; row * static_cast<size_t>(units) < gate.size(); ++row) {
    std::copy_n(gate.begin() + static_cast<ptrdiff_t>(row) * units, units,
                matrix.begin() + static_cast<ptrdiff_t>(row) * width + place * units);
  }
}

}  // namespace

RecurrentWeights takeGates(WeightReader& weights, int features, int units,
                           std::initializer_list<std::pair<const char*, int>> order) {
  const int width = static_cast<int>(order.size()) * units;
  RecurrentWeights all;
  all.kernel.resize(static_cast<size_t>(features) * static_cast<size_t>(width));
  all.recurrent.resize(static_cast<size_t>(units) * static_cast<size_t>(width));
  all.bias.resize(static_cast<size_t>(width));
  bool complete = true;
  for (const auto& [gate, place] : order) {
    const std::string name(gate);
    const std::vector<float> kernel = weights.take("W_" + name, {features, units});
    const std::vector<float> recurrent = weights.take("U_" + name, {units, units});
    const std::vector<float> bias = weights.take("b_" + name, {units});
    complete = complete && !kernel.empty() && !recurrent.empty() && !bias.empty();
    placeColumns(kernel, units, place, width, all.kernel);
    placeColumns(recurrent, units, place, width, all.recurrent);
    placeColumns(bias, units, place, width, all.bias);
  }
  return complete ? all : RecurrentWeights{};
}

bool biasIsCudnn(WeightReader& weights, int size) {
  if (weights.nextShape() != std::vector<int64_t>{size}) return false;
  weights.assume("its bias has CuDNN's shape, (" + std::to_string(size) +
                 ",), so its weights are taken to be in CuDNN's layout and are converted, as Keras does.");
  return true;
}

std::vector<float> kernelFromCudnn(std::span<const float> kernel, int rows, int units, int gates) {
  std::vector<float> plain(kernel.size());
  for (int gate = 0; gate < gates; ++gate) {
    const std::vector<float> block = columnsOf(kernel, rows, gates * units, gate * units, (gate + 1) * units);
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < units; ++j) {
        plain[static_cast<size_t>((i * gates + gate) * units + j)] = block[static_cast<size_t>(j * rows + i)];
      }
    }
  }
  return plain;
}

std::vector<float> recurrentKernelFromCudnn(std::span<const float> kernel, int units, int gates) {
  return kernelFromCudnn(kernel, units, units, gates);
}

}  // namespace charglow
