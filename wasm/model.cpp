#include "model.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "bundle/strict_json.h"
#include "error.h"
#include "keras/graph_builder.h"
#include "keras/graph_spec.h"

namespace charglow {
namespace {

std::string textOf(const Bundle& bundle, std::string_view key, std::string absent = "") {
  const std::optional<std::string_view> value = bundle.metadata(key);
  return value ? std::string(*value) : std::move(absent);
}

/// What the model's input is fed. Ids where it is (batch, timesteps) and only Embeddings read it; one-hot
/// rows where it is (batch, timesteps, tokens), something else reads it, and the text encoding says so;
/// numbers otherwise.
std::pair<InputKind, int> inputKindOf(const Graph& graph, bool oneHot) {
  const size_t input = graph.inputs[0];
  const Shape& shape = graph.nodes[input].shape;
  std::optional<int> ids;
  bool others = false;
  for (const size_t reader : graph.readersOf(input)) {
    const std::optional<int> known = graph.nodes[reader].layer->idCount();
    others = others || !known;
    if (known) ids = std::min(*known, ids.value_or(*known));
  }
  if (shape.size() == 2 && ids && !others) return {InputKind::Ids, *ids};
  if (shape.size() == 3 && shape[2].known() && !ids && oneHot) return {InputKind::OneHot, shape[2].size};
  return {InputKind::Values, 0};
}

/// Labels name the classes of the first output; a single unit tells two apart.
void checkLabels(const Graph& graph, const nlohmann::json& labels, const std::string& where) {
  const Dim& units = graph.nodes[graph.outputs[0]].shape.back();
  const int classes = units.size == 1 ? 2 : units.size;
  if (labels.empty() || !units.known() || labels.size() == static_cast<size_t>(classes)) return;
  throw Error({"labels", where, std::to_string(classes) + " names, one for each class of the model's output",
               std::to_string(labels.size()), "Convert it again with --labels."});
}

}  // namespace

std::shared_ptr<const Model> Model::open(std::vector<std::byte> bytes, std::string fileName) {
  const Bundle bundle = Bundle::open(std::move(bytes), fileName);
  auto core = std::make_shared<Core>();
  core->fileName = fileName;
  core->fileSize = bundle.fileSize();
  core->dialect = Dialect::parse(textOf(bundle, "keras_version"));
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

  const std::optional<std::string_view> config = bundle.metadata("model_config");
  if (!config) {
    throw Error({"no-architecture", fileName, "the model's architecture (model_config)", "weights only",
                 "Convert it together with its architecture: convert.py weights.h5 --config model.json, "
                 "where model.json "
                 "holds model.to_json()."});
  }
  if (core->dialect.version.empty()) {
    core->assumptions.push_back(
        "The file does not say which Keras wrote it; Keras 2 is assumed (it decides what hard_sigmoid "
        "means).");
  }
  const nlohmann::json parsed = parseStrictJson(*config, fileName + ", model_config", limits::kConfigDepth);
  const GraphSpec spec = readGraphSpec(parsed, fileName + ", model_config");
  core->graph = buildGraph(spec, bundle, core->dialect, core->assumptions);
  core->attention = findAttention(core->graph);
  checkLabels(core->graph, parseStrictJson(core->labels, fileName + ", labels"), fileName + ", labels");

  std::shared_ptr<Model> model(new Model());
  model->core_ = std::move(core);
  std::tie(model->inputKind_, model->idCount_) = inputKindOf(model->graph(), false);
  if (const std::optional<std::string_view> text = bundle.metadata("text")) {
    const std::string where = fileName + ", text";
    model->setText(parseTextSpec(parseStrictJson(*text, where, limits::kHeaderDepth), where), where);
  }
  return model;
}

std::shared_ptr<const Model> Model::withText(std::string_view vocabulary, std::string_view fileName) const {
  std::shared_ptr<Model> model(new Model(*this));
  model->setText(parseVocabulary(vocabulary, fileName), std::string(fileName));
  return model;
}

void Model::setText(TextSpec spec, const std::string& where) {
  const Shape& input = inputShape();
  // A model with an input of rows, as wide as the vocabulary, has no other use for ids than one-hot rows.
  if (!spec.oneHot && input.size() == 3) {
    spec.oneHot = true;
    spec.assumed.push_back("One-hot rows are fed, since the model's input has shape " + shapeText(input) +
                           ".");
  }
  std::tie(inputKind_, idCount_) = inputKindOf(graph(), spec.oneHot);
  if (spec.oneHot && inputKind_ != InputKind::OneHot) {
    throw Error({"text-input", where + ", one_hot", "an input of shape (None, timesteps, tokens)",
                 shapeText(input), "Leave one_hot out: this model is fed ids."});
  }
  if (inputKind_ == InputKind::Values) {
    throw Error({"text-input", where, "a model that reads ids (an Embedding after its input) or one-hot rows",
                 "an input of shape " + shapeText(input) + " that is fed numbers", ""});
  }
  if (spec.length && input[1].known() && *spec.length != input[1].size) {
    throw Error({"text-length", where + ", length",
                 std::to_string(input[1].size) + " timesteps, as the model's input",
                 std::to_string(*spec.length), ""});
  }
  checkIds(spec, idCount_, where);
  encoder_.emplace(std::move(spec));
}

int Model::textLength() const {
  const Dim& steps = inputShape()[1];
  if (steps.known()) return steps.size;
  return encoder_ && encoder_->spec().length ? *encoder_->spec().length : -1;
}

}  // namespace charglow
