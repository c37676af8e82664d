#include "session.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "error.h"
#include "kernels/reduce.h"

namespace charglow {

Session::Session(std::shared_ptr<const Model> model) : model_(std::move(model)) {
  fed_.resize(model_->inputs().size());
  values_.resize(model_->graph().nodes.size());
  scratch_.resize(model_->graph().nodes.size());
  masks_.resize(model_->graph().nodes.size());
}

void Session::setText(const SourceText& text, size_t input) {
  feedText(text, input);
  run();
}

void Session::setIds(std::span<const int32_t> ids, int batch, size_t input) {
  feedIds(ids, batch, input);
  run();
}

void Session::setInput(std::span<const float> values, std::span<const int> shape, size_t input) {
  feedInput(values, shape, input);
  run();
}

size_t Session::require(size_t input) const {
  if (input < fed_.size()) return input;
  throw Error({"unknown-input", "the model's inputs", "one of " + std::to_string(fed_.size()),
               "number " + std::to_string(input) + ", counted from 0", ""});
}

void Session::feedText(const SourceText& text, size_t input) {
  ran_ = false;
  Fed& fed = fed_[require(input)];
  const TextEncoder* encoder = model_->encoder(input);
  if (encoder == nullptr) {
    throw Error({"no-vocabulary", "the model", "a vocabulary", "none",
                 "Give it one: a Tokenizer JSON, a {token: id} JSON or a charset."});
  }
  if (model_->inputs()[input].kind == InputKind::Values) {
    throw Error({"input-kind", "the model's input " + std::to_string(input),
                 "numbers of shape " + shapeText(model_->inputShape(input)), "a text", ""});
  }
  encoder->encode(text, model_->textLength(input), fed.encoded);
  if (fed.encoded.ids.empty()) {
    throw Error({"empty-text", "the text", "at least one character the model knows", "none",
                 "This model takes texts of any length, but not of none."});
  }
  fed.hasText = true;
  store(fed.encoded.ids, 1, input);
}

void Session::feedIds(std::span<const int32_t> ids, int batch, size_t input) {
  ran_ = false;
  Fed& fed = fed_[require(input)];
  if (model_->inputs()[input].kind == InputKind::Values) {
    throw Error({"input-kind", "the model's input",
                 "numbers of shape " + shapeText(model_->inputShape(input)), "ids", ""});
  }
  if (batch < 1 || ids.empty() || ids.size() % static_cast<size_t>(batch) != 0) {
    throw Error({"input-shape", "ids", "as many for each of " + std::to_string(batch) + " rows",
                 std::to_string(ids.size()), ""});
  }
  std::vector<int32_t> copy(ids.begin(), ids.end());
  fed.encoded = {};
  fed.encoded.padding.assign(copy.size(), 0);
  fed.encoded.ids = std::move(copy);
  fed.hasText = false;
  store(fed.encoded.ids, batch, input);
}

/// Puts ids, or their one-hot rows, where the input's values go.
void Session::store(std::span<const int32_t> ids, int batch, size_t input) {
  const ModelInput& described = model_->inputs()[input];
  const Shape& expected = model_->inputShape(input);
  const int steps = static_cast<int>(ids.size()) / batch;
  if (expected[1].known() && expected[1].size != steps) {
    throw Error({"input-shape", "the model's input", std::to_string(expected[1].size) + " timesteps",
                 std::to_string(steps), "Fill them up with the model's padding id, or give a text."});
  }
  Shape shape = expected;
  shape[0].size = batch;
  shape[1].size = steps;
  checkSize(*model_->graph().nodes[described.node].layer, shape);
  Value& value = values_[described.node];
  value.reshape(shape);
  const int count = described.idCount;
  if (described.kind == InputKind::OneHot) std::fill(value.data.begin(), value.data.end(), 0.0f);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= count) {
      throw Error({"id-out-of-range", "the model's input, timestep " + std::to_string(i),
                   "an id from 0 to " + std::to_string(count - 1), std::to_string(ids[i]), ""});
    }
    if (described.kind == InputKind::OneHot) {
      value.data[i * static_cast<size_t>(count) + static_cast<size_t>(ids[i])] = 1.0f;
    } else {
      value.data[i] = static_cast<float>(ids[i]);
    }
  }
  fed_[input].shape = shape;
  fed_[input].given = true;
  last_ = input;
}

