// Custom layers that weigh the timesteps of one sequence and sum them: one weight for each timestep.

#include <algorithm>
#include <array>
#include <cmath>

#include "keras/call_reader.h"
#include "keras/weight_reader.h"
#include "kernels/activation_gradients.h"
#include "kernels/activations.h"
#include "kernels/row_products.h"
#include "layers/attention/attending_layer.h"
#include "layers/attention/custom.h"

namespace charglow {
namespace {

enum class Score {
  Linear,   ///< s = h·w + b
  Tanh,     ///< s = tanh(h·w + b), b one number, or one for each timestep
  Context,  ///< s = tanh(h·W + b)·u
};

/// How scores become weights; ε = K.epsilon() = 1e-7, m = the mask.
enum class Weighing {
  Exp,         ///< exp(s)·m / (Σ + ε)
  ShiftedExp,  ///< exp(s - max s)·m / (Σ + ε), the maximum over masked timesteps as well
  Lowered,     ///< s less 1e4 where masked, then exp(s - max s) / (Σ + ε)
  Softmax,     ///< exp(s) / Σ, whatever the mask
};

/// Which weights a layer has: of the score, then its bias.
enum class Layout {
  Column,       ///< W (d, 1)
  ColumnBias,   ///< W (d, 1), b (1,)
  ColumnSteps,  ///< W (d, 1), b (T, 1)
  Vector,       ///< W (d,)
  VectorSteps,  ///< W (d,), b (T,)
  Matrix,       ///< W (d, k), b (k,), and u (k,) or (k, 1)
  BareMatrix,   ///< W (d, k) and u (k,) or (k, 1)
};

std::optional<Layout> layoutOf(const CustomLayer& layer) {
  if (layer.fit({"d1"})) return Layout::Column;
  if (layer.fit({"d1", "1"})) return Layout::ColumnBias;
  if (layer.fit({"d1", "t1"})) return Layout::ColumnSteps;
  if (layer.fit({"d"})) return Layout::Vector;
  if (layer.fit({"d", "t"})) return Layout::VectorSteps;
  if (layer.fit({"dk", "k", "k"}) || layer.fit({"dk", "k", "k1"})) return Layout::Matrix;
  if (layer.fit({"dk", "k"}) || layer.fit({"dk", "k1"})) return Layout::BareMatrix;
  return std::nullopt;
}

/// A set of layouts.
template <class... Layouts>
constexpr unsigned anyOf(Layouts... layouts) {
  return ((1u << static_cast<unsigned>(layouts)) | ...);
}

struct PooledForm {
  const char* value;
  const char* label;
  Score score;
  Weighing weighing;
  unsigned layouts;            ///< those it can have
  const char* className = "";  ///< what such layers are called, in lower case
  const char* option = "";     ///< an option that such layers have
};

using enum Layout;

constexpr std::array<PooledForm, 9> kForms = {{
    {"weighted-average", "AttentionWeightedAverage: weights exp(h·W), none where masked", Score::Linear,
     Weighing::ShiftedExp, anyOf(Column), "attentionweightedaverage"},
    {"seq-weighted",
     "SeqWeightedAttention since June 2020: weights exp(h·W + b), the exponent 10000 lower where masked",
     Score::Linear, Weighing::Lowered, anyOf(Column, ColumnBias), "seqweightedattention", "use_bias"},
    {"seq-weighted-2019", "SeqWeightedAttention before June 2020: weights exp(h·W + b), none where masked",
     Score::Linear, Weighing::ShiftedExp, anyOf(Column, ColumnBias), "seqweightedattention", "use_bias"},
    {"att-layer-2016", "AttLayer of 2016: a softmax of tanh(h·W), whatever is masked", Score::Tanh,
     Weighing::Softmax, anyOf(Vector), "attlayer"},
    {"step-dim", "Attention with step_dim: weights exp(tanh(h·W + b)), none where masked", Score::Tanh,
     Weighing::Exp, anyOf(Vector, VectorSteps), "", "step_dim"},
    {"tanh", "a softmax of tanh(h·W + b), whatever is masked", Score::Tanh, Weighing::Softmax,
     anyOf(Column, ColumnBias, ColumnSteps, VectorSteps)},
    {"linear", "a softmax of h·W + b, whatever is masked", Score::Linear, Weighing::Softmax,
     anyOf(Column, ColumnBias, ColumnSteps, Vector, VectorSteps)},
    {"context",
     "AttentionWithContext, or AttLayer since 2018: weights exp(tanh(h·W + b)·u), none where masked",
     Score::Context, Weighing::Exp, anyOf(Matrix, BareMatrix)},
    {"context-softmax", "a softmax of tanh(h·W + b)·u, whatever is masked", Score::Context, Weighing::Softmax,
     anyOf(Matrix, BareMatrix)},
}};

/// h (batch, T, d) → Σ_t α_t h_t (batch, d), or α_t h_t (batch, T, d); the attention is α (batch, T). Neither
/// has a mask.
class PooledAttention : public AttendingLayer {
 public:
  struct Options {
    Score score;
    Weighing weighing;
    bool returned = false;                  ///< the attention is an output
    bool sequence = false;                  ///< not summed
    int stepDim = 0;                        ///< how many timesteps the layer says it was made for; 0: nothing
    std::vector<std::vector<int>> weights;  ///< shapes
  };

