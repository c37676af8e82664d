// Attention and AdditiveAttention of Keras, whose one argument is a list: [query, value] or [query, value,
// key]. keras/layers/attention/base_dense_attention.py, attention.py, additive_attention.py (2.15);
// keras/src/layers/attention/attention.py, additive_attention.py (3.15).

#include <algorithm>

#include "keras/call_reader.h"
#include "keras/weight_reader.h"
#include "kernels/attend.h"
#include "layers/attention/attending_layer.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// query (batch, Tq, d), value (batch, Tv, dv), key (batch, Tv, d), without one the value:
///
///     scores = scale · query · keyᵀ                           "dot"
///              w · Σ_f tanh(scale · (query_f + key_f))        "concat"
///              Σ_f scale_f · tanh(query_f + key_f)            AdditiveAttention
///     attention (batch, Tq, Tv) = softmax over Tv of scores, less 1e9 where the value is masked or, under a
///                                 causal mask, later than the query
///     output (batch, Tq, dv) = attention · value, zero where the query is masked
///
/// The output has the query's mask.
class DenseAttention : public AttendingLayer {
 public:
  enum class Score { Dot, Concat, Additive };
  struct Options {
    Score score = Score::Dot;
    bool scaled = false;
    bool causal = false;
  };

  explicit DenseAttention(const ConfigReader& config, Options options)
      : AttendingLayer(config.layer(), config.className(), false),
        options_(options),
        weights_(std::make_shared<Weights>()) {}

  std::unique_ptr<Layer> forCall(CallReader& call) const override {
    call.inputs();
    const bool returned = call.boolean("return_attention_scores", 3, false);
    const bool causal = call.boolean("use_causal_mask", 4, false);
    return std::unique_ptr<Layer>(new DenseAttention(*this, returned, causal));
  }

