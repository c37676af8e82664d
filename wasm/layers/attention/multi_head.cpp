#include "layers/attention/multi_head.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <utility>

#include "graph.h"
#include "keras/call_reader.h"
#include "keras/weight_reader.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// attention_mask is (batch, T, S), or with an axis of heads before T; any of these may be 1.
std::array<int, 4> maskSizes(const Shape& mask) {
  std::array<int, 4> sizes = {mask[0].size, 1, mask[mask.size() - 2].size, mask.back().size};
  if (mask.size() == 4) sizes[1] = mask[1].size;
  return sizes;
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(const ConfigReader& config, Options options)
    : AttendingLayer(config.layer(), config.className(), false),
      options_(options),
      rules_(config.dialect()),
      weights_(std::make_shared<Weights>()) {}

MultiHeadAttention::MultiHeadAttention(const MultiHeadAttention& layer, Call call)
    : AttendingLayer(layer.name(), layer.className(), call.returned),
      options_(layer.options_),
      rules_(layer.rules_),
      call_(call),
      weights_(layer.weights_) {}

std::unique_ptr<Layer> MultiHeadAttention::forCall(CallReader& reader) const {
  Call call;
  const std::optional<size_t> query = reader.tensor("query", 0);
  const std::optional<size_t> value = reader.tensor("value", 1);
  if (!query) reader.refuse("query", "a tensor", "none");
  if (!value) reader.refuse("value", "a tensor", "none");
  call.query = query.value_or(0);
  call.value = value.value_or(0);
  call.key = reader.tensor("key", 2).value_or(call.value);
  call.mask = reader.tensor("attention_mask", 6);
  call.returned = reader.boolean("return_attention_scores", 7, false);
  call.causal = reader.boolean("use_causal_mask", 9, false);
  return std::unique_ptr<Layer>(new MultiHeadAttention(*this, call));
}

Shape MultiHeadAttention::outputShape(std::span<const Shape> inputs) const {
  const Shape& query = inputs[call_.query];
  const Shape& value = inputs[call_.value];
  const Shape& key = inputs[call_.key];
  for (const Shape* input : {&query, &value, &key}) {
    if (input->size() != 3 || !input->back().known())
      refuseInput(*this, "(batch, timesteps, features) with known features", *input);
  }
  if (key[1].known() && value[1].known() && key[1].size != value[1].size)
    refuseInput(*this, "with as many timesteps as the value, " + std::to_string(value[1].size), key);
  if (call_.mask) checkMask(inputs[*call_.mask], query[1], value[1]);
  // What forwardAll works in.
  checkSize(*this, {query[1], {options_.heads * (2 * options_.valueDim + options_.keyDim)}});
  checkSize(*this, {value[1], {options_.keyHeads * (options_.valueDim + options_.keyDim)}});
  return {query[0], query[1], {options_.outputDim == 0 ? query[2].size : options_.outputDim}};
}

void MultiHeadAttention::build(std::span<const Shape> inputs, WeightReader& weights) {
  const int query = inputs[call_.query][2].size;
  const Options& o = options_;
  weights_->query = takeProjection(weights, query, {o.heads, o.keyDim});
  weights_->key = takeProjection(weights, inputs[call_.key][2].size, {o.keyHeads, o.keyDim});
  if (o.gate) weights_->gate = takeProjection(weights, query, {o.heads, o.valueDim});
  weights_->value = takeProjection(weights, inputs[call_.value][2].size, {o.keyHeads, o.valueDim});
  const int output = o.outputDim == 0 ? query : o.outputDim;
  const std::vector<float> kernel = weights.take("kernel", {o.heads, o.valueDim, output});
  const std::vector<float> bias = o.bias ? weights.take("bias", {output}) : std::vector<float>{};
  if (!kernel.empty()) weights_->output = Affine(kernel, o.heads * o.valueDim, output, bias);
}

void MultiHeadAttention::forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                                    Scratch& scratch) const {
  const View& query = inputs[call_.query];
  const int queries = query.shape[1].size;
  const int steps = inputs[call_.value].shape[1].size;
  const Options& o = options_;
  const Room room = roomFor(queries, steps, scratch.room(roomSize(queries, steps)));
  for (int b = 0; b < query.shape[0].size; ++b) {
    project(inputs, b, room, scratch);
    for (int n = 0; n < o.heads; ++n) {
      const int shared = sharedHead(n);
      float* attention = outputs[1].data.data() + static_cast<ptrdiff_t>(b * o.heads + n) * queries * steps;
      dotScores(headOf(room.query, n, queries, o.keyDim, o.heads),
                headOf(room.key, shared, steps, o.keyDim, o.keyHeads), scale(), attention, scratch.packed);
      const Seen seen(*this, inputs, b, n);
      if (!seen.everything()) hide(attention, queries, steps, seen);
      softmaxRows(attention, queries, steps);
      if (!seen.everything() && !outputIsFused()) clearBlind(attention, queries, steps, seen);
      attend(attention, queries, headOf(room.value, shared, steps, o.valueDim, o.keyHeads),
             room.heads + static_cast<ptrdiff_t>(n) * o.valueDim, o.heads * o.valueDim, scratch.packed);
      if (!seen.everything() && outputIsFused()) clearBlind(attention, queries, steps, seen);
    }
    if (o.gate) {
      computeGate(rowsOf(query, b), room.gate);
      const ptrdiff_t count = static_cast<ptrdiff_t>(queries) * o.heads * o.valueDim;
      std::transform(room.heads, room.heads + count, room.gate, room.heads, std::multiplies<>());
    }
    const ptrdiff_t size = static_cast<ptrdiff_t>(queries) * weights_->output.out();
    weights_->output.apply(room.heads, queries, outputs[0].data.data() + b * size);
  }
  if (rules_.masks) outputs[0].passMask(query);
}

