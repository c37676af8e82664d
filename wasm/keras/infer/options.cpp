#include "keras/infer/options.h"

#include <algorithm>

namespace charglow {
namespace {

using nlohmann::json;

const std::vector<std::string> kActivations = {"linear", "relu", "tanh",     "sigmoid",     "softmax",
                                               "elu",    "selu", "softplus", "hard_sigmoid"};
const std::vector<std::string> kTrueFalse = {"true", "false"};

bool isWord(const std::string& className, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return className == name; });
}

bool isRecurrent(const LayerForm& form) {
  return isWord(form.className, {"SimpleRNN", "GRU", "LSTM", "CuDNNGRU", "CuDNNLSTM"});
}

bool isActivation(const LayerForm& form) {
  return isWord(form.className, {"Activation", "Softmax", "LeakyReLU", "ReLU", "ELU"});
}

}  // namespace

bool isDeepMoji(std::span<const WiredLayer> layers) {
  const auto has = [&](std::string_view name) {
    return std::any_of(layers.begin(), layers.end(),
                       [&](const WiredLayer& layer) { return layer.seen->name == name; });
  };
  return has("bi_lstm_0") && has("bi_lstm_1") && has("attlayer");
}

LayerForm OptionChooser::complete(size_t layer) {
  LayerForm form = formOf(layer);
  if (form.className == "Embedding") embedding(layer, form);
  if (isRecurrent(form)) recurrent(layer, form);
  if (form.className == "Bidirectional") bidirectional(layer, form);
  if (isDense(layer)) dense(layer, form);
  if (form.className == "Activation") activation(layer, form);
  if (form.className == "Softmax") softmax(layer, form);
  if (form.className == "Lambda") lambda(layer, form);
  if (form.className == "Conv1D") convolution(layer, form);
  if (isWord(form.className, {"MaxPooling1D", "AveragePooling1D"})) pooling(layer, form);
  if (isWord(form.className, {"BatchNormalization", "LayerNormalization"})) normalisation(layer, form);
  if (form.className == "RepeatVector")
    form.config["n"] = wiring_.unknowns.number(outputOf(layer)[0]).value_or(0);
  return form;
}

bool OptionChooser::isOutput(size_t layer) const {
  return std::find(wiring_.outputs.begin(), wiring_.outputs.end(), layer + 1) != wiring_.outputs.end();
}

bool OptionChooser::isDense(size_t layer) const {
  return isWord(formOf(layer).className, {"Dense", "TimeDistributed"});
}

std::vector<size_t> OptionChooser::readersOf(size_t layer) const {
  std::vector<size_t> readers;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const std::vector<size_t>& inputs = wiring_.steps[i].inputs;
    if (std::find(inputs.begin(), inputs.end(), layer + 1) != inputs.end()) readers.push_back(i);
  }
  return readers;
}

std::optional<size_t> OptionChooser::sourceOf(size_t layer) const {
  const size_t tensor = wiring_.steps[layer].inputs[0];
  return tensor == 0 ? std::nullopt : std::optional(tensor - 1);
}

std::string OptionChooser::choose(size_t layer, const char* option, const std::string& what,
                                  const std::vector<std::string>& values, const std::string& likely,
                                  bool open) {
  std::vector<Assumption::Option> options;
  for (const std::string& value : values) options.push_back({value, ""});
  return choices_.choose(nameOf(layer) + "." + option, "Layer \"" + nameOf(layer) + "\": " + what, options,
                         likely, open);
}

void OptionChooser::embedding(size_t layer, LayerForm& form) {
  form.config["mask_zero"] =
      choose(layer, "mask_zero", "whether id 0 is masked, so that recurrent layers skip it.", kTrueFalse,
             isDeepMoji(layers_) ? "true" : "false") == "true";
}

