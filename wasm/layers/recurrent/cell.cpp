#include "layers/recurrent/cell.h"

#include "bundle/strict_json.h"

namespace charglow {

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
