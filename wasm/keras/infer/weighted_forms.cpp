#include "keras/infer/weighted_forms.h"

#include <algorithm>

namespace charglow {
namespace {

using nlohmann::json;
using Inputs = std::vector<Sizes>;
using Result = std::optional<Sizes>;

bool isNumber(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Whether the file calls a weight so; in a tree of Keras 3 weights are numbered only.
bool isCalled(const SeenLayer& layer, size_t tensor, std::string_view role) {
  return layer.role(tensor) == role || isNumber(layer.role(tensor));
}

/// The weights of a recurrent layer, one way: kernel (features, gates · units), recurrent kernel (units,
/// gates · units), and maybe a bias of some layout.
struct RecurrentWeights {
  const char* className = "";
  int64_t features = 0;
  int64_t units = 0;
  bool bias = false;
  bool twoBiases = false;  ///< (2, gates · units): a GRU with reset_after
};

/// Weights as Keras 1 stored them: for each gate a W (features, units), U (units, units) and b (units).
std::optional<RecurrentWeights> gatesApart(std::span<const TensorView* const> tensors) {
  if (tensors.size() != 9 && tensors.size() != 12) return std::nullopt;
  const std::vector<int64_t>& kernel = tensors[0]->shape;
  if (kernel.size() != 2) return std::nullopt;
  const std::vector<int64_t> shapes[] = {kernel, {kernel[1], kernel[1]}, {kernel[1]}};
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i]->shape != shapes[i % 3]) return std::nullopt;
  }
  return RecurrentWeights{.className = tensors.size() == 9 ? "GRU" : "LSTM",
                          .features = kernel[0],
                          .units = kernel[1],
                          .bias = true};
}

std::optional<RecurrentWeights> recurrentWeights(std::span<const TensorView* const> tensors) {
  if (const auto apart = gatesApart(tensors)) return apart;
  if (tensors.size() < 2 || tensors.size() > 3) return std::nullopt;
  const std::vector<int64_t>& kernel = tensors[0]->shape;
  const std::vector<int64_t>& recurrent = tensors[1]->shape;
  if (kernel.size() != 2 || recurrent.size() != 2 || kernel[1] != recurrent[1] || recurrent[0] < 1)
    return std::nullopt;
  RecurrentWeights weights;
  weights.features = kernel[0];
  weights.units = recurrent[0];
  const int64_t gates = recurrent[1] / weights.units;
  weights.className = gates == 1 ? "SimpleRNN" : gates == 3 ? "GRU" : gates == 4 ? "LSTM" : "";
  if (gates * weights.units != recurrent[1] || *weights.className == '\0') return std::nullopt;
  if (tensors.size() == 2) return weights;
  const std::vector<int64_t>& bias = tensors[2]->shape;
  weights.bias = true;
  weights.twoBiases = gates == 3 && bias == std::vector<int64_t>{2, recurrent[1]};
  const bool plain =
      bias.size() == 1 && (bias[0] == recurrent[1] || bias[0] == 2 * recurrent[1]);  // plain, CuDNN
  if (!plain && !weights.twoBiases) return std::nullopt;
  return weights;
}

json recurrentConfig(const RecurrentWeights& weights) {
  json config = {{"units", weights.units}, {"use_bias", weights.bias}};
  if (weights.twoBiases) config["reset_after"] = true;
  return config;
}

/// (t, features) → (t, width), or (width) where only the last step is put out.
LayerForm recurrentForm(const RecurrentWeights& weights, int64_t width, bool sequences) {
  LayerForm form{.className = weights.className, .config = recurrentConfig(weights)};
  form.decisions = {{"return_sequences", sequences ? "true" : "false"}};
  form.config["return_sequences"] = sequences;
  form.shape = [features = weights.features, width, sequences](const Inputs& inputs,
                                                               Unknowns& unknowns) -> Result {
    const Sizes& input = inputs[0];
    if (input.size() != 2 || !is(unknowns, input[1], features)) return std::nullopt;
    return sequences ? Sizes{input[0], Size::of(width)} : Sizes{Size::of(width)};
  };
  return form;
}