  PooledAttention(const ConfigReader& config, Options options)
      : AttendingLayer(config.layer(), config.className(), options.returned), options_(std::move(options)) {}

  std::unique_ptr<Layer> forCall(CallReader& call) const override {
    call.everyTensor();
    return nullptr;
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    const int features = options_.weights[0][0];
    if (input.size() != 3 || input[2].size != features)
      refuseInput(*this, "(batch, timesteps, " + std::to_string(features) + "), as wide as its weights",
                  input);
    const int steps = stepsOfBias();
    for (const int stated : {steps == 1 ? 0 : steps, options_.stepDim}) {
      if (stated != 0 && input[1].known() && input[1].size != stated)
        refuseInput(*this, "of " + std::to_string(stated) + " timesteps, as it was made for", input);
    }
    if (options_.sequence) return input;
    return {input[0], input[2]};
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> /*inputs*/, WeightReader& weights) override {
    std::vector<std::vector<float>> taken;
    for (const std::vector<int>& shape : options_.weights) taken.push_back(weights.takeNext(shape));
    const int features = options_.weights[0][0];
    if (options_.score != Score::Context) {
      score_ = Affine(taken[0], features, 1, {});
      if (taken.size() > 1) bias_ = taken[1];
      return;
    }
    const int width = options_.weights[0][1];
    const bool biased = taken.size() == 3;
    project_ = Affine(taken[0], features, width, biased ? taken[1] : std::vector<float>{});
    score_ = Affine(taken.back(), width, 1, {});
  }

  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override {
    const View& input = inputs[0];
    const int steps = input.shape[1].size;
    for (int b = 0; b < input.shape[0].size; ++b) {
      const Rows h = rowsOf(input, b);
      const std::span<float> alpha =
          outputs[1].data.subspan(static_cast<size_t>(b * steps), static_cast<size_t>(steps));
      computeScores(h, alpha, scratch.room(projectedSize(steps)), scratch);
      weigh(alpha, maskOf(input, b));
      if (!options_.sequence) {
        float* sum = outputs[0].data.data() + static_cast<ptrdiff_t>(b) * h.features;
        attend(alpha.data(), h, sum);
        continue;
      }
      float* to = outputs[0].data.data() + static_cast<ptrdiff_t>(b) * steps * h.features;
      const float* from = h.data;
      for (const float weight : alpha) {
        to = std::transform(from, from + h.features, to, [weight](float x) { return weight * x; });
        from += h.features;
      }
    }
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const int steps = input.shape[1].size;
    const auto count = static_cast<size_t>(steps);
    const size_t projectedCount = projectedSize(steps);
    // gradient (T), scores (T), h·W + b through tanh (T, k), its gradient (T, k)
    float* room = scratch.room(2 * (count + projectedCount));
    const std::span<float> gradient(room, count);
    const std::span<float> scores(room + count, count);
    const std::span<float> projected(room + 2 * count, projectedCount);
    const std::span<float> inner(projected.data() + projectedCount, projectedCount);
    for (int b = 0; b < input.shape[0].size; ++b) {
      const Rows h = rowsOf(input, b);
      const GradientRows below = gradientRowsOf(call, 0, b);
      const std::span<const float> alpha =
          call.outputs[1].data.subspan(static_cast<size_t>(b) * count, count);
      startGradient(gradientOf(call.outputGradients[1], b, input.shape), gradient);
      sumBackward(h, alpha, gradientOf(call.outputGradients[0], b, input.shape), gradient, below);

      computeScores(h, scores, projected.data(), scratch);
      weighedBackward(scores, alpha, options_.weighing == Weighing::ShiftedExp, gradient);
      if (options_.score == Score::Context) {
        std::fill(inner.begin(), inner.end(), 0.0f);
        score_.addTransposed(gradient.data(), steps, inner.data());
        activateBackward(Activation::Tanh, {}, projected, inner);
        project_.addTransposed(inner.data(), steps, below.data);
        continue;
      }
      if (options_.score == Score::Tanh) activateBackward(Activation::Tanh, {}, scores, gradient);
      score_.addTransposed(gradient.data(), steps, below.data);
    }
  }

