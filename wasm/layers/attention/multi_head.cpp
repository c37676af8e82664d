// MultiHeadAttention and GroupQueryAttention of Keras. keras/layers/attention/multi_head_attention.py (2.6 to
// 2.15); keras/src/layers/attention/multi_head_attention.py and grouped_query_attention.py (3.0 to 3.15).

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>

#include "graph.h"
#include "keras/call_reader.h"
#include "keras/weight_reader.h"
#include "kernels/row_products.h"
#include "layers/attention/attending_layer.h"
#include "layers/layers.h"

namespace charglow {
namespace {

struct Options {
  int heads = 1;
  int keyHeads = 1;  ///< of key and value, each shared by heads / keyHeads heads of the query
  int keyDim = 1;
  int valueDim = 1;
  int outputDim = 0;  ///< 0: as wide as the query
  int window = 0;     ///< a query sees steps nearer than that; 0: all
  bool bias = true;
  bool gate = false;
  bool dropout = false;
  bool grouped = false;  ///< GroupQueryAttention
};

/// What differs between generations where a query may not attend to a step.
struct MaskRules {
  bool masks;        ///< masks of the inputs are looked at, and that of the query is handed on: from 2.10 on
  bool zero;         ///< attention to what is hidden is zero even where all is: from 3.13 on
  bool fusedOutput;  ///< without dropout the output does not come of that attention, but of Keras's
                     ///< dot_product_attention, uniform where all is hidden: from 3.7 on
  bool takesOff;     ///< MultiHeadAttention leaves no masks on its inputs: from 3.8 on

  explicit MaskRules(const Dialect& dialect)
      : masks(dialect.major >= 3 || dialect.minor >= 10),
        zero(dialect.major >= 3 && dialect.minor >= 13),
        fusedOutput(dialect.major >= 3 && dialect.minor >= 7),
        takesOff(dialect.major >= 3 && dialect.minor >= 8) {}
};

/// Shared by all calls of a layer.
struct Weights {
  Affine query, key, gate, value, output;
};

/// What a call keeps of its projections from one run to the next.
struct Products {
  RowProducts query, key, value;
};

/// What one call does with its tensors: indices into them, and options.
struct Call {
  size_t query = 0;
  size_t value = 1;
  size_t key = 1;
  std::optional<size_t> mask;
  bool causal = false;
  bool returned = false;
};

/// query (batch, T, …), value (batch, S, …), key (batch, S, …), without one the value. With N heads, and each
/// head's part of what follows:
///
///     Q = query·Wq + bq (T, N·k)   K = key·Wk + bk (S, N·k)   V = value·Wv + bv (S, N·v)
///     attention (batch, N, T, S) = softmax over S of Q·Kᵀ / √k, less 1e9 where a query may not see a step
///     output (batch, T, o) = attention·V (T, N·v) · Wo (N·v, o) + bo
///
/// Gated, attention·V is multiplied by sigmoid(query·Wg + bg) before the last product. A query may not see a
/// step that is masked, nor any where it is masked itself, nor one that attention_mask, the causal mask or
/// the window forbids. The output has the query's mask.
class MultiHeadAttention : public AttendingLayer {
 public:
  MultiHeadAttention(const ConfigReader& config, Options options)
      : AttendingLayer(config.layer(), config.className(), false),
        options_(options),
        rules_(config.dialect()),
        weights_(std::make_shared<Weights>()) {}