std::vector<LayerForm> recurrentForms(const SeenLayer& layer, const RecurrentWeights& weights) {
  std::vector<LayerForm> forms = {recurrentForm(weights, weights.units, true),
                                  recurrentForm(weights, weights.units, false)};
  for (LayerForm& form : forms) {
    if (layer.has("cudnn"))
      form.className = weights.className == std::string("GRU") ? "CuDNNGRU" : "CuDNNLSTM";
  }
  return forms;
}

/// Two of a kind, side by side or added up.
std::vector<LayerForm> bidirectionalForms(const SeenLayer& layer, const RecurrentWeights& weights) {
  std::vector<LayerForm> forms;
  for (const bool concatenated : {true, false}) {
    for (const bool sequences : {true, false}) {
      LayerForm one = recurrentForm(weights, weights.units * (concatenated ? 2 : 1), sequences);
      one.decisions.emplace_back("merge_mode", concatenated ? "concat" : "sum");
      one.cost = concatenated ? 0 : 1;
      const std::string inner = layer.has("cudnn") ? std::string("CuDNN") + weights.className : one.className;
      one.config = {{"layer", {{"class_name", inner}, {"config", one.config}}},
                    {"merge_mode", concatenated ? "concat" : "sum"}};
      one.className = "Bidirectional";
      forms.push_back(std::move(one));
    }
  }
  return forms;
}

bool isCalledRecurrent(const SeenLayer& layer) {
  return layer.tensors.size() > 1 &&
         (isCalled(layer, 1, "recurrent_kernel") || layer.role(1).starts_with("U_"));
}

bool isKernelAndBias(const SeenLayer& layer, size_t rank) {
  if (layer.tensors.empty() || layer.tensors.size() > 2 || layer.shape(0).size() != rank ||
      !isCalled(layer, 0, "kernel"))
    return false;
  return layer.tensors.size() == 1 ||
         (layer.shape(1) == std::vector<int64_t>{layer.shape(0).back()} && isCalled(layer, 1, "bias"));
}

std::vector<LayerForm> denseForms(const SeenLayer& layer) {
  const bool distributed = layer.has("timedistributed");
  const json config = {{"units", layer.shape(0)[1]}, {"use_bias", layer.tensors.size() == 2}};
  LayerForm form{.className = "Dense", .config = config};
  if (distributed) {
    form.className = "TimeDistributed";
    form.config = {{"layer", {{"class_name", "Dense"}, {"config", config}}}};
  }
  form.shape = [features = layer.shape(0)[0], units = layer.shape(0)[1], distributed](
                   const Inputs& inputs, Unknowns& unknowns) -> Result {
    Sizes output = inputs[0];
    if ((distributed && output.size() != 2) || !is(unknowns, output.back(), features)) return std::nullopt;
    output.back() = Size::of(units);
    return output;
  };
  return {std::move(form)};
}

LayerForm embeddingForm(const SeenLayer& layer) {
  LayerForm form{.className = "Embedding",
                 .config = {{"input_dim", layer.shape(0)[0]}, {"output_dim", layer.shape(0)[1]}}};
  form.shape = [units = layer.shape(0)[1]](const Inputs& inputs, Unknowns&) -> Result {
    if (inputs[0].size() != 1) return std::nullopt;
    return Sizes{inputs[0][0], Size::of(units)};
  };
  return form;
}

/// The timesteps after it depend on its padding.
LayerForm convolutionForm(const SeenLayer& layer) {
  LayerForm form{.className = "Conv1D",
                 .config = {{"kernel_size", {layer.shape(0)[0]}},
                            {"filters", layer.shape(0)[2]},
                            {"use_bias", layer.tensors.size() == 2}}};
  form.shape = [features = layer.shape(0)[1], filters = layer.shape(0)[2]](const Inputs& inputs,
                                                                           Unknowns& unknowns) -> Result {
    if (inputs[0].size() != 2 || !is(unknowns, inputs[0][1], features)) return std::nullopt;
    return Sizes{unknowns.fresh(), Size::of(filters)};
  };
  return form;
}