void Session::feedInput(std::span<const float> values, std::span<const int> sizes, size_t input) {
  ran_ = false;
  Fed& fed = fed_[require(input)];
  const Shape& expected = model_->inputShape(input);
  const size_t node = model_->inputs()[input].node;
  Shape shape = expected;
  bool fits = sizes.size() == expected.size();
  for (size_t i = 0; fits && i < sizes.size(); ++i) {
    fits = sizes[i] >= 1 && (!expected[i].known() || expected[i].size == sizes[i]);
    shape[i].size = sizes[i];
  }
  if (fits) checkSize(*model_->graph().nodes[node].layer, shape);
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
  fed.encoded = {};
  fed.hasText = false;
  Value& value = values_[node];
  value.reshape(shape);
  std::copy(values.begin(), values.end(), value.data.begin());
  fed.shape = shape;
  fed.given = true;
  last_ = input;
}

/// Inputs that were never given anything, or only without meaning it, follow the one that was: an empty text,
/// or zeros, in as many rows.
void Session::fillUnset() {
  const int batch = fed_[last_].shape.empty() ? 1 : fed_[last_].shape[0].size;
  for (size_t i = 0; i < fed_.size(); ++i) {
    if (fed_[i].given) continue;
    Shape shape = model_->inputShape(i);
    shape[0].size = batch;
    for (Dim& dim : shape) {
      if (!dim.known()) dim.size = 1;
    }
    const ModelInput& input = model_->inputs()[i];
    checkSize(*model_->graph().nodes[input.node].layer, shape);
    Value& value = values_[input.node];
    value.reshape(shape);
    const int32_t pad = input.encoder == nullptr ? 0 : input.encoder->spec().pad;
    std::fill(value.data.begin(), value.data.end(),
              input.kind == InputKind::Ids ? static_cast<float>(pad) : 0.0f);
    for (size_t row = 0; input.kind == InputKind::OneHot && row < value.data.size();
         row += static_cast<size_t>(input.idCount))
      value.data[row + static_cast<size_t>(pad)] = 1.0f;
    fed_[i].shape = shape;
  }
}

namespace {

/// A mask has one flag for each timestep of each row, or for each element of further axes, whoever hands it
/// on: what reads it relies on that.
void checkMask(const Node& node, const Output& output) {
  if (output.mask.empty()) return;
  const size_t rank = output.shape.size();
  const size_t steps = static_cast<size_t>(elementCount(output.shape, 0, std::min<size_t>(rank, 2)));
  for (size_t axes = std::min<size_t>(rank, 2); axes <= rank; ++axes) {
    if (output.mask.size() == static_cast<size_t>(elementCount(output.shape, 0, axes))) return;
  }
  throw Error({"mask-shape", "layer \"" + node.name() + "\"",
               "a mask for " + std::to_string(steps) + " timesteps",
               "one for " + std::to_string(output.mask.size()), "Keras cannot run this model either."});
}

void checkFinite(const Node& node, const Value& value) {
  if (const float* number = firstNotFinite(value.data)) {
    throw Error({"not-finite", "output of \"" + node.name() + "\"", "finite numbers", std::to_string(*number),
                 "The weights, or this input, are beyond what the model can compute."});
  }
}

}  // namespace

/// Shapes of all nodes, where the inputs' have changed.
void Session::settleShapes() {
  const Graph& graph = model_->graph();
  std::vector<Shape> given;
  for (const Fed& fed : fed_) {
    if (fed.shape[0].size != fed_[last_].shape[0].size) {
      throw Error({"batch", "the model's inputs", "as many rows in each",
                   std::to_string(fed.shape[0].size) + " beside " + std::to_string(fed_[last_].shape[0].size),
                   ""});
    }
    given.push_back(fed.shape);
  }
  if (given == inputShapes_) return;
  inputShapes_.clear();  // so that a refused shape is not taken as settled
  const std::vector<Shape> shapes = graph.inferShapes(given);
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (std::find(graph.inputs.begin(), graph.inputs.end(), i) == graph.inputs.end())
      values_[i].reshape(shapes[i]);
  }
  inputShapes_ = std::move(given);
}

