// What a loaded model tells about itself: ModelCard of engine.d.ts.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model.h"

namespace charglow {
namespace {

using Json = nlohmann::ordered_json;

Json shapeJson(const Shape& shape) {
  Json sizes = Json::array();
  for (const Dim& dim : shape) sizes.push_back(dim.known() ? Json(dim.size) : Json(nullptr));
  return sizes;
}

Json sizeOrNull(const std::optional<int32_t>& size) { return size ? Json(*size) : Json(nullptr); }

Json textJson(const TextEncoder& encoder, int length) {
  const TextSpec& spec = encoder.spec();
  const auto end = [](TextSpec::End which) { return which == TextSpec::End::Pre ? "pre" : "post"; };
  return {{"unit", spec.unit == TextSpec::Unit::Char ? "char" : "word"},
          {"tokens", spec.vocabulary.size()},
          {"lower", spec.lower},
          {"oov", sizeOrNull(spec.oov)},
          {"pad", spec.pad},
          {"padding", end(spec.padding)},
          {"truncating", end(spec.truncating)},
          {"length", length < 0 ? Json(nullptr) : Json(length)},
          {"one_hot", spec.oneHot},
          {"assumed", spec.assumed}};
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

Json attentionCards(const std::vector<AttentionSite>& sites, const Graph& graph) {
  Json cards = Json::array();
  for (const AttentionSite& site : sites) {
    const Node& node = graph.nodes[site.node];
    const Dim& steps = graph.nodes[site.weighed].shape[site.weighedAxis];
    cards.push_back({{"id", site.id},
                     {"layer", node.layer->name()},
                     {"kind", "vector"},
                     {"steps", steps.known() ? Json(steps.size) : Json(nullptr)},
                     {"degenerate", site.degenerate},
                     {"why", site.why}});
  }
  return cards;
}

}  // namespace

std::string Model::card() const {
  const Graph& graph = this->graph();
  Json outputs = Json::array();
  for (const size_t output : graph.outputs) {
    const Node& node = graph.nodes[output];
    outputs.push_back({{"layer", node.layer->name()},
                       {"shape", shapeJson(node.shape)},
                       {"activation", node.layer->activation()}});
  }
  int parameters = 0;
  for (const int count : graph.parameters) parameters += count;
  std::vector<std::string> notes;
  if (encoder_) {
    for (std::string& note : notesOn(encoder_->spec())) notes.push_back(std::move(note));
    if (const std::string unused = unusedIds(encoder_->spec(), idCount_); !unused.empty())
      notes.push_back(unused);
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
      {"inputs", Json::array({{{"layer", graph.nodes[graph.inputs[0]].layer->name()},
                               {"shape", shapeJson(inputShape())},
                               {"kind", kindName(inputKind_)}}})},
      {"outputs", std::move(outputs)},
      {"attention", attentionCards(core_->attention, graph)},
      {"text", encoder_ ? textJson(*encoder_, textLength()) : Json(nullptr)},
      {"assumptions", core_->assumptions},
      {"notes", std::move(notes)},
      {"parity_cases", parity.is_object() && parity.contains("cases") ? parity["cases"].size() : 0}};
  return card.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace charglow
