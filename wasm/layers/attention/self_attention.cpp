// SeqSelfAttention of keras-self-attention: every timestep attends to every other. Versions 0.42 and 0.51.

#include <algorithm>
#include <array>
#include <cmath>

#include "keras/call_reader.h"
#include "keras/weight_reader.h"
#include "kernels/activation_gradients.h"
#include "kernels/affine.h"
#include "layers/attention/attending_layer.h"
#include "layers/attention/custom.h"

namespace charglow {
namespace {

/// h (batch, T, d):
///
///     e_ts = Wa · tanh(h_t·Wt + h_s·Wx + bh) + ba    additive; Wt, Wx (d, u), bh (u,), Wa (u, 1), ba (1,)
///            h_t·Wa·h_s + ba                         multiplicative; Wa (d, d), ba (1,)
///     attention (batch, T, T) = softmax over s of activation(e)
///     output (batch, T, d) = attention·h, masked like h
///
/// A window of `width` timesteps around t, or up to t, is seen. Since June 2020 e is 1e4 lower outside of it,
/// and 1e4 lower where both t and s are masked; before, the weights were multiplied by 0 there and where
/// either is masked, and 1e-7 was added to their sum.
class SeqSelfAttention : public AttendingLayer {
 public:
  struct Options {
    bool additive = true;
    bool additiveBias = true;
    bool attentionBias = true;
    bool before2020 = false;
    bool historyOnly = false;
    int width = 0;  ///< 0: all
    Activation activation = Activation::Linear;
    int features = 1;
    int units = 1;
    bool returned = false;
  };

  SeqSelfAttention(const ConfigReader& config, Options options)
      : AttendingLayer(config.layer(), config.className(), options.returned), options_(options) {}

  std::unique_ptr<Layer> forCall(CallReader& call) const override {
    call.everyTensor();
    return nullptr;
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    if (inputs[0].size() != 3 || inputs[0][2].size != options_.features) {
      refuseInput(*this,
                  "(batch, timesteps, " + std::to_string(options_.features) + "), as wide as its weights",
                  inputs[0]);
    }
    return inputs[0];
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> /*inputs*/, WeightReader& weights) override {
    const int d = options_.features;
    const int u = options_.units;
    if (options_.additive) {
      const std::vector<float> query = weights.takeNext({d, u});
      const std::vector<float> key = weights.takeNext({d, u});
      const std::vector<float> bias = options_.additiveBias ? weights.takeNext({u}) : std::vector<float>{};
      query_ = Affine(query, d, u, bias);
      key_ = Affine(key, d, u, {});
      score_ = weights.takeNext({u, 1});
    } else {
      query_ = Affine(weights.takeNext({d, d}), d, d, {});
    }
    if (options_.attentionBias) bias_ = weights.takeNext({1});
  }

  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override {
    const View& input = inputs[0];
    for (int b = 0; b < input.shape[0].size; ++b) {
      const Rows h = rowsOf(input, b);
      const ptrdiff_t own = static_cast<ptrdiff_t>(b) * h.count;
      float* attention = outputs[1].data.data() + own * h.count;
      computeScores(h, scratch.room(2 * projectedSize(h.count)), attention, scratch.packed);
      activateScores(attention, h.count);
      const std::span<const uint8_t> mask = maskOf(input, b);
      const size_t steps = static_cast<size_t>(h.count);
      for (size_t t = 0; t < steps; ++t) weigh({attention + t * steps, steps}, t, mask);
      attend(attention, h.count, h, outputs[0].data.data() + own * h.features, h.features, scratch.packed);
    }
    outputs[0].passMask(input);
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const int steps = input.shape[1].size;
    const auto count = static_cast<size_t>(steps);
    const size_t size = projectedSize(steps);
    const size_t pairs = count * count;
    // projections of h (2, T, u), their gradients (2, T, u), e before and after the activation (T, T), its
    // gradient (T, T)
    float* projected = scratch.room(4 * size + 3 * pairs);
    const std::span<float> inner(projected + 2 * size, 2 * size);
    const std::span<float> before(inner.data() + inner.size(), pairs);
    const std::span<float> scores(before.data() + pairs, pairs);
    const std::span<float> gradient(scores.data() + pairs, pairs);
    for (int b = 0; b < input.shape[0].size; ++b) {
      const Rows h = rowsOf(input, b);
      const GradientRows below = gradientRowsOf(call, 0, b);
      const std::span<const float> attention =
          call.outputs[1].data.subspan(static_cast<size_t>(b) * pairs, pairs);
      startGradient(gradientOf(call.outputGradients[1], b, input.shape), gradient);
      const std::span<const float> above = gradientOf(call.outputGradients[0], b, input.shape);
      if (!above.empty()) {
        attendBackward(attention.data(), h, {above.data(), steps, h.features, h.features}, gradient.data(),
                       below);
      }

      computeScores(h, projected, before.data(), scratch.packed);
      std::copy(before.begin(), before.end(), scores.begin());
      activateScores(scores.data(), steps);
      for (size_t row = 0; row < pairs; row += count) {
        weighedBackward(scores.subspan(row, count), attention.subspan(row, count), options_.before2020,
                        gradient.subspan(row, count));
      }
      activateRowsBackward(options_.activation, before, scores, gradient, count);

      std::fill(inner.begin(), inner.end(), 0.0f);
      const int width = query_.out();
      const Rows query{projected, steps, width, width};
      if (options_.additive) {
        additiveScoresBackward(gradient.data(), query, {projected + size, steps, width, width}, score_.data(),
                               {inner.data(), width}, {inner.data() + size, width});
        key_.addTransposed(inner.data() + size, steps, below.data);
      } else {
        dotScoresBackward(gradient.data(), 1.0f, query, h, {inner.data(), width}, below);
      }
      query_.addTransposed(inner.data(), steps, below.data);
    }
  }

