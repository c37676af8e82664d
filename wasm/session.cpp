#include "session.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "error.h"

namespace charglow {

Session::Session(std::shared_ptr<const Model> model) : model_(std::move(model)) {
  values_.resize(model_->graph().nodes.size());
  scratch_.resize(model_->graph().nodes.size());
}

void Session::setText(const SourceText& text) {
  ran_ = false;
  if (model_->encoder() == nullptr) {
    throw Error({"no-vocabulary", "the model", "a vocabulary", "none",
                 "Give it one: a Tokenizer JSON, a {token: id} JSON or a charset."});
  }
  model_->encoder()->encode(text, model_->textLength(), encoded_);
  if (encoded_.ids.empty()) {
    throw Error({"empty-text", "the text", "at least one character the model knows", "none",
                 "This model takes texts of any length, but not of none."});
  }
  hasText_ = true;
  feedIds(encoded_.ids, 1);
}

void Session::setIds(std::span<const int32_t> ids, int batch) {
  ran_ = false;
  if (model_->inputKind() == InputKind::Values) {
    throw Error({"input-kind", "the model's input", "numbers of shape " + shapeText(model_->inputShape()),
                 "ids", ""});
  }
  if (batch < 1 || ids.empty() || ids.size() % static_cast<size_t>(batch) != 0) {
    throw Error({"input-shape", "ids", "as many for each of " + std::to_string(batch) + " rows",
                 std::to_string(ids.size()), ""});
  }
  const std::vector<int32_t> copy(ids.begin(), ids.end());
  encoded_ = {};
  encoded_.ids = copy;
  encoded_.padding.assign(copy.size(), 0);
  hasText_ = false;
  feedIds(encoded_.ids, batch);
}

void Session::feedIds(std::span<const int32_t> ids, int batch) {
  const Shape& expected = model_->inputShape();
  const int steps = static_cast<int>(ids.size()) / batch;
  if (expected[1].known() && expected[1].size != steps) {
    throw Error({"input-shape", "the model's input", std::to_string(expected[1].size) + " timesteps",
                 std::to_string(steps), "Fill them up with the model's padding id, or give a text."});
  }
  Shape shape = expected;
  shape[0].size = batch;
  shape[1].size = steps;
  checkSize(*model_->graph().nodes[model_->graph().inputs[0]].layer, shape);
  Value& input = values_[model_->graph().inputs[0]];
  input.reshape(shape);
  const int count = model_->idCount();
  if (model_->inputKind() == InputKind::OneHot) std::fill(input.data.begin(), input.data.end(), 0.0f);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= count) {
      throw Error({"id-out-of-range", "the model's input, timestep " + std::to_string(i),
                   "an id from 0 to " + std::to_string(count - 1), std::to_string(ids[i]), ""});
    }
    if (model_->inputKind() == InputKind::OneHot) {
      input.data[i * static_cast<size_t>(count) + static_cast<size_t>(ids[i])] = 1.0f;
    } else {
      input.data[i] = static_cast<float>(ids[i]);
    }
  }
  run(shape);
}

void Session::setInput(std::span<const float> values, std::span<const int> sizes) {
  ran_ = false;
  const Shape& expected = model_->inputShape();
  Shape shape = expected;
  bool fits = sizes.size() == expected.size();
  for (size_t i = 0; fits && i < sizes.size(); ++i) {
    fits = sizes[i] >= 1 && (!expected[i].known() || expected[i].size == sizes[i]);
    shape[i].size = sizes[i];
  }
  if (fits) checkSize(*model_->graph().nodes[model_->graph().inputs[0]].layer, shape);
  if (!fits || static_cast<size_t>(elementCount(shape)) != values.size()) {
    std::string given = "(";
    for (const int size : sizes) given += (given.size() > 1 ? ", " : "") + std::to_string(size);
    throw Error({"input-shape", "the model's input", "shape " + shapeText(expected),
                 given + ") with " + std::to_string(values.size()) + " values", ""});
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw Error({"not-finite", "the model's input, value " + std::to_string(i), "a finite number",
                   std::to_string(values[i]), ""});
    }
  }
  encoded_ = {};
  hasText_ = false;
  Value& input = values_[model_->graph().inputs[0]];
  input.reshape(shape);
  std::copy(values.begin(), values.end(), input.data.begin());
  run(shape);
}