  std::string detail() const override { return formula(); }

 protected:
  Shape attentionShape(std::span<const Shape> inputs) const override { return {inputs[0][0], inputs[0][1]}; }
  std::vector<SignalAxis> attentionAxes() const override { return {SignalAxis::None, SignalAxis::Step}; }
  std::string why() const override {
    return "the layer weighs the timesteps of its input by a softmax of " + formula() +
           (options_.sequence ? "" : " and sums them");
  }

 private:
  std::string formula() const {
    const bool biased = options_.weights.size() > (options_.score == Score::Context ? 2u : 1u);
    const std::string inner = biased ? "h·W + b" : "h·W";
    switch (options_.score) {
      case Score::Linear:
        return inner;
      case Score::Tanh:
        return "tanh(" + inner + ")";
      case Score::Context:
        break;
    }
    return "tanh(" + inner + ")·u";
  }

  /// Timesteps that have a bias each; 1 where it is one for all, 0 where there is none.
  int stepsOfBias() const {
    return options_.score == Score::Context || options_.weights.size() < 2 ? 0 : options_.weights[1][0];
  }

  /// Floats of tanh(h·W + b); none where that is a number for each timestep.
  size_t projectedSize(int steps) const {
    return options_.score == Score::Context ? static_cast<size_t>(steps) * static_cast<size_t>(project_.out())
                                            : 0;
  }

  /// `projected`: room for projectedSize.
  void computeScores(Rows h, std::span<float> scores, float* projected, Scratch& scratch) const {
    if (options_.score == Score::Context) {
      const size_t count = projectedSize(h.count);
      scratch.kept<RowProducts>(this).apply(project_, h.data, h.count, projected);
      activate(Activation::Tanh, {projected, count});
      return score_.apply(projected, h.count, scores.data());
    }
    score_.apply(h.data, h.count, scores.data());
    for (size_t t = 0; !bias_.empty() && t < scores.size(); ++t)
      scores[t] += bias_[bias_.size() == 1 ? 0 : t];
    if (options_.score == Score::Tanh) activate(Activation::Tanh, scores);
  }