  std::string detail() const override {
    std::string text = options_.additive ? "additive" : "multiplicative";
    if (options_.activation != Activation::Linear)
      text += ", " + std::string(activationName(options_.activation));
    if (options_.width > 0) text += ", window " + std::to_string(options_.width);
    if (options_.historyOnly) text += ", history only";
    return text;
  }

 protected:
  Shape attentionShape(std::span<const Shape> inputs) const override {
    return {inputs[0][0], inputs[0][1], inputs[0][1]};
  }
  std::vector<SignalAxis> attentionAxes() const override {
    return {SignalAxis::None, SignalAxis::Query, SignalAxis::Step};
  }
  std::string why() const override {
    return "every timestep attends to the others, by a softmax of " +
           std::string(options_.additive ? "Wa·tanh(h_t·Wt + h_s·Wx)" : "h_t·Wa·h_s");
  }

 private:
  /// Floats of a projection of h.
  size_t projectedSize(int steps) const {
    return static_cast<size_t>(steps) * static_cast<size_t>(query_.out());
  }

  /// e before the activation; `projected` is room for two projections of h, the second where additive.
  void computeScores(Rows h, float* projected, float* scores, Affine& packed) const {
    const int width = query_.out();
    query_.apply(h.data, h.count, projected);
    const Rows query{projected, h.count, width, width};
    if (options_.additive) {
      float* key = projected + projectedSize(h.count);
      key_.apply(h.data, h.count, key);
      additiveScores(query, {key, h.count, width, width}, score_.data(), scores);
    } else {
      dotScores(query, h, 1.0f, scores, packed);
    }
    if (bias_.empty()) return;
    std::for_each_n(scores, static_cast<ptrdiff_t>(h.count) * h.count,
                    [this](float& score) { score += bias_[0]; });
  }

  /// Over the rows of e.
  void activateScores(float* scores, int steps) const {
    for (int t = 0; t < steps; ++t) {
      activate(options_.activation, {scores + static_cast<ptrdiff_t>(t) * steps, static_cast<size_t>(steps)});
    }
  }

  /// Whether timestep s is in the window of timestep t.
  bool inWindow(size_t t, size_t s) const {
    if (options_.width == 0) return true;
    const ptrdiff_t before = options_.historyOnly ? options_.width - 1 : options_.width / 2;
    const ptrdiff_t place = static_cast<ptrdiff_t>(s) - static_cast<ptrdiff_t>(t) + before;
    return place >= 0 && place < options_.width;
  }