std::string MultiHeadAttention::detail() const {
  std::string text = std::to_string(options_.heads) + (options_.heads == 1 ? " head" : " heads");
  if (options_.keyHeads != options_.heads) text += " on " + std::to_string(options_.keyHeads);
  text += " of " + std::to_string(options_.keyDim);
  if (call_.causal) text += ", causal";
  if (options_.window > 0) text += ", window " + std::to_string(options_.window);
  if (options_.gate) text += ", gated";
  return text;
}

Shape MultiHeadAttention::attentionShape(std::span<const Shape> inputs) const {
  return {inputs[call_.query][0], {options_.heads}, inputs[call_.query][1], inputs[call_.value][1]};
}

std::vector<SignalAxis> MultiHeadAttention::attentionAxes() const {
  return {SignalAxis::None, options_.heads == 1 ? SignalAxis::None : SignalAxis::Head, SignalAxis::Query,
          SignalAxis::Step};
}

std::string MultiHeadAttention::why() const {
  return "every query attends to the timesteps of the value, by a softmax over the products of query and "
         "key" +
         std::string(options_.heads == 1 ? "" : ", in each of " + std::to_string(options_.heads) + " heads");
}

MultiHeadAttention::Seen::Seen(const MultiHeadAttention& layer, std::span<const View> inputs, int b, int head)
    : causal_(layer.call_.causal), window_(layer.options_.window) {
  if (layer.rules_.masks) {
    query_ = maskOf(inputs[layer.call_.query], b);
    value_ = maskOf(inputs[layer.call_.value], b);
    key_ = maskOf(inputs[layer.call_.key], b);
  }
  if (!layer.call_.mask) return;
  const View& mask = inputs[*layer.call_.mask];
  const std::array<int, 4> sizes = maskSizes(mask.shape);
  const auto stride = [&](size_t axis) {
    ptrdiff_t step = sizes[axis] == 1 ? 0 : 1;
    for (size_t i = axis + 1; i < sizes.size(); ++i) step *= sizes[i];
    return step;
  };
  mask_ = mask.data.data() + b * stride(0) + head * stride(1);
  maskQuery_ = stride(2);
  maskStep_ = stride(3);
}

bool MultiHeadAttention::Seen::operator()(int t, int s) const {
  const auto hidden = [](std::span<const uint8_t> mask, int i) {
    return !mask.empty() && mask[static_cast<size_t>(i)] == 0;
  };
  if (hidden(query_, t) || hidden(value_, s) || hidden(key_, s)) return false;
  if ((causal_ && s > t) || (window_ > 0 && std::abs(t - s) >= window_)) return false;
  return mask_ == nullptr || mask_[t * maskQuery_ + s * maskStep_] != 0.0f;
}

bool MultiHeadAttention::Seen::blind(int t, int steps) const {
  for (int s = 0; s < steps; ++s) {
    if ((*this)(t, s)) return false;
  }
  return true;
}

float MultiHeadAttention::scale() const { return 1.0f / std::sqrt(static_cast<float>(options_.keyDim)); }

/// A layer's part (features, heads, size), and its bias (heads, size).
Affine MultiHeadAttention::takeProjection(WeightReader& weights, int features, std::array<int, 2> to) const {
  const std::vector<float> kernel = weights.take("kernel", {features, to[0], to[1]});
  const std::vector<float> bias = options_.bias ? weights.take("bias", {to[0], to[1]}) : std::vector<float>{};
  if (kernel.empty()) return {};
  return Affine(kernel, features, to[0] * to[1], bias);
}

void MultiHeadAttention::checkMask(const Shape& mask, const Dim& query, const Dim& value) const {
  const auto fits = [](const Dim& dim, const Dim& to) {
    return !dim.known() || !to.known() || dim.size == 1 || dim.size == to.size;
  };
  const bool rank = mask.size() == 3 || mask.size() == 4;
  if (rank && (mask.size() == 3 || fits(mask[1], {options_.heads})) && fits(mask[mask.size() - 2], query) &&
      fits(mask.back(), value))
    return;
  refuseInput(*this, "(batch, queries, timesteps) as attention_mask", mask);
}

size_t MultiHeadAttention::roomSize(int queries, int steps) const {
  const Options& o = options_;
  return static_cast<size_t>(queries) *
             static_cast<size_t>(o.heads * (o.keyDim + (o.gate ? 2 : 1) * o.valueDim)) +
         static_cast<size_t>(steps) * static_cast<size_t>(o.keyHeads * (o.keyDim + o.valueDim));
}