bool isNormalisation(const SeenLayer& layer) {
  return layer.has("normalization") || layer.role(layer.tensors.size() - 1) == "moving_variance";
}

LayerForm normalisationForm(const SeenLayer& layer) {
  const bool batch = layer.has("batch") || layer.role(layer.tensors.size() - 1) == "moving_variance";
  const size_t own = batch ? layer.tensors.size() - 2 : layer.tensors.size();  // without the moving averages
  const bool one = own == 1;
  LayerForm form{.className = batch ? "BatchNormalization" : "LayerNormalization", .config = {{"axis", -1}}};
  form.config["scale"] = own == 2 || (one && layer.role(0) != "beta");
  form.config["center"] = own == 2 || (one && layer.role(0) == "beta");
  form.shape = [width = layer.shape(0)[0]](const Inputs& inputs, Unknowns& unknowns) -> Result {
    if (!is(unknowns, inputs[0].back(), width)) return std::nullopt;
    return inputs[0];
  };
  return form;
}

/// A layer of the user's own that weighs the timesteps and sums them, by its weights: W (d, …), then maybe
/// more. One with a bias for each timestep says how many there are. How exactly it computes is decided where
/// such layers are made.
std::vector<LayerForm> attentionForms(const SeenLayer& layer) {
  const std::vector<int64_t>& first = layer.shape(0);
  if (first.empty() || first.size() > 2 || layer.tensors.size() > 5) return {};
  const bool column = first.size() == 1 || first[1] == 1;
  std::optional<int64_t> steps;
  if (column && layer.tensors.size() == 2 && layer.shape(1)[0] > 1) steps = layer.shape(1)[0];
  const bool self =
      layer.tensors.size() == 5 || (!column && layer.tensors.size() == 2 && layer.shape(1)[0] == 1);
  const std::string called = layer.groupClass();
  LayerForm form{.className = called.empty() ? "Attention" : called};
  form.shape = [width = first[0], steps, self](const Inputs& inputs, Unknowns& unknowns) -> Result {
    const Sizes& input = inputs[0];
    if (input.size() != 2 || !is(unknowns, input[1], width)) return std::nullopt;
    if (steps && !is(unknowns, input[0], *steps)) return std::nullopt;
    return self ? input : Sizes{input[1]};
  };
  return {std::move(form)};
}

}  // namespace

std::vector<LayerForm> weightedForms(const SeenLayer& layer) {
  const std::span<const TensorView* const> tensors = layer.tensors;
  const auto isEmpty = [](const TensorView* tensor) { return tensor->shape.empty() || tensor->count() == 0; };
  if (std::any_of(tensors.begin(), tensors.end(), isEmpty)) return {};
  if (isNormalisation(layer) && layer.shape(0).size() == 1) return {normalisationForm(layer)};
  if (tensors.size() == 1 && layer.shape(0).size() == 2 &&
      (layer.role(0) == "embeddings" || layer.has("embed")))
    return {embeddingForm(layer)};
  if (isKernelAndBias(layer, 2)) return denseForms(layer);
  if (isKernelAndBias(layer, 3)) return {convolutionForm(layer)};
  if (const auto one = recurrentWeights(tensors); one && isCalledRecurrent(layer))
    return recurrentForms(layer, *one);
  const size_t half = tensors.size() / 2;
  const auto forward = recurrentWeights(tensors.first(half));
  const auto backward = recurrentWeights(tensors.subspan(half));
  if (forward && backward && isCalledRecurrent(layer)) return bidirectionalForms(layer, *forward);
  return attentionForms(layer);
}

}  // namespace charglow