  /// The scores of timestep t to its weights, in place.
  void weigh(std::span<float> scores, size_t t, std::span<const uint8_t> mask) const {
    const auto masked = [&](size_t i) { return !mask.empty() && mask[i] == 0; };
    if (!options_.before2020) {
      for (size_t s = 0; s < scores.size(); ++s) {
        if (!inWindow(t, s)) scores[s] -= 1e4f;
        if (masked(t) && masked(s)) scores[s] -= 1e4f;
      }
      return softmax(scores.data(), static_cast<int>(scores.size()), 1);
    }
    const float top = *std::max_element(scores.begin(), scores.end());
    float sum = 1e-7f;
    for (size_t s = 0; s < scores.size(); ++s) {
      const bool seen = inWindow(t, s) && !masked(t) && !masked(s);
      scores[s] = seen ? std::exp(scores[s] - top) : 0.0f;
      sum += scores[s];
    }
    for (float& weight : scores) weight /= sum;
  }

  Options options_;
  Affine query_;              ///< h·Wt + bh, or h·Wa
  Affine key_;                ///< h·Wx
  std::vector<float> score_;  ///< Wa (u)
  std::vector<float> bias_;   ///< ba (1)
};

using Options = SeqSelfAttention::Options;

/// What the weights tell.
std::optional<Options> optionsOf(const CustomLayer& layer) {
  Options options;
  std::optional<Sizes> sizes;
  const auto fit = [&](std::initializer_list<std::string_view> pattern, Options which) {
    if (sizes || !(sizes = layer.fit(pattern))) return;
    options = which;
    options.features = sizes->at('d');
    if (which.additive) options.units = sizes->at('u');
  };
  const auto which = [](bool additive, bool additiveBias, bool attentionBias) {
    Options all;
    all.additive = additive;
    all.additiveBias = additiveBias;
    all.attentionBias = attentionBias;
    return all;
  };
  fit({"du", "du", "u", "u1", "1"}, which(true, true, true));
  fit({"du", "du", "u", "u1"}, which(true, true, false));
  fit({"du", "du", "u1", "1"}, which(true, false, true));
  fit({"du", "du", "u1"}, which(true, false, false));
  fit({"dd", "1"}, which(false, false, true));
  fit({"dd"}, which(false, false, false));
  return sizes ? std::optional(options) : std::nullopt;
}

std::unique_ptr<Layer> makeSelfAttention(CustomLayer& layer, Options options) {
  ConfigReader& config = layer.config;
  options.historyOnly = config.boolean("history_only", false);
  // Where only the past is seen and no width was given, keras-self-attention writes a billion.
  if (!config.raw("attention_width").is_null())
    options.width = std::min(config.integer("attention_width"), ConfigReader::kMaxSize);
  if (options.width < 0) config.refuse("attention_width", "at least 1", std::to_string(options.width));
  options.activation = config.activation("attention_activation", "linear");
  options.returned = config.boolean("return_attention", false) || layer.tensorsRead > 1;
  const std::string type = config.text("attention_type", options.additive ? "additive" : "multiplicative");
  if (type != (options.additive ? "additive" : "multiplicative"))
    config.refuse("attention_type", "what its weights are, " + layer.weightsText(), "\"" + type + "\"");
  // Which biases there are the weights tell; the regulariser is for training.
  for (const char* key : {"units", "use_additive_bias", "use_attention_bias", "attention_regularizer_weight"})
    config.ignore(key);
  return std::make_unique<SeqSelfAttention>(config, options);
}

}  // namespace

void addSelfAttentionForms(const CustomLayer& layer, std::vector<Form>& forms) {
  const std::optional<Options> options = optionsOf(layer);
  if (!options || layer.inputs != 1) return;
  const bool told = layer.className() == "SeqSelfAttention" || layer.options.contains("attention_type");
  // The two rules differ where something is hidden.
  const auto width = layer.options.find("attention_width");
  const bool differ = layer.masked || (width != layer.options.end() && !width->is_null());
  const bool older = writtenBeforeJune2020(layer.config.dialect());
  for (const bool before : {false, true}) {
    if (before && !differ) continue;
    Options own = *options;
    own.before2020 = before;
    forms.push_back(
        {before ? "seq-self-2019" : "seq-self",
         before ? "SeqSelfAttention before June 2020: what is masked or outside the window has no weight"
                : "SeqSelfAttention since June 2020: the exponent is 10000 lower outside the window, and "
                  "where both timesteps are masked",
         told && before == older ? 3
         : told                  ? 2
                                 : 0,
         options->additive, [own](CustomLayer& custom) { return makeSelfAttention(custom, own); }});
  }
}

}  // namespace charglow