/// Keras 1 to 2.2 and tf.keras of TensorFlow 1 compute gates with hard_sigmoid. Both tf.keras of
/// TensorFlow 1.13 to 1.15 and of 2.0 and 2.1 call themselves 2.2.4-tf; the first resets before the product.
bool OptionChooser::hardSigmoidGates(size_t layer, const LayerForm& form) const {
  if (dialect_.major != 2 || dialect_.minor > 2) return dialect_.major < 2;
  if (!dialect_.tensorflow) return true;
  const json& config = form.inner();
  return layers_[layer].seen->role(0) == "kernel" && config.value("use_bias", true) &&
         !config.contains("reset_after") &&
         (form.className == "GRU" ||
          (form.config.contains("layer") && form.config["layer"]["class_name"] == "GRU"));
}

bool OptionChooser::isCudnn(size_t layer) const {
  const SeenLayer& seen = *layers_[layer].seen;
  if (seen.tensors.size() % 3 != 0) return false;
  return seen.shape(2) == std::vector<int64_t>{2 * seen.shape(0)[1]};
}

void OptionChooser::gates(size_t layer, const std::string& className, LayerForm& form) {
  json& config = form.inner();
  const bool hard = hardSigmoidGates(layer, form);
  const std::string likely = hard ? "hard_sigmoid" : "sigmoid";
  config["recurrent_activation"] = choose(
      layer, "recurrent_activation",
      "the activation of its gates; " + likely +
          " is the default of the Keras that wrote the file. Some files say another version than they were "
          "trained with: if the answers look random, try the other.",
      {"sigmoid", "hard_sigmoid"}, likely);
  if (className != "GRU" || config.contains("reset_after")) return;
  const bool after = dialect_.major >= 3 || (dialect_.tensorflow && dialect_.minor > 2);
  config["reset_after"] =
      !config.value("use_bias", true) &&
      choose(layer, "reset_after", "whether it resets after the product; it has no bias that would tell.",
             kTrueFalse, after ? "true" : "false") == "true";
}

void OptionChooser::recurrent(size_t layer, LayerForm& form) {
  json& config = form.inner();
  const bool wrapped = form.config.contains("layer");
  const std::string className =
      wrapped ? form.config["layer"]["class_name"].get<std::string>() : form.className;
  config["name"] = nameOf(layer);
  if (isCudnn(layer)) {
    // CuDNN has no other activations; that the weights are in its layout is told where they are read.
    if (!className.starts_with("CuDNN")) {
      config["activation"] = "tanh";
      config["recurrent_activation"] = "sigmoid";
    }
    if (className == "GRU") config["reset_after"] = true;
  } else {
    config["activation"] =
        choose(layer, "activation", "the activation of its candidates.", {"tanh", "relu", "linear"}, "tanh");
    if (className != "SimpleRNN") gates(layer, className, form);
  }
  if (wrapped) return;
  config["go_backwards"] =
      choose(layer, "go_backwards", "whether it reads the timesteps from the last to the first.", kTrueFalse,
             "false") == "true";
}

void OptionChooser::bidirectional(size_t layer, LayerForm& form) {
  recurrent(layer, form);
  if (form.config["merge_mode"] == "concat") return;
  form.config["merge_mode"] =
      choose(layer, "merged_by", "how both directions, which are not joined, become one.",
             {"sum", "mul", "ave"}, "sum");
}

/// The last one tells the classes; those that give scores for attention are mostly tanh, and a matrix over
/// timesteps that is turned back is the attention itself; the others are hidden layers.
std::string OptionChooser::likelyActivation(size_t layer) const {
  const std::vector<size_t> readers = readersOf(layer);
  if (readers.size() == 1 && isActivation(formOf(readers[0]))) return "linear";
  const std::optional<int64_t> units = wiring_.unknowns.number(outputOf(layer).back());
  if (isOutput(layer)) return units == 1 ? "sigmoid" : "softmax";
  if (outputOf(layer).size() == 1) return "relu";
  const std::optional<size_t> source = sourceOf(layer);
  const bool afterDense = source && isDense(*source) && outputOf(*source).size() == 2;
  if (units == 1) return afterDense ? "linear" : "tanh";
  if (readers.size() == 1 && formOf(readers[0]).className == "Permute") return "softmax";
  return readers.size() == 1 && isDense(readers[0]) ? "tanh" : "relu";
}