  /// Scores to weights, in place.
  void weigh(std::span<float> scores, std::span<const uint8_t> mask) const {
    const auto masked = [&](size_t t) { return !mask.empty() && mask[t] == 0; };
    const Weighing how = options_.weighing;
    for (size_t t = 0; how == Weighing::Lowered && t < scores.size(); ++t)
      scores[t] -= masked(t) ? 1e4f : 0.0f;
    const float shift = how == Weighing::Exp ? 0.0f : *std::max_element(scores.begin(), scores.end());
    float sum = how == Weighing::Softmax ? 0.0f : 1e-7f;
    for (size_t t = 0; t < scores.size(); ++t) {
      const bool none = masked(t) && (how == Weighing::Exp || how == Weighing::ShiftedExp);
      scores[t] = none ? 0.0f : std::exp(scores[t] - shift);
      sum += scores[t];
    }
    for (float& weight : scores) weight /= sum;
  }

  /// From the output to the weights and to h, which is what they weigh.
  void sumBackward(Rows h, std::span<const float> alpha, std::span<const float> above,
                   std::span<float> gradient, GradientRows below) const {
    if (above.empty()) return;
    if (!options_.sequence)
      return attendBackward(alpha.data(), h, {above.data(), 1, h.features, h.features}, gradient.data(),
                            below);
    const Rows rows{above.data(), h.count, h.features, h.features};
    for (int t = 0; t < h.count; ++t) {
      const auto place = static_cast<size_t>(t);
      gradient[place] += dotProduct(rows.row(t), h.row(t), h.features);
      std::transform(rows.row(t), rows.row(t) + h.features, below.row(t), below.row(t),
                     [weight = alpha[place]](float x, float sum) { return sum + weight * x; });
    }
  }

  Options options_;
  Affine project_;           ///< h·W + b, where that is a vector
  Affine score_;             ///< to one number
  std::vector<float> bias_;  ///< of that number: (1) or (T)
};

std::unique_ptr<Layer> makePooled(CustomLayer& layer, const PooledForm& form) {
  PooledAttention::Options options;
  options.score = form.score;
  options.weighing = form.weighing;
  // Some copies hand out the attention without an option that says so.
  options.returned = layer.tensorsRead > 1;
  for (const char* key : {"return_attention", "return_coefficients"})
    options.returned = layer.config.boolean(key, false) || options.returned;
  options.sequence = layer.config.boolean("return_sequences", false);
  if (layer.options.contains("step_dim")) options.stepDim = layer.config.size("step_dim");
  // Whether there is a bias the weights tell.
  for (const char* key : {"bias", "use_bias", "features_dim"}) layer.config.ignore(key);
  for (const TensorView* weight : layer.weights)
    options.weights.emplace_back(weight->shape.begin(), weight->shape.end());
  return std::make_unique<PooledAttention>(layer.config, std::move(options));
}

/// How much besides the weights speaks for a form.
int toldFor(const PooledForm& form, const CustomLayer& layer) {
  const bool option = *form.option != '\0' && layer.options.contains(form.option);
  const int told = (layer.lowerClassName() == form.className ? 2 : 0) + (option ? 2 : 0);
  const bool older = writtenBeforeJune2020(layer.config.dialect());
  return told > 0 && form.weighing == (older ? Weighing::ShiftedExp : Weighing::Lowered) ? told + 1 : told;
}

}  // namespace

void addPooledForms(const CustomLayer& layer, std::vector<Form>& forms) {
  const std::optional<Layout> layout = layoutOf(layer);
  if (!layout || layer.inputs != 1) return;
  std::map<Score, size_t> known;  // where forms of a score stand
  for (const PooledForm& pooled : kForms) {
    if ((pooled.layouts & anyOf(*layout)) == 0) continue;
    // Dense and normalisation layers have the other layouts as well.
    const bool distinct = *layout == ColumnSteps || *layout == Matrix;
    Form form{pooled.value, pooled.label, toldFor(pooled, layer), distinct,
              [&pooled](CustomLayer& custom) { return makePooled(custom, pooled); }};
    // Without masks the ways of weighing are the same.
    const auto [same, first] = known.emplace(pooled.score, forms.size());
    if (layer.masked || first) {
      forms.push_back(std::move(form));
    } else if (form.told > forms[same->second].told) {
      forms[same->second] = std::move(form);
    }
  }
}

}  // namespace charglow
