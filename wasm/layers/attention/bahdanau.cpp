// The layer of TensorFlow's tutorials on translation and on captions, made of three Dense layers: a query
// attends to a sequence.

#include <algorithm>

#include "keras/call_reader.h"
#include "keras/weight_reader.h"
#include "kernels/activations.h"
#include "kernels/row_products.h"
#include "layers/attention/attending_layer.h"
#include "layers/attention/custom.h"

namespace charglow {
namespace {

/// Which of the first two Dense layers is for the values. Copies of the tutorial differ.
enum class Order { ByWidth, ValuesFirst, QueryFirst };

/// query (batch, q), values (batch, T, d), in either order of the call's arguments:
///
///     s_t = V · tanh(values_t·W1 + b1 + query·W2 + b2) + b
///     attention (batch, T, 1) = softmax over T of s
///     outputs: Σ_t attention_t values_t (batch, d), then the attention
///
/// W1 (d, u), b1 (u,), W2 (q, u), b2 (u,), V (u, 1), b (1,), W1 and W2 the other way round in some copies.
/// Masks are not looked at, nor handed on.
class BahdanauAttention : public AttendingLayer {
 public:
  BahdanauAttention(const ConfigReader& config, Order order, int first, int second, int units, bool biased)
      : AttendingLayer(config.layer(), config.className(), true),
        order_(order),
        widths_{first, second},
        units_(units),
        biased_(biased) {}

  std::unique_ptr<Layer> forCall(CallReader& call) const override {
    call.everyTensor();
    return nullptr;
  }

  bool takesInputs(size_t count) const override { return count == 2; }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const size_t values = valuesOf(inputs);
    const bool inOrder = valuesFirst(inputs);
    const Shape& sequence = inputs[values];
    const Shape& query = inputs[1 - values];
    if (sequence.size() != 3 || sequence[2].size != widths_[inOrder ? 0 : 1]) {
      refuseInput(
          *this,
          "(batch, timesteps, " + std::to_string(widths_[inOrder ? 0 : 1]) + "), as wide as its weights",
          sequence);
    }
    const int width = widths_[inOrder ? 1 : 0];
    if (query.back().size != width || (query.size() == 3 && query[1].size != 1))
      refuseInput(*this, "(batch, " + std::to_string(width) + ") as query, as wide as its weights", query);
    return {sequence[0], sequence[2]};
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const auto take = [&](int in, int out) {
      const std::vector<float> kernel = weights.takeNext({in, out});
      const std::vector<float> bias = biased_ ? weights.takeNext({out}) : std::vector<float>{};
      return kernel.empty() ? Affine() : Affine(kernel, in, out, bias);
    };
    values_ = take(widths_[0], units_);
    query_ = take(widths_[1], units_);
    if (!valuesFirst(inputs)) std::swap(values_, query_);
    // The last bias moves all scores alike, which changes no weight.
    score_ = weights.takeNext({units_, 1});
    if (biased_) weights.takeNext({1});
  }

  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override {
    const std::array<Shape, 2> shapes = {inputs[0].shape, inputs[1].shape};
    const View& values = inputs[valuesOf(shapes)];
    const View& query = inputs[1 - valuesOf(shapes)];
    const int steps = values.shape[1].size;
    // values·W1 (T, u), query·W2 (u)
    float* keys = scratch.room(static_cast<size_t>(steps + 1) * static_cast<size_t>(units_));
    float* own = keys + static_cast<ptrdiff_t>(steps) * units_;
    for (int b = 0; b < values.shape[0].size; ++b) {
      const Rows rows = rowsOf(values, b);
      float* attention = outputs[1].data.data() + static_cast<ptrdiff_t>(b) * steps;
      scratch.kept<RowProducts>(this).apply(values_, rows.data, steps, keys);
      query_.apply(query.data.data() + static_cast<ptrdiff_t>(b) * query_.in(), 1, own);
      additiveScores({own, 1, units_, units_}, {keys, steps, units_, units_}, score_.data(), attention);
      softmaxRows(attention, 1, steps);
      attend(attention, rows, outputs[0].data.data() + static_cast<ptrdiff_t>(b) * rows.features);
    }
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const std::array<Shape, 2> shapes = {call.inputs[0].shape, call.inputs[1].shape};
    const size_t which = valuesOf(shapes);
    const View& values = call.inputs[which];
    const View& query = call.inputs[1 - which];
    const int steps = values.shape[1].size;
    const size_t count = static_cast<size_t>(steps + 1) * static_cast<size_t>(units_);
    // values·W1 (T, u), query·W2 (u), their gradients, that of the attention, then of the scores (T)
    float* keys = scratch.room(2 * count + static_cast<size_t>(steps));
    float* own = keys + static_cast<ptrdiff_t>(steps) * units_;
    const std::span<float> inner(keys + count, count);
    float* ownGradient = inner.data() + static_cast<ptrdiff_t>(steps) * units_;
    const std::span<float> gradient(inner.data() + count, static_cast<size_t>(steps));
    for (int b = 0; b < values.shape[0].size; ++b) {
      const Rows rows = rowsOf(values, b);
      const GradientRows toValues = gradientRowsOf(call, which, b);
      const GradientRows toQuery = gradientRowsOf(call, 1 - which, b);
      const float* attention = call.outputs[1].data.data() + static_cast<ptrdiff_t>(b) * steps;
      startGradient(gradientOf(call.outputGradients[1], b, values.shape), gradient);
      const std::span<const float> above = gradientOf(call.outputGradients[0], b, values.shape);
      if (!above.empty()) {
        attendBackward(attention, rows, {above.data(), 1, rows.features, rows.features}, gradient.data(),
                       toValues);
      }
      softmaxRowsBackward(attention, gradient.data(), 1, steps);

      scratch.kept<RowProducts>(this).apply(values_, rows.data, steps, keys);
      query_.apply(query.data.data() + static_cast<ptrdiff_t>(b) * query_.in(), 1, own);
      std::fill(inner.begin(), inner.end(), 0.0f);
      additiveScoresBackward(gradient.data(), {own, 1, units_, units_}, {keys, steps, units_, units_},
                             score_.data(), {ownGradient, units_}, {inner.data(), units_});
      if (toValues.data != nullptr) values_.addTransposed(inner.data(), steps, toValues.data);
      if (toQuery.data != nullptr) query_.addTransposed(ownGradient, 1, toQuery.data);
    }
  }