namespace {

/// A mask is one flag for each timestep of each row, whoever hands it on: what reads it relies on that.
void checkMask(const Node& node, const Output& output) {
  if (output.mask.empty()) return;
  const size_t steps =
      static_cast<size_t>(elementCount(output.shape, 0, std::min<size_t>(output.shape.size(), 2)));
  if (output.mask.size() == steps) return;
  throw Error({"mask-shape", "layer \"" + node.name() + "\"",
               "a mask for " + std::to_string(steps) + " timesteps",
               "one for " + std::to_string(output.mask.size()), "Keras cannot run this model either."});
}

void checkFinite(const Node& node, const Value& value) {
  for (const float number : value.data) {
    if (std::isfinite(number)) continue;
    throw Error({"not-finite", "output of \"" + node.name() + "\"", "finite numbers", std::to_string(number),
                 "The weights, or this input, are beyond what the model can compute."});
  }
}

}  // namespace

void Session::run(const Shape& inputShape) {
  const Graph& graph = model_->graph();
  if (inputShape != inputShape_) {
    inputShape_.clear();  // so that a refused shape is not taken as settled
    const std::vector<Shape> shapes = graph.inferShapes(inputShape);
    for (size_t i = 0; i < shapes.size(); ++i) {
      if (i != graph.inputs[0]) values_[i].reshape(shapes[i]);
    }
    inputShape_ = inputShape;
  }
  std::vector<View> inputs;
  std::vector<Output> outputs;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (i == graph.inputs[0] || graph.nodes[i].output > 0) continue;
    inputs.clear();
    for (const size_t from : graph.nodes[i].inputs)
      inputs.push_back({values_[from].shape, values_[from].data, values_[from].mask});
    outputs.clear();
    for (size_t k = 0; k < graph.nodes[i].layer->outputCount(); ++k) {
      Value& value = values_[i + k];
      value.mask.clear();
      outputs.push_back({value.shape, value.data, value.mask});
    }
    graph.nodes[i].layer->forwardAll(inputs, outputs, scratch_[i]);
    for (const Output& output : outputs) checkMask(graph.nodes[i], output);
  }
  for (const size_t output : graph.outputs) checkFinite(graph.nodes[output], values_[output]);
  // An attention that is not a number can leave the outputs finite, behind a maximum or a relu.
  for (const AttentionSite& site : model_->attention())
    checkFinite(graph.nodes[site.node], values_[site.node]);
  ran_ = true;
}

const Value& Session::value(size_t node) const {
  if (!ran_)
    throw Error(
        {"no-run", "the session", "a text or input that was run", "none, or one that was refused", ""});
  return values_[node];
}

size_t Session::nodeOf(std::string_view layer) const {
  const std::vector<Node>& nodes = model_->graph().nodes;
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return node.name() == layer; });
  if (found == nodes.end()) {
    throw Error({"unknown-layer", "layer \"" + std::string(layer) + "\"", "a layer of the model",
                 "none of this name", ""});
  }
  return static_cast<size_t>(found - nodes.begin());
}

std::vector<float> Session::attention(const AttentionSite& site) const {
  if (site.degenerate) {
    return std::vector<float>(static_cast<size_t>(value(site.weighed).shape[site.weighedAxis].size), 1.0f);
  }
  const Value& softmax = value(site.node);
  std::vector<float> values(static_cast<size_t>(softmax.shape[site.softmaxAxis].size));
  readAttention(site, softmax, values);
  return values;
}

}  // namespace charglow
