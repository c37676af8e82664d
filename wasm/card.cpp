// What a loaded model tells about itself: ModelCard of engine.d.ts.

#include <algorithm>
#include <set>
#include <utility>

#include "model.h"
#include "parity.h"
#include "text/json_writer.h"
#include "text/utf8.h"

namespace charglow {
namespace {

void writeSize(JsonWriter& json, const std::optional<int32_t>& size) {
  if (size) {
    json.number(*size);
  } else {
    json.null();
  }
}

void writeShape(JsonWriter& json, const Shape& shape) {
  json.beginArray();
  for (const Dim& dim : shape) writeSize(json, dim.known() ? std::optional(dim.size) : std::nullopt);
  json.endArray();
}

void writeStrings(JsonWriter& json, const std::vector<std::string>& texts) {
  json.beginArray();
  for (const std::string& text : texts) json.string(text);
  json.endArray();
}

void writeLower(JsonWriter& json, TextSpec::Lower lower) {
  if (lower == TextSpec::Lower::Ascii) {
    json.string("ascii");
  } else {
    json.boolean(lower == TextSpec::Lower::Unicode);
  }
}

/// TextEncoding of engine.d.ts; null where an input has no vocabulary.
void writeText(JsonWriter& json, const Model& model, size_t input) {
  if (model.encoder(input) == nullptr) {
    json.null();
    return;
  }
  const TextSpec& spec = model.encoder(input)->spec();
  const int length = model.textLength(input);
  const auto end = [](TextSpec::End which) { return which == TextSpec::End::Pre ? "pre" : "post"; };
  const std::string& layer = model.inputs()[input].textLayer;
  json.beginObject().key("layer");
  if (layer.empty()) {
    json.null();
  } else {
    json.string(layer);
  }
  json.key("unit").string(spec.unit == TextSpec::Unit::Char ? "char" : "word");
  json.key("tokens").number(static_cast<int64_t>(spec.vocabulary.size()));
  writeLower(json.key("lower"), spec.lower);
  json.key("strip").string(encodeUtf8(spec.strip));
  writeSize(json.key("oov"), spec.oov);
  json.key("pad").number(spec.pad);
  writeSize(json.key("start"), spec.start);
  json.key("padding").string(end(spec.padding));
  json.key("truncating").string(end(spec.truncating));
  writeSize(json.key("length"), length < 0 ? std::nullopt : std::optional(length));
  json.key("one_hot").boolean(spec.oneHot);
  writeStrings(json.key("assumed"), layer.empty() ? otherwiseAssumed(spec) : spec.assumed);
  json.endObject();
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

void writeLayers(JsonWriter& json, const Graph& graph) {
  json.beginArray();
  for (const Node& node : graph.nodes) {
    if (node.output > 0) continue;
    int parameters = 0;
    for (size_t i = 0; i < graph.layers.size(); ++i) {
      // A shared layer's weights are counted at its first call.
      if (graph.layers[i].get() == node.layer && node.call == 0) parameters = graph.parameters[i];
    }
    json.beginObject().key("name").string(node.layer->name());
    json.key("class_name").string(node.layer->className());
    writeShape(json.key("shape"), node.shape);
    json.key("parameters").number(parameters);
    json.key("inputs").beginArray();
    for (const size_t from : node.inputs) json.string(graph.nodes[from].name());
    json.endArray();
    json.key("detail").string(node.layer->detail()).endObject();
  }
  json.endArray();
}

/// StepMap of engine.d.ts; null where the axis does not run along an input's timesteps.
void writeSteps(JsonWriter& json, const Dim& dim) {
  if (!dim.isTime() || dim.steps.input == Steps::kNoInput) {
    json.null();
    return;
  }
  json.beginObject().key("input").number(dim.steps.input);
  json.key("stride").number(dim.steps.stride);
  json.key("offset").number(dim.steps.offset);
  json.key("width").number(dim.steps.width).endObject();
}

/// SignalCard of engine.d.ts. `tensor`: the shape of what the signal is read from.
void writeSignal(JsonWriter& json, const AttentionSite& site, const char* kind, const Shape& tensor,
                 const Graph& graph) {
  const SignalValues signal = signalShape(site, tensor);
  json.beginObject().key("id").string(site.id);
  json.key("layer").string(graph.nodes[site.node].layer->name());
  json.key("kind").string(kind);
  json.key("axes").beginArray();
  for (const SignalAxis axis : signal.axes) json.string(axisName(axis));
  json.endArray();
  json.key("shape").beginArray();
  for (const int size : signal.shape) writeSize(json, size == kUnknown ? std::nullopt : std::optional(size));
  json.endArray();
  writeSteps(json.key("steps"), site.steps);
  json.key("queries");
  if (site.queries) {
    writeSteps(json, *site.queries);
  } else {
    json.null();
  }
  json.key("degenerate").boolean(site.degenerate);
  json.key("why").string(site.why).endObject();
}

void writeAssumptions(JsonWriter& json, const std::vector<Assumption>& assumptions) {
  json.beginArray();
  for (const Assumption& assumption : assumptions) {
    json.beginObject().key("id").string(assumption.id);
    json.key("text").string(assumption.text);
    json.key("value").string(assumption.value);
    json.key("options").beginArray();
    for (const Assumption::Option& option : assumption.options) {
      json.beginObject().key("value").string(option.value);
      json.key("label").string(option.label.empty() ? option.value : option.label).endObject();
    }
    json.endArray();
    json.key("open").boolean(assumption.open);
    json.key("chosen").boolean(assumption.chosen).endObject();
  }
  json.endArray();
}

void writeInputs(JsonWriter& json, const Model& model) {
  json.beginArray();
  for (size_t i = 0; i < model.inputs().size(); ++i) {
    json.beginObject().key("layer").string(model.graph().nodes[model.inputs()[i].node].layer->name());
    writeShape(json.key("shape"), model.inputShape(i));
    json.key("kind").string(kindName(model.inputs()[i].kind));
    writeText(json.key("text"), model, i);
    json.endObject();
  }
  json.endArray();
}

void writeOutputs(JsonWriter& json, const Graph& graph) {
  json.beginArray();
  for (const size_t output : graph.outputs) {
    const Node& node = graph.nodes[output];
    json.beginObject().key("layer").string(graph.nameOf(output));
    writeShape(json.key("shape"), node.shape);
    json.key("activation").string(node.layer->activation()).endObject();
  }
  json.endArray();
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
  JsonWriter json;
  json.beginObject().key("title").string(core_->title);
  json.key("source").beginObject().key("layout").string(core_->layout);
  json.key("file").string(core_->sourceFile).endObject();
  json.key("keras_version").string(core_->dialect.version);
  json.key("backend").string(core_->backend);
  json.key("licence").string(core_->licence);
  // Both were read, and found to be what they should, when the bundle was opened.
  json.key("labels").json(core_->labels);
  json.key("examples").json(core_->examples);
  writeLayers(json.key("layers"), graph);
  json.key("parameters").number(parameters);
  json.key("bytes").number(static_cast<int64_t>(core_->fileSize));
  writeInputs(json.key("inputs"), *this);
  writeOutputs(json.key("outputs"), graph);
  json.key("attention").beginArray();
  for (const AttentionSite& site : core_->attention)
    writeSignal(json, site, "attention", graph.nodes[site.node].shape, graph);
  json.endArray();
  json.key("states").beginArray();
  for (const StateSite& site : core_->states)
    writeSignal(json, site, site.gate ? "gate" : "state", site.shape(graph), graph);
  json.endArray();
  json.key("gradients").beginArray();
  for (const GradientSite& site : core_->gradients)
    writeSignal(json, site, "gradient", site.shape(graph), graph);
  json.endArray();
  writeText(json.key("text"), *this, textInput(*this));
  writeAssumptions(json.key("assumptions"), assumptions);
  writeStrings(json.key("notes"), notes);
  json.key("parity_cases").number(static_cast<int64_t>(countParityCases(core_->parity))).endObject();
  return json.take();
}

}  // namespace charglow