  std::string detail() const override {
    return order_ == Order::ByWidth       ? ""
           : order_ == Order::ValuesFirst ? "W1 for the values"
                                          : "W1 for the query";
  }

 protected:
  Shape attentionShape(std::span<const Shape> inputs) const override {
    const Shape& values = inputs[valuesOf(inputs)];
    return {values[0], values[1], {1}};
  }
  std::vector<SignalAxis> attentionAxes() const override {
    return {SignalAxis::None, SignalAxis::Step, SignalAxis::None};
  }
  std::string why() const override {
    return "the query attends to the timesteps of the values, by a softmax of V·tanh(values·W1 + query·W2)";
  }

 private:
  /// Which input is the sequence: the query has no timesteps, or one.
  static size_t valuesOf(std::span<const Shape> inputs) {
    if (inputs[0].size() != inputs[1].size()) return inputs[0].size() > inputs[1].size() ? 0 : 1;
    return inputs[0].size() == 3 && inputs[1][1].size == 1 ? 0 : 1;
  }

  bool valuesFirst(std::span<const Shape> inputs) const {
    if (order_ != Order::ByWidth) return order_ == Order::ValuesFirst;
    return inputs[valuesOf(inputs)].back().size == widths_[0];
  }

  Order order_;
  std::array<int, 2> widths_;  ///< of what the first and the second Dense layer read
  int units_;
  bool biased_;
  Affine values_;
  Affine query_;
  std::vector<float> score_;  ///< V (u)
};

}  // namespace

void addBahdanauForms(const CustomLayer& layer, std::vector<Form>& forms) {
  if (layer.inputs != 2) return;
  const std::optional<Sizes> biased = layer.fit({"au", "u", "bu", "u", "u1", "1"});
  const std::optional<Sizes> sizes = biased ? biased : layer.fit({"au", "bu", "u1"});
  if (!sizes) return;
  const auto form = [&](const char* value, const char* label, Order order) {
    forms.push_back({value, label, 0, true, [order, sizes, biased](CustomLayer& custom) {
                       return std::make_unique<BahdanauAttention>(custom.config, order, sizes->at('a'),
                                                                  sizes->at('b'), sizes->at('u'),
                                                                  biased.has_value());
                     }});
  };
  if (sizes->at('a') != sizes->at('b')) {
    form("bahdanau", "the tutorials' BahdanauAttention", Order::ByWidth);
    return;
  }
  form("bahdanau", "the tutorials' BahdanauAttention, the first Dense layer for the values",
       Order::ValuesFirst);
  form("bahdanau-query-first", "the tutorials' BahdanauAttention, the first Dense layer for the query",
       Order::QueryFirst);
}

}  // namespace charglow