  std::unique_ptr<Layer> forCall(CallReader& reader) const override {
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

  bool takesInputs(size_t count) const override { return count >= 2 && count <= 4; }

  Shape outputShape(std::span<const Shape> inputs) const override {
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

  bool hasWeights() const override { return true; }
  bool takesMasksOff() const override { return rules_.takesOff && !options_.grouped; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
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

  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override {
    const View& query = inputs[call_.query];
    const int queries = query.shape[1].size;
    const int steps = inputs[call_.value].shape[1].size;
    const auto room = [](int rows, const Affine& affine) {
      return static_cast<ptrdiff_t>(rows) * affine.out();
    };
    const int width = options_.heads * options_.valueDim;
    // Q (T, N·k), K (S, N·k), V (S, N·v), the heads' sums (T, N·v), gate (T, N·v)
    float* q = scratch.room(static_cast<size_t>(
        room(queries, weights_->query) + room(steps, weights_->key) + room(steps, weights_->value) +
        static_cast<ptrdiff_t>(queries) * width + room(queries, weights_->gate)));
    float* k = q + room(queries, weights_->query);
    float* v = k + room(steps, weights_->key);
    float* heads = v + room(steps, weights_->value);
    float* gate = heads + static_cast<ptrdiff_t>(queries) * width;
    auto& products = scratch.kept<Products>(this);
    for (int b = 0; b < query.shape[0].size; ++b) {
      products.query.apply(weights_->query, rowsOf(query, b).data, queries, q);
      products.key.apply(weights_->key, rowsOf(inputs[call_.key], b).data, steps, k);
      products.value.apply(weights_->value, rowsOf(inputs[call_.value], b).data, steps, v);
      for (int n = 0; n < options_.heads; ++n) {
        const int shared = n / (options_.heads / options_.keyHeads);
        const Rows ownQuery{q + n * options_.keyDim, queries, options_.keyDim, weights_->query.out()};
        const Rows ownKey{k + shared * options_.keyDim, steps, options_.keyDim, weights_->key.out()};
        const Rows ownValue{v + shared * options_.valueDim, steps, options_.valueDim, weights_->value.out()};
        float* attention =
            outputs[1].data.data() + static_cast<ptrdiff_t>(b * options_.heads + n) * queries * steps;
        dotScores(ownQuery, ownKey, 1.0f / std::sqrt(static_cast<float>(options_.keyDim)), attention,
                  scratch.packed);
        const Seen seen(*this, inputs, b, n);
        if (!seen.everything()) hide(attention, queries, steps, seen);
        softmaxRows(attention, queries, steps);
        if (!seen.everything() && !outputIsFused()) clearBlind(attention, queries, steps, seen);
        attend(attention, queries, ownValue, heads + n * options_.valueDim, width, scratch.packed);
        if (!seen.everything() && outputIsFused()) clearBlind(attention, queries, steps, seen);
      }
      if (options_.gate) applyGate(rowsOf(query, b), gate, heads);
      weights_->output.apply(
          heads, queries,
          outputs[0].data.data() + static_cast<ptrdiff_t>(b) * room(queries, weights_->output));
    }
    if (rules_.masks) outputs[0].passMask(query);
  }

  std::string detail() const override {
    std::string text = std::to_string(options_.heads) + (options_.heads == 1 ? " head" : " heads");
    if (options_.keyHeads != options_.heads) text += " on " + std::to_string(options_.keyHeads);
    text += " of " + std::to_string(options_.keyDim);
    if (call_.causal) text += ", causal";
    if (options_.window > 0) text += ", window " + std::to_string(options_.window);
    if (options_.gate) text += ", gated";
    return text;
  }

 protected:
  Shape attentionShape(std::span<const Shape> inputs) const override {
    return {inputs[call_.query][0], {options_.heads}, inputs[call_.query][1], inputs[call_.value][1]};
  }
  std::vector<SignalAxis> attentionAxes() const override {
    return {SignalAxis::None, options_.heads == 1 ? SignalAxis::None : SignalAxis::Head, SignalAxis::Query,
            SignalAxis::Step};
  }
  std::string why() const override {
    return "every query attends to the timesteps of the value, by a softmax over the products of query and "
           "key" +
           std::string(options_.heads == 1 ? ""
                                           : ", in each of " + std::to_string(options_.heads) + " heads");
  }

 private:
  /// Which steps the queries of one head see in one text.
  class Seen {
   public:
    Seen(const MultiHeadAttention& layer, std::span<const View> inputs, int b, int head)
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

    /// Nothing hides anything: every query may attend to every step.
    [[nodiscard]] bool everything() const {
      return !causal_ && window_ <= 0 && mask_ == nullptr && query_.empty() && value_.empty() && key_.empty();
    }

    bool operator()(int t, int s) const {
      const auto hidden = [](std::span<const uint8_t> mask, int i) {
        return !mask.empty() && mask[static_cast<size_t>(i)] == 0;
      };
      if (hidden(query_, t) || hidden(value_, s) || hidden(key_, s)) return false;
      if ((causal_ && s > t) || (window_ > 0 && std::abs(t - s) >= window_)) return false;
      return mask_ == nullptr || mask_[t * maskQuery_ + s * maskStep_] != 0.0f;
    }

   private:
    bool causal_;
    int window_;
    std::span<const uint8_t> query_, value_, key_;
    const float* mask_ = nullptr;  ///< attention_mask, and how far its queries and steps lie apart
    ptrdiff_t maskQuery_ = 0;
    ptrdiff_t maskStep_ = 0;
  };

  MultiHeadAttention(const MultiHeadAttention& layer, Call call)
      : AttendingLayer(layer.name(), layer.className(), call.returned),
        options_(layer.options_),
        rules_(layer.rules_),
        call_(call),
        weights_(layer.weights_) {}

  bool outputIsFused() const { return rules_.fusedOutput && !options_.dropout && !returned(); }

  /// A layer's part (features, heads, size), and its bias (heads, size).
  Affine takeProjection(WeightReader& weights, int features, std::array<int, 2> to) const {
    const std::vector<float> kernel = weights.take("kernel", {features, to[0], to[1]});
    const std::vector<float> bias =
        options_.bias ? weights.take("bias", {to[0], to[1]}) : std::vector<float>{};
    if (kernel.empty()) return {};
    return Affine(kernel, features, to[0] * to[1], bias);
  }

  /// attention_mask is (batch, T, S), or with an axis of heads before T; any of these may be 1.
  static std::array<int, 4> maskSizes(const Shape& mask) {
    std::array<int, 4> sizes = {mask[0].size, 1, mask[mask.size() - 2].size, mask.back().size};
    if (mask.size() == 4) sizes[1] = mask[1].size;
    return sizes;
  }

  void checkMask(const Shape& mask, const Dim& query, const Dim& value) const {
    const auto fits = [](const Dim& dim, const Dim& to) {
      return !dim.known() || !to.known() || dim.size == 1 || dim.size == to.size;
    };
    const bool rank = mask.size() == 3 || mask.size() == 4;
    if (rank && (mask.size() == 3 || fits(mask[1], {options_.heads})) && fits(mask[mask.size() - 2], query) &&
        fits(mask.back(), value))
      return;
    refuseInput(*this, "(batch, queries, timesteps) as attention_mask", mask);
  }

  void hide(float* scores, int queries, int steps, const Seen& seen) const {
    for (int t = 0; t < queries; ++t) {
      for (int s = 0; s < steps; ++s, ++scores) {
        if (!seen(t, s)) *scores = rules_.zero ? -1e9f : *scores - 1e9f;
      }
    }
  }

  /// Zero for queries that see nothing, whose softmax is uniform.
  void clearBlind(float* attention, int queries, int steps, const Seen& seen) const {
    if (!rules_.zero) return;
    for (int t = 0; t < queries; ++t, attention += steps) {
      bool any = false;
      for (int s = 0; s < steps && !any; ++s) any = seen(t, s);
      if (!any) std::fill_n(attention, steps, 0.0f);
    }
  }

  /// heads *= sigmoid(query · Wg + bg)
  void applyGate(Rows query, float* gate, float* heads) const {
    weights_->gate.apply(query.data, query.count, gate);
    const ptrdiff_t count = static_cast<ptrdiff_t>(query.count) * weights_->gate.out();
    activate(Activation::Sigmoid, {gate, static_cast<size_t>(count)});
    std::transform(heads, heads + count, gate, heads, std::multiplies<>());
  }

  Options options_;
  MaskRules rules_;
  Call call_;
  std::shared_ptr<Weights> weights_;
};

/// Options that both classes have, once heads and sizes are known.
void readCommon(ConfigReader& config, Options& options) {
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
  Options options;
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
  Options options;
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
