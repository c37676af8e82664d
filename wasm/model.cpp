#include "model.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "bundle/strict_json.h"
#include "error.h"
#include "keras/blocks/expand_blocks.h"
#include "keras/expand_operations.h"
#include "keras/graph_builder.h"
#include "keras/graph_spec.h"
#include "keras/infer/proposal.h"
#include "keras/infer/seen_layer.h"
#include "keras/keras_1.h"
#include "keras/nested_models.h"
#include "keras/text_front.h"
#include "keras/weights_tree.h"

namespace charglow {
namespace {

std::string textOf(const Bundle& bundle, std::string_view key, std::string absent = "") {
  const std::optional<std::string_view> value = bundle.metadata(key);
  return value ? std::string(*value) : std::move(absent);
}

/// What an input is fed. Ids where it is (batch, timesteps) and an Embedding reads it, whatever else does;
/// one-hot rows where it is (batch, timesteps, tokens), something else reads it, and the text encoding says
/// so; numbers otherwise.
ModelInput describedInput(const Graph& graph, size_t input, bool oneHot) {
  const Shape& shape = graph.nodes[input].shape;
  std::optional<int> ids;
  for (const size_t reader : graph.readersOf(input)) {
    if (const std::optional<int> known = graph.nodes[reader].layer->idCount())
      ids = std::min(*known, ids.value_or(*known));
  }
  if (shape.size() == 2 && ids) return {.node = input, .kind = InputKind::Ids, .idCount = *ids};
  if (shape.size() == 3 && shape[2].known() && !ids && oneHot)
    return {.node = input, .kind = InputKind::OneHot, .idCount = shape[2].size};
  return {.node = input};
}

std::vector<ModelInput> describedInputs(const Graph& graph, bool oneHot) {
  std::vector<ModelInput> inputs;
  for (const size_t input : graph.inputs) inputs.push_back(describedInput(graph, input, oneHot));
  return inputs;
}

/// Labels name the classes of the first output; a single unit tells two apart.
void checkLabels(const Graph& graph, const nlohmann::json& labels, const std::string& where) {
  const Dim& units = graph.nodes[graph.outputs[0]].shape.back();
  const int classes = units.size == 1 ? 2 : units.size;
  if (labels.empty() || !units.known() || labels.size() == static_cast<size_t>(classes)) return;
  throw Error({"labels", where, std::to_string(classes) + " names, one for each class of the model's output",
               std::to_string(labels.size()), "Convert it again with --labels."});
}

/// The bundle's own choices, overridden by those given.
std::map<std::string, std::string, std::less<>> choicesOf(const Bundle& bundle, const std::string& fileName,
                                                          const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string, std::less<>> all(given.begin(), given.end());
  const std::string where = fileName + ", choices";
  const nlohmann::json own = parseStrictJson(textOf(bundle, "choices", "{}"), where, limits::kHeaderDepth);
  if (!own.is_object()) throw Error({"choices", where, "an object", describeJson(own), ""});
  for (const auto& [id, value] : own.items()) {
    if (!value.is_string()) throw Error({"choices", where + ", " + id, "a string", describeJson(value), ""});
    all.emplace(id, value.get<std::string>());
  }
  return all;
}

/// Which Keras wrote the file: as it says, as its architecture, or its weights' names, or its layout show.
Dialect dialectOf(const Bundle& bundle, const std::optional<nlohmann::json>& config, Choices& choices) {
  const std::string shown = config ? Dialect::versionOf(*config) : "";
  const Dialect dialect = Dialect::parse(textOf(bundle, "keras_version", shown), textOf(bundle, "backend"));
  if (!dialect.version.empty()) return dialect;
  if (!config && namesWeightsAsKeras1(bundle)) return Dialect::parse("1", "");
  const bool tree = isTreeLayout(bundle.layout());
  choices.note("keras_version", "The file does not say which Keras wrote it; Keras " +
                                    std::string(tree ? "3" : "2") +
                                    " is assumed (it decides what hard_sigmoid means).");
  return tree ? Dialect::parse("3", "") : dialect;
}

/// What Keras 1's files of models with convolutions leave open.
bool choosesTheano(Choices& choices) {
  return choices.choose(
             "backend",
             "Keras 1 does not write down whether it ran on TensorFlow or on Theano, which compute "
             "convolutions and padded pooling differently from the same weights.",
             {{"tensorflow", "TensorFlow"}, {"theano", "Theano"}}, "tensorflow") == "theano";
}

}  // namespace

std::shared_ptr<const Model> Model::open(std::vector<std::byte> bytes, std::string fileName,
                                         const std::map<std::string, std::string>& choices) {
  const Bundle bundle = Bundle::open(std::move(bytes), fileName);
  auto core = std::make_shared<Core>();
  core->fileName = fileName;
  core->fileSize = bundle.fileSize();
  core->backend = textOf(bundle, "backend");
  core->licence = textOf(bundle, "licence");
  core->labels = textOf(bundle, "labels", "[]");
  core->examples = textOf(bundle, "examples", "[]");
  core->parity = textOf(bundle, "parity");
  const nlohmann::json source =
      parseStrictJson(textOf(bundle, "source"), fileName + ", source", limits::kHeaderDepth);
  core->layout = source.value("layout", "");
  core->sourceFile = source.value("file", "");
  core->title = textOf(bundle, "title", core->sourceFile);

  core->choices = Choices(choicesOf(bundle, fileName, choices));
  const std::string textAt = fileName + ", text";
  std::optional<TextSpec> text;
  if (const std::optional<std::string_view> given = bundle.metadata("text"))
    text = parseTextSpec(parseStrictJson(*given, textAt, limits::kHeaderDepth), textAt);
  const std::string where = fileName + ", model_config";
  std::optional<nlohmann::json> config;
  if (const std::optional<std::string_view> stated = bundle.metadata("model_config"))
    config = parseStrictJson(*stated, where, limits::kConfigDepth);
  core->dialect = dialectOf(bundle, config, core->choices);
  if (config && core->dialect.major == 1) {
    if (core->backend.empty() && dependsOnBackend(*config))
      core->dialect.theano = choosesTheano(core->choices);
    config = inKeras2(*config);
  }
  core->textChoices = TextChoices(core->choices);
  GraphSpec spec =
      config ? inlineModels(readGraphSpec(*config, where), where)
             : proposeArchitecture(bundle, core->dialect, text ? text->length : std::nullopt, core->choices);
  const std::vector<std::optional<TextFront>> fronts =
      takeTextFronts(spec, bundle, core->dialect, core->choices);
  spec = expandOperations(std::move(spec), core->dialect, core->choices);
  spec = expandBlocks(std::move(spec), bundle, core->dialect, core->choices);
  core->graph = buildGraph(spec, bundle, core->dialect, core->choices);
  if (std::vector<Problem> problems = core->choices.problems(); !problems.empty())
    throw Error(std::move(problems));
  core->attention = findAttention(core->graph);
  core->states = findStates(core->graph);
  core->gradients = findGradients(core->graph);
  checkLabels(core->graph, parseStrictJson(core->labels, fileName + ", labels"), fileName + ", labels");

  std::shared_ptr<Model> model(new Model());
  model->core_ = std::move(core);
  model->inputs_ = describedInputs(model->graph(), false);
  for (size_t i = 0; i < fronts.size(); ++i) {
    if (!fronts[i] || fronts[i]->lacksVocabulary) continue;
    model->setText(i, std::make_shared<TextEncoder>(fronts[i]->spec), "layer \"" + fronts[i]->layer + "\"");
    model->inputs_[i].textLayer = fronts[i]->layer;
  }
  if (text) model->setText(*std::move(text), textAt);
  return model;
}

std::shared_ptr<const Model> Model::withText(std::string_view vocabulary, std::string_view fileName) const {
  std::shared_ptr<Model> model(new Model(*this));
  model->setText(parseVocabulary(vocabulary, fileName), std::string(fileName));
  return model;
}

void Model::setText(TextSpec spec, const std::string& where) {
  core_->textChoices.apply(spec);
  // A model with an input of rows, as wide as the vocabulary, has no other use for ids than one-hot rows.
  const bool takesIds = std::any_of(inputs_.begin(), inputs_.end(),
                                    [](const ModelInput& input) { return input.kind == InputKind::Ids; });
  for (size_t i = 0; !spec.oneHot && !takesIds && i < inputs_.size(); ++i) {
    if (inputShape(i).size() != 3) continue;
    spec.oneHot = true;
    spec.assumed.push_back("One-hot rows are fed, since the model's input has shape " +
                           shapeText(inputShape(i)) + ".");
  }
  inputs_ = describedInputs(graph(), spec.oneHot);
  const InputKind wanted = spec.oneHot ? InputKind::OneHot : InputKind::Ids;
  const auto encoder = std::make_shared<const TextEncoder>(std::move(spec));
  bool read = false;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].kind != wanted) continue;
    setText(i, encoder, where);
    read = true;
  }
  if (!read && wanted == InputKind::OneHot) {
    throw Error({"text-input", where + ", one_hot", "an input of shape (None, timesteps, tokens)",
                 shapeText(inputShape()), "Leave one_hot out: this model is fed ids."});
  }
  if (!read) setText(0, encoder, where);  // which says why it cannot
}

void Model::setText(size_t input, std::shared_ptr<const TextEncoder> encoder, const std::string& where) {
  if (inputs_[input].kind == InputKind::Values) {
    throw Error({"text-input", where, "a model that reads ids (an Embedding after its input) or one-hot rows",
                 "an input of shape " + shapeText(inputShape(input)) + " that is fed numbers", ""});
  }
  const Dim& steps = inputShape(input)[1];
  if (const auto length = encoder->spec().length; length && steps.known() && *length != steps.size) {
    throw Error({"text-length", where + ", length",
                 std::to_string(steps.size) + " timesteps, as the model's input", std::to_string(*length),
                 ""});
  }
  checkIds(encoder->spec(), inputs_[input].idCount, where);
  inputs_[input].encoder = std::move(encoder);
}

int Model::textLength(size_t input) const {
  const Dim& steps = inputShape(input)[1];
  if (steps.known()) return steps.size;
  const TextEncoder* encoder = this->encoder(input);
  return encoder == nullptr ? -1 : encoder->spec().length.value_or(-1);
}

}  // namespace charglow