  bool takesInputs(size_t count) const override { return count == 2 || count == 3; }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& query = inputs[0];
    const Shape& value = inputs[1];
    const Shape& key = inputs.back();
    for (const Shape& input : inputs) {
      if (input.size() != 3 || !input[2].known())
        refuseInput(*this, "(batch, timesteps, features) with known features", input);
    }
    if (key[2].size != query[2].size) {
      refuseInput(
          *this, "(batch, timesteps, " + std::to_string(query[2].size) + ") as the key, as wide as the query",
          key);
    }
    if (key[1].known() && value[1].known() && key[1].size != value[1].size)
      refuseInput(*this, "with as many timesteps as the value, " + std::to_string(value[1].size), key);
    return {query[0], query[1], value[2]};
  }

  bool hasWeights() const override { return options_.scaled || options_.score == Score::Concat; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const int features = inputs[0][2].size;
    const bool additive = options_.score == Score::Additive;
    if (additive) {
      weights_->perFeature.assign(static_cast<size_t>(features), 1.0f);
      if (options_.scaled) weights_->perFeature = weights.take("scale", {features});
    } else if (options_.scaled) {
      const std::vector<float> scale = weights.take("scale", {});
      if (!scale.empty()) weights_->scale = scale[0];
    }
    if (options_.score == Score::Concat) {
      const std::vector<float> weight = weights.take("concat_score_weight", {});
      if (!weight.empty()) weights_->perFeature.assign(static_cast<size_t>(features), weight[0]);
    }
  }

  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override {
    const View& query = inputs[0];
    const View& value = inputs[1];
    const int queries = query.shape[1].size;
    const int steps = value.shape[1].size;
    const int width = value.shape[2].size;
    for (int b = 0; b < query.shape[0].size; ++b) {
      float* attention = outputs[1].data.data() + static_cast<ptrdiff_t>(b) * queries * steps;
      float* output = outputs[0].data.data() + static_cast<ptrdiff_t>(b) * queries * width;
      const Rows own = rowsOf(query, b);
      const Rows key = rowsOf(inputs.back(), b);
      computeScores(own, key, attention, scratch.room(scaledSize(own, key)), scratch.packed);
      hide(attention, queries, steps, maskOf(value, b));
      softmaxRows(attention, queries, steps);
      attend(attention, queries, rowsOf(value, b), output, width, scratch.packed);
      const std::span<const uint8_t> mask = maskOf(query, b);
      for (size_t t = 0; t < mask.size(); ++t) {
        if (mask[t] == 0) std::fill_n(output + static_cast<ptrdiff_t>(t) * width, width, 0.0f);
      }
    }
    outputs[0].passMask(query);
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& query = call.inputs[0];
    const View& value = call.inputs[1];
    const int queries = query.shape[1].size;
    const int width = value.shape[2].size;
    const auto rows = static_cast<size_t>(queries);
    const size_t pairs = rows * static_cast<size_t>(value.shape[1].size);
    const size_t size = rows * static_cast<size_t>(width);
    for (int b = 0; b < query.shape[0].size; ++b) {
      const Rows own = rowsOf(query, b);
      const Rows key = rowsOf(call.inputs.back(), b);
      // gradients of the attention, then of the scores (Tq, Tv), of the output (Tq, dv); query and key scaled
      // and their gradients
      float* room = scratch.room(pairs + size + 2 * scaledSize(own, key));
      const std::span<float> gradient(room, pairs);
      const std::span<float> above(room + pairs, size);
      startGradient(gradientOf(call.outputGradients[1], b, query.shape), gradient);
      startGradient(gradientOf(call.outputGradients[0], b, query.shape), above);
      const std::span<const uint8_t> mask = maskOf(query, b);
      for (size_t t = 0; t < mask.size(); ++t) {
        if (mask[t] == 0) std::fill_n(above.data() + t * static_cast<size_t>(width), width, 0.0f);
      }
      const float* attention = call.outputs[1].data.data() + static_cast<size_t>(b) * pairs;
      attendBackward(attention, rowsOf(value, b), {above.data(), queries, width, width}, gradient.data(),
                     gradientRowsOf(call, 1, b));
      softmaxRowsBackward(attention, gradient.data(), queries, value.shape[1].size);
      scoresBackward(own, key, gradient.data(), above.data() + size, gradientRowsOf(call, 0, b),
                     gradientRowsOf(call, call.inputs.size() - 1, b));
    }
  }

  std::string detail() const override {
    std::string text = options_.score == Score::Dot      ? "dot"
                       : options_.score == Score::Concat ? "concat"
                                                         : "additive";
    if (options_.scaled) text += ", scaled";
    if (options_.causal) text += ", causal";
    return text;
  }

 protected:
  Shape attentionShape(std::span<const Shape> inputs) const override {
    return {inputs[0][0], inputs[0][1], inputs[1][1]};
  }
  std::vector<SignalAxis> attentionAxes() const override {
    return {SignalAxis::None, SignalAxis::Query, SignalAxis::Step};
  }
  std::string why() const override {
    return std::string("every query attends to the timesteps of the value, by a softmax over ") +
           (options_.score == Score::Dot ? "the products of query and key"
                                         : "sums of tanh(query + key) over the features");
  }

 private:
  /// Shared by all calls of the layer.
  struct Weights {
    float scale = 1.0f;
    std::vector<float> perFeature;  ///< (d): the weight of each feature's tanh
  };

  DenseAttention(const DenseAttention& layer, bool returned, bool causal)
      : AttendingLayer(layer.name(), layer.className(), returned),
        options_(layer.options_),
        weights_(layer.weights_) {
    options_.causal = options_.causal || causal;
  }

  /// Floats of query and key, scaled; none where they are read as they are.
  size_t scaledSize(Rows query, Rows key) const {
    if (options_.score == Score::Dot || weights_->scale == 1.0f) return 0;
    return static_cast<size_t>(query.count + key.count) * static_cast<size_t>(query.features);
  }

  /// `room`: for scaledSize.
  void computeScores(Rows query, Rows key, float* scores, float* room, Affine& packed) const {
    if (options_.score == Score::Dot) return dotScores(query, key, weights_->scale, scores, packed);
    if (scaledSize(query, key) > 0) {
      query = scaled(query, room);
      key = scaled(key, room + static_cast<ptrdiff_t>(query.count) * query.features);
    }
    additiveScores(query, key, weights_->perFeature.data(), scores);
  }

  /// From the gradient of the scores to query and key. `room`: twice scaledSize.
  void scoresBackward(Rows query, Rows key, const float* gradient, float* room, GradientRows toQuery,
                      GradientRows toKey) const {
    if (options_.score == Score::Dot)
      return dotScoresBackward(gradient, weights_->scale, query, key, toQuery, toKey);
    const float* weight = weights_->perFeature.data();
    const size_t size = scaledSize(query, key);
    if (size == 0) return additiveScoresBackward(gradient, query, key, weight, toQuery, toKey);
    const int features = query.features;
    const ptrdiff_t ofQuery = static_cast<ptrdiff_t>(query.count) * features;
    float* inner = room + size;  // gradients of both, scaled
    std::fill_n(inner, size, 0.0f);
    additiveScoresBackward(gradient, scaled(query, room), scaled(key, room + ofQuery), weight,
                           {inner, features}, {inner + ofQuery, features});
    const auto add = [this](const float* from, ptrdiff_t count, float* to) {
      for (ptrdiff_t i = 0; to != nullptr && i < count; ++i) to[i] += weights_->scale * from[i];
    };
    add(inner, ofQuery, toQuery.data);
    add(inner + ofQuery, static_cast<ptrdiff_t>(size) - ofQuery, toKey.data);
  }

  /// The same rows, scaled, in `room`.
  Rows scaled(Rows rows, float* room) const {
    std::transform(rows.data, rows.data + static_cast<ptrdiff_t>(rows.count) * rows.features, room,
                   [this](float x) { return weights_->scale * x; });
    rows.data = room;
    return rows;
  }

  /// Lowers the scores of what may not be attended to. Where a query may attend to nothing its scores drown
  /// in 1e9, as in Keras, and its attention is uniform.
  void hide(float* scores, int queries, int steps, std::span<const uint8_t> mask) const {
    for (int t = 0; t < queries; ++t) {
      for (int s = 0; s < steps; ++s) {
        const bool masked = !mask.empty() && mask[static_cast<size_t>(s)] == 0;
        if (masked || (options_.causal && s > t)) scores[static_cast<ptrdiff_t>(t) * steps + s] -= 1e9f;
      }
    }
  }

  Options options_;
  std::shared_ptr<Weights> weights_;
};

}  // namespace

std::unique_ptr<Layer> makeAttention(ConfigReader& config) {
  DenseAttention::Options options;
  options.scaled = config.boolean("use_scale", false);
  options.causal = config.boolean("causal", false);  // up to Keras 2.9; then the call says it
  const std::string mode = config.text("score_mode", "dot");
  if (mode == "concat") {
    options.score = DenseAttention::Score::Concat;
  } else if (mode != "dot") {
    config.refuse("score_mode", "\"dot\" or \"concat\"", "\"" + mode + "\"");
  }
  return std::make_unique<DenseAttention>(config, options);
}

std::unique_ptr<Layer> makeAdditiveAttention(ConfigReader& config) {
  DenseAttention::Options options;
  options.score = DenseAttention::Score::Additive;
  options.scaled = config.boolean("use_scale", true);
  options.causal = config.boolean("causal", false);
  return std::make_unique<DenseAttention>(config, options);
}

}  // namespace charglow