void OptionChooser::dense(size_t layer, LayerForm& form) {
  form.inner()["activation"] =
      choose(layer, "activation", "its activation.", kActivations, likelyActivation(layer));
  if (form.config.contains("layer")) form.inner()["name"] = nameOf(layer);
}

void OptionChooser::activation(size_t layer, LayerForm& form) {
  const SeenLayer& seen = *layers_[layer].seen;
  std::string likely = "relu";
  if (isOutput(layer)) likely = wiring_.unknowns.number(outputOf(layer).back()) == 1 ? "sigmoid" : "softmax";
  if (const auto source = sourceOf(layer); source && formOf(*source).className == "Embedding")
    likely = "tanh";
  const Size last = wiring_.unknowns.known(outputOf(layer).back());
  const Size steps = wiring_.unknowns.known(Size::timesteps());
  const bool overTime =
      outputOf(layer).size() == 1 && last.factor == steps.factor && last.unknown == steps.unknown;
  if ((overTime && !isOutput(layer)) || seen.has("attention")) likely = "softmax";
  for (const char* name : {"relu", "tanh", "sigmoid", "softmax"}) {
    if (seen.has(name)) likely = name;
  }
  form.config["activation"] = choose(layer, "activation", "its activation.", kActivations, likely);
}

void OptionChooser::softmax(size_t layer, LayerForm& form) {
  form.config["axis"] = -1;
  if (outputOf(layer).size() != 2) return;
  const bool column = wiring_.unknowns.number(outputOf(layer)[1]) == 1;
  form.config["axis"] = std::stoi(
      choose(layer, "axis", "along which axis its values sum to 1: 1, the timesteps, or -1, the last.",
             {"1", "-1"}, column ? "1" : "-1"));
}

/// A reduction over the timesteps.
void OptionChooser::lambda(size_t layer, LayerForm& form) {
  const bool mean = layers_[layer].seen->has("mean") || layers_[layer].seen->has("reduc");
  const std::string how = choices_.choose(
      "lambda:" + nameOf(layer), "Layer \"" + nameOf(layer) + "\": what it computes of the timesteps.",
      {{"sum(axis=1)", "their sum"}, {"mean(axis=1)", "their mean"}, {"max(axis=1)", "their maximum"}},
      mean ? "mean(axis=1)" : "sum(axis=1)", true);
  // What else is given replaces the layer afterwards (keras/expand_operations.h).
  form.className = "Reduce";
  form.operation = true;
  const char* kind = how == "mean(axis=1)" ? "mean" : how == "max(axis=1)" ? "max" : "sum";
  form.config = {{"of", "Lambda"}, {"op", {{"kind", kind}, {"axis", {1}}}}};
}

void OptionChooser::convolution(size_t layer, LayerForm& form) {
  form.config["padding"] =
      choose(layer, "padding", "how it treats the ends of the text.", {"valid", "same", "causal"}, "valid");
  form.config["activation"] = choose(layer, "activation", "its activation.", kActivations, "relu");
  form.config["strides"] = {
      std::stoi(choose(layer, "strides", "how many timesteps it moves on.", {"1", "2", "3"}, "1"))};
  form.config["dilation_rate"] = {1};
}

void OptionChooser::pooling(size_t layer, LayerForm& form) {
  const int size =
      std::stoi(choose(layer, "pool_size", "how many timesteps become one.", {"2", "3", "4", "5"}, "2"));
  form.config["pool_size"] = {size};
  form.config["strides"] = {size};
  form.config["padding"] =
      choose(layer, "padding", "how it treats the end of the text.", {"valid", "same"}, "valid");
}

void OptionChooser::normalisation(size_t layer, LayerForm& form) {
  form.config["epsilon"] = std::stod(
      choose(layer, "epsilon", "what is added to the variance.", {"0.001", "1e-05", "1e-06"}, "0.001"));
}

}  // namespace charglow