MultiHeadAttention::Room MultiHeadAttention::roomFor(int queries, int steps, float* from) const {
  const Options& o = options_;
  const auto next = [&](int rows, int heads, int features) {
    return std::exchange(from, from + static_cast<ptrdiff_t>(rows) * heads * features);
  };
  Room room{};
  room.query = next(queries, o.heads, o.keyDim);
  room.key = next(steps, o.keyHeads, o.keyDim);
  room.value = next(steps, o.keyHeads, o.valueDim);
  room.heads = next(queries, o.heads, o.valueDim);
  room.gate = from;
  return room;
}

/// Q, K and V of text b.
void MultiHeadAttention::project(std::span<const View> inputs, int b, const Room& room,
                                 Scratch& scratch) const {
  auto& products = scratch.kept<Products>(this);
  const auto apply = [&](RowProducts& product, const Affine& affine, size_t input, float* to) {
    const Rows rows = rowsOf(inputs[input], b);
    product.apply(affine, rows.data, rows.count, to);
  };
  apply(products.query, weights_->query, call_.query, room.query);
  apply(products.key, weights_->key, call_.key, room.key);
  apply(products.value, weights_->value, call_.value, room.value);
}

/// Lowers the scores of what is hidden.
void MultiHeadAttention::hide(float* scores, int queries, int steps, const Seen& seen) const {
  for (int t = 0; t < queries; ++t) {
    for (int s = 0; s < steps; ++s, ++scores) {
      if (!seen(t, s)) *scores = rules_.zero ? -1e9f : *scores - 1e9f;
    }
  }
}

/// Zero for queries that see nothing, whose softmax is uniform.
void MultiHeadAttention::clearBlind(float* attention, int queries, int steps, const Seen& seen) const {
  if (!rules_.zero) return;
  for (int t = 0; t < queries; ++t, attention += steps) {
    if (seen.blind(t, steps)) std::fill_n(attention, steps, 0.0f);
  }
}

void MultiHeadAttention::computeGate(Rows query, float* gate) const {
  weights_->gate.apply(query.data, query.count, gate);
  const auto count = static_cast<size_t>(query.count) * static_cast<size_t>(weights_->gate.out());
  activate(Activation::Sigmoid, {gate, count});
}

namespace {

/// Options that both classes have, once heads and sizes are known.
void readCommon(ConfigReader& config, MultiHeadAttention::Options& options) {
  const int64_t width = int64_t{options.heads} * std::max(options.keyDim, options.valueDim);
  if (width > ConfigReader::kMaxSize) {
    config.refuse("heads", "at most " + std::to_string(ConfigReader::kMaxSize) + " features in all of them",
                  std::to_string(width));
    options.heads = options.keyHeads = 1;
  }
  options.bias = config.boolean("use_bias", true);
  options.gate = config.boolean("use_gate", false);
  options.dropout = config.number("dropout", 0.0f) > 0;
  if (!config.raw("sliding_window").is_null()) options.window = config.size("sliding_window");
}

}  // namespace

std::unique_ptr<Layer> makeMultiHeadAttention(ConfigReader& config) {
  MultiHeadAttention::Options options;
  options.heads = options.keyHeads = config.size("num_heads");
  options.keyDim = options.valueDim = config.size("key_dim");
  if (!config.raw("value_dim").is_null()) options.valueDim = config.size("value_dim");
  readCommon(config, options);
  if (const nlohmann::json& shape = config.raw("output_shape"); !shape.is_null()) {
    const std::vector<int> sizes = config.integers("output_shape");
    if (sizes.size() != 1 || sizes[0] < 1 || sizes[0] > ConfigReader::kMaxSize) {
      config.refuse("output_shape", "one axis, of at least 1", shape.dump());
    } else {
      options.outputDim = sizes[0];
    }
  }
  if (const nlohmann::json& axes = config.raw("attention_axes"); !axes.is_null()) {
    const std::vector<int> list = config.integers("attention_axes");
    if (list != std::vector<int>{1}) config.refuse("attention_axes", "the timesteps, [1]", axes.dump());
  }
  // Shapes of its inputs, which the graph gives again.
  for (const char* key : {"query_shape", "key_shape", "value_shape"}) config.ignore(key);
  return std::make_unique<MultiHeadAttention>(config, options);
}

std::unique_ptr<Layer> makeGroupQueryAttention(ConfigReader& config) {
  MultiHeadAttention::Options options;
  options.grouped = true;
  options.heads = config.size("num_query_heads");
  options.keyHeads = config.size("num_key_value_heads");
  options.keyDim = options.valueDim = config.size("head_dim");
  readCommon(config, options);
  if (options.heads % options.keyHeads != 0) {
    config.refuse("num_key_value_heads", "a divisor of num_query_heads, " + std::to_string(options.heads),
                  std::to_string(options.keyHeads));
    options.keyHeads = options.heads;
  }
  return std::make_unique<MultiHeadAttention>(config, options);
}

}  // namespace charglow
