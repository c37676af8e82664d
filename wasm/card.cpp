// What a loaded model tells about itself: ModelCard of engine.d.ts.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "model.h"
#include "text/utf8.h"

namespace charglow {
namespace {

using Json = nlohmann::ordered_json;

Json shapeJson(const Shape& shape) {
  Json sizes = Json::array();
  for (const Dim& dim : shape) sizes.push_back(dim.known() ? Json(dim.size) : Json(nullptr));
  return sizes;
}

Json sizeOrNull(const std::optional<int32_t>& size) { return size ? Json(*size) : Json(nullptr); }

Json lowerJson(TextSpec::Lower lower) {
  if (lower == TextSpec::Lower::Ascii) return "ascii";
  return lower == TextSpec::Lower::Unicode;
}

/// TextEncoding of engine.d.ts; null where an input has no vocabulary.
Json textJson(const Model& model, size_t input) {
  if (model.encoder(input) == nullptr) return nullptr;
  const TextSpec& spec = model.encoder(input)->spec();
  const int length = model.textLength(input);
  const auto end = [](TextSpec::End which) { return which == TextSpec::End::Pre ? "pre" : "post"; };
  const std::string& layer = model.inputs()[input].textLayer;
  return {{"layer", layer.empty() ? Json(nullptr) : Json(layer)},
          {"unit", spec.unit == TextSpec::Unit::Char ? "char" : "word"},
          {"tokens", spec.vocabulary.size()},
          {"lower", lowerJson(spec.lower)},
          {"strip", encodeUtf8(spec.strip)},
          {"oov", sizeOrNull(spec.oov)},
          {"pad", spec.pad},
          {"start", sizeOrNull(spec.start)},
          {"padding", end(spec.padding)},
          {"truncating", end(spec.truncating)},
          {"length", length < 0 ? Json(nullptr) : Json(length)},
          {"one_hot", spec.oneHot},
          {"assumed", layer.empty() ? otherwiseAssumed(spec) : spec.assumed}};
}

/// A vocabulary much smaller than the model's is most likely another model's.
std::string unusedIds(const TextSpec& spec, int rows) {
  int32_t largest = spec.pad;
  for (const auto& [token, id] : spec.vocabulary) largest = std::max(largest, id);
  // One row more than ids is usual: Tokenizer starts at 1, and people add one to len(word_index) once too
  // often.
  if (largest + 2 >= rows) return "";
  return "The vocabulary's largest id is " + std::to_string(largest) + ", the model knows ids up to " +
         std::to_string(rows - 1) + ": is it this model's vocabulary?";
}

const char* kindName(InputKind kind) {
  switch (kind) {
    case InputKind::Ids:
      return "ids";
    case InputKind::OneHot:
      return "one_hot";
    case InputKind::Values:
      break;
  }
  return "values";
}

Json layerCards(const Graph& graph) {
  Json cards = Json::array();
  for (const Node& node : graph.nodes) {
    if (node.output > 0) continue;
    Json inputs = Json::array();
    for (const size_t from : node.inputs) inputs.push_back(graph.nodes[from].name());
    int parameters = 0;
    for (size_t i = 0; i < graph.layers.size(); ++i) {
      // A shared layer's weights are counted at its first call.
      if (graph.layers[i].get() == node.layer && node.call == 0) parameters = graph.parameters[i];
    }
    cards.push_back({{"name", node.layer->name()},
                     {"class_name", node.layer->className()},
                     {"shape", shapeJson(node.shape)},
                     {"parameters", parameters},
                     {"inputs", std::move(inputs)},
                     {"detail", node.layer->detail()}});
  }
  return cards;
}

/// StepMap of engine.d.ts; null where the axis does not run along an input's timesteps.
Json stepsJson(const Dim& dim) {
  if (!dim.isTime() || dim.steps.input == Steps::kNoInput) return nullptr;
  return {{"input", dim.steps.input},
          {"stride", dim.steps.stride},
          {"offset", dim.steps.offset},
          {"width", dim.steps.width}};
}

/// SignalCard of engine.d.ts. `tensor`: the shape of what the signal is read from.
Json signalCard(const AttentionSite& site, const char* kind, const Shape& tensor, const Graph& graph) {
  const SignalValues signal = signalShape(site, tensor);
  Json axes = Json::array();
  for (const SignalAxis axis : signal.axes) axes.push_back(axisName(axis));
  Json shape = Json::array();
  for (const int size : signal.shape) shape.push_back(size == kUnknown ? Json(nullptr) : Json(size));
  return {{"id", site.id},
          {"layer", graph.nodes[site.node].layer->name()},
          {"kind", kind},
          {"axes", std::move(axes)},
          {"shape", std::move(shape)},
          {"steps", stepsJson(site.steps)},
          {"queries", site.queries ? stepsJson(*site.queries) : Json(nullptr)},
          {"degenerate", site.degenerate},
          {"why", site.why}};
}

Json attentionCards(const std::vector<AttentionSite>& sites, const Graph& graph) {
  Json cards = Json::array();
  for (const AttentionSite& site : sites)
    cards.push_back(signalCard(site, "attention", graph.nodes[site.node].shape, graph));
  return cards;
}

Json stateCards(const std::vector<StateSite>& sites, const Graph& graph) {
  Json cards = Json::array();
  for (const StateSite& site : sites)
    cards.push_back(signalCard(site, site.gate ? "gate" : "state", site.shape(graph), graph));
  return cards;
}

Json gradientCards(const std::vector<GradientSite>& sites, const Graph& graph) {
  Json cards = Json::array();
  for (const GradientSite& site : sites)
    cards.push_back(signalCard(site, "gradient", site.shape(graph), graph));
  return cards;
}

Json assumptionCards(const std::vector<Assumption>& assumptions) {
  Json cards = Json::array();
  for (const Assumption& assumption : assumptions) {
    Json options = Json::array();
    for (const Assumption::Option& option : assumption.options)
      options.push_back(
          {{"value", option.value}, {"label", option.label.empty() ? option.value : option.label}});
    cards.push_back({{"id", assumption.id},
                     {"text", assumption.text},
                     {"value", assumption.value},
                     {"options", std::move(options)},
                     {"open", assumption.open},
                     {"chosen", assumption.chosen}});
  }
  return cards;
}

Json inputCards(const Model& model) {
  Json cards = Json::array();
  for (size_t i = 0; i < model.inputs().size(); ++i) {
    cards.push_back({{"layer", model.graph().nodes[model.inputs()[i].node].layer->name()},
                     {"shape", shapeJson(model.inputShape(i))},
                     {"kind", kindName(model.inputs()[i].kind)},
                     {"text", textJson(model, i)}});
  }
  return cards;
}

/// The first input that text can be given to, or 0.
size_t textInput(const Model& model) {
  for (size_t i = 0; i < model.inputs().size(); ++i) {
    if (model.inputs()[i].kind != InputKind::Values) return i;
  }
  return 0;
}

}  // namespace

std::string Model::card() const {
  const Graph& graph = this->graph();
  Json outputs = Json::array();
  for (const size_t output : graph.outputs) {
    const Node& node = graph.nodes[output];
    outputs.push_back({{"layer", graph.nameOf(output)},
                       {"shape", shapeJson(node.shape)},
                       {"activation", node.layer->activation()}});
  }
  int parameters = 0;
  for (const int count : graph.parameters) parameters += count;
  std::vector<std::string> notes;
  std::vector<Assumption> assumptions = core_->choices.assumptions();
  bool told = false;                   // the inputs that read text as it was given apart share one encoding
  std::set<const TextEncoder*> noted;  // several inputs may share one
  for (const ModelInput& input : inputs_) {
    if (input.encoder == nullptr || !noted.insert(input.encoder.get()).second) continue;
    for (std::string& note : notesOn(input.encoder->spec())) notes.push_back(std::move(note));
    // An Embedding made for more tokens than the model's own layer found is nothing to wonder at.
    std::string unused = input.textLayer.empty() ? unusedIds(input.encoder->spec(), input.idCount) : "";
    if (!unused.empty()) notes.push_back(std::move(unused));
    if (!input.textLayer.empty() || std::exchange(told, true)) continue;
    for (Assumption& assumption : core_->textChoices.assumptions(input.encoder->spec()))
      assumptions.push_back(std::move(assumption));
  }
  const Json parity = core_->parity.empty() ? Json(nullptr) : Json::parse(core_->parity, nullptr, false);
  const Json card = {
      {"title", core_->title},
      {"source", {{"layout", core_->layout}, {"file", core_->sourceFile}}},
      {"keras_version", core_->dialect.version},
      {"backend", core_->backend},
      {"licence", core_->licence},
      {"labels", Json::parse(core_->labels, nullptr, false)},
      {"examples", Json::parse(core_->examples, nullptr, false)},
      {"layers", layerCards(graph)},
      {"parameters", parameters},
      {"bytes", core_->fileSize},
      {"inputs", inputCards(*this)},
      {"outputs", std::move(outputs)},
      {"attention", attentionCards(core_->attention, graph)},
      {"states", stateCards(core_->states, graph)},
      {"gradients", gradientCards(core_->gradients, graph)},
      {"text", textJson(*this, textInput(*this))},
      {"assumptions", assumptionCards(assumptions)},
      {"notes", std::move(notes)},
      {"parity_cases", parity.is_object() && parity.contains("cases") ? parity["cases"].size() : 0}};
  return card.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace charglow