/// What a node reads at one of its inputs, under the mask that its call was given there.
View Session::viewOf(const Node& node, size_t position) {
  const Value& value = values_[node.inputs[position]];
  const MaskSource source = node.masks.empty() ? MaskSource{} : node.masks[position];
  if (source.from == MaskSource::From::Input) return {value.shape, value.data, value.mask};
  if (source.from == MaskSource::From::Nowhere) return {value.shape, value.data, {}};
  const size_t from = source.node;
  std::vector<uint8_t>& mask = masks_[from];
  mask.resize(values_[from].data.size());
  std::transform(values_[from].data.begin(), values_[from].data.end(), mask.begin(),
                 [](float kept) { return static_cast<uint8_t>(kept != 0.0f); });
  return {value.shape, value.data, mask};
}

void Session::carryStates(bool carry) {
  if (carry != carry_) resetStates();
  carry_ = carry;
}

/// Runs the call whose first node is number `index`. `carried`: the states that stateful layers start from,
/// then those they end with.
void Session::runCall(size_t index, Call& call, std::map<size_t, std::vector<float>>& carried) {
  const Node& node = model_->graph().nodes[index];
  call.inputs.clear();
  for (size_t k = 0; k < node.inputs.size(); ++k) call.inputs.push_back(viewOf(node, k));
  call.outputs.clear();
  for (size_t k = 0; k < node.layer->tensorCount(); ++k) {
    Value& value = values_[index + k];
    value.mask.clear();
    call.outputs.push_back({value.shape, value.data, value.mask});
  }
  const size_t size = carry_ ? node.layer->carriedSize() : 0;
  if (size == 0) {
    node.layer->forwardAll(call.inputs, call.outputs, scratch_[index]);
  } else {
    const size_t rows = static_cast<size_t>(call.inputs[0].shape[0].size);
    std::vector<float>& states = carried.try_emplace(index, rows * size, 0.0f).first->second;
    if (states.size() != rows * size) {
      throw Error({"batch", "layer \"" + node.name() + "\", which is stateful",
                   std::to_string(states.size() / size) + " rows, as in the run before", std::to_string(rows),
                   "Reset the states first."});
    }
    node.layer->forwardCarrying(call.inputs, call.outputs, states, scratch_[index]);
  }
  for (const Output& output : call.outputs) checkMask(node, output);
}

void Session::run() {
  const Graph& graph = model_->graph();
  fillUnset();
  settleShapes();
  recorded_.clear();
  differentiated_.reset();
  Call call;
  std::map<size_t, std::vector<float>> carried = carried_;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const bool isInput = std::find(graph.inputs.begin(), graph.inputs.end(), i) != graph.inputs.end();
    if (graph.nodes[i].output == 0 && !isInput) runCall(i, call, carried);
  }
  for (const size_t output : graph.outputs) checkFinite(graph.nodes[output], values_[output]);
  // An attention that is not a number can leave the outputs finite, behind a maximum or a relu.
  for (const AttentionSite& site : model_->attention())
    checkFinite(graph.nodes[site.node], values_[site.node]);
  found_ = std::exchange(carried_, std::move(carried));
  ran_ = true;
}

const Value& Session::value(size_t node) const {
  if (!ran_)
    throw Error(
        {"no-run", "the session", "a text or input that was run", "none, or one that was refused", ""});
  return values_[node];
}

size_t Session::nodeOf(std::string_view layer) const {
  const std::optional<size_t> found = model_->graph().find(layer);
  if (!found) {
    throw Error({"unknown-layer", "layer \"" + std::string(layer) + "\"", "a layer of the model",
                 "none of this name", ""});
  }
  return *found;
}

size_t Session::attentionNodeOf(std::string_view layer) const {
  const size_t call = nodeOf(layer);
  const std::vector<AttentionTensor> tensors = model_->graph().nodes[call].layer->attention();
  return tensors.empty() ? call : call + tensors[0].tensor;
}

SignalValues Session::attention(const AttentionSite& site) const {
  return readAttention(site, value(site.node));
}

const Value& Session::recorded(const StateSite& site) {
  static_cast<void>(value(site.node));  // there must have been a run
  const auto [found, isNew] = recorded_.try_emplace(site.node);
  if (isNew) {
    const Node& node = model_->graph().nodes[site.node];
    std::vector<View> inputs;
    for (size_t k = 0; k < node.inputs.size(); ++k) inputs.push_back(viewOf(node, k));
    const auto states = found_.find(site.node);
    const std::span<const float> from = states == found_.end() ? std::span<const float>() : states->second;
    found->second = node.layer->recordSteps(inputs, from, scratch_[site.node]);
  }
  return found->second[site.index];
}

SignalValues Session::state(const StateSite& site) { return readAttention(site, recorded(site)); }

}  // namespace charglow
