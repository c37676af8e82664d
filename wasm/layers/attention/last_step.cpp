// The layer "Attention" of the package `attention`, version 5: the last timestep attends to all.

#include <algorithm>

#include "keras/call_reader.h"
#include "keras/weight_reader.h"
#include "kernels/activation_gradients.h"
#include "kernels/activations.h"
#include "kernels/row_products.h"
#include "layers/attention/attending_layer.h"
#include "layers/attention/custom.h"

namespace charglow {
namespace {

/// h (batch, T, d), h_T its last timestep, whatever is masked:
///
///     s_t = h_T · (h_t·W)                    luong; W (d, d)
///           tanh(h_T·W1 + h_t·W2) · v        bahdanau; v (d, 1), W1, W2 (d, d)
///     attention (batch, T) = softmax s
///     output (batch, units) = tanh([Σ_t attention_t h_t ; h_T] · Wc)     Wc (2d, units)
///
/// None of the products has a bias, and no mask is handed on.
class LastStepAttention : public AttendingLayer {
 public:
  LastStepAttention(const ConfigReader& config, bool luong, int features, int units)
      : AttendingLayer(config.layer(), config.className(), false),
        luong_(luong),
        features_(features),
        units_(units) {}

  std::unique_ptr<Layer> forCall(CallReader& call) const override {
    call.everyTensor();
    return nullptr;
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    if (inputs[0].size() != 3 || inputs[0][2].size != features_) {
      refuseInput(*this, "(batch, timesteps, " + std::to_string(features_) + "), as wide as its weights",
                  inputs[0]);
    }
    return {inputs[0][0], {units_}};
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> /*inputs*/, WeightReader& weights) override {
    const auto take = [&](int in, int out) {
      const std::vector<float> kernel = weights.takeNext({in, out});
      return kernel.empty() ? Affine() : Affine(kernel, in, out, {});
    };
    if (!luong_) {
      score_ = weights.takeNext({features_, 1});
      query_ = take(features_, features_);
    }
    key_ = take(features_, features_);
    output_ = take(2 * features_, units_);
  }

  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override {
    const View& input = inputs[0];
    const int steps = input.shape[1].size;
    // key (T, d), query (d), [context ; h_T] (2d)
    float* key = scratch.room(static_cast<size_t>(steps + 3) * static_cast<size_t>(features_));
    float* query = key + static_cast<ptrdiff_t>(steps) * features_;
    float* context = query + features_;
    for (int b = 0; b < input.shape[0].size; ++b) {
      const Rows h = rowsOf(input, b);
      const float* last = h.data + static_cast<ptrdiff_t>(steps - 1) * features_;
      float* attention = outputs[1].data.data() + static_cast<ptrdiff_t>(b) * steps;
      scratch.kept<RowProducts>(this).apply(key_, h.data, steps, key);
      const Rows keys{key, steps, features_, features_};
      if (luong_) {
        dotScores(last, keys, 1.0f, attention);
      } else {
        query_.apply(last, 1, query);
        additiveScores({query, 1, features_, features_}, keys, score_.data(), attention);
      }
      softmaxRows(attention, 1, steps);
      attend(attention, h, context);
      std::copy_n(last, features_, context + features_);
      float* output = outputs[0].data.data() + static_cast<ptrdiff_t>(b) * units_;
      output_.apply(context, 1, output);
      activate(Activation::Tanh, {output, static_cast<size_t>(units_)});
    }
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const int steps = input.shape[1].size;
    const int d = features_;
    const size_t size = static_cast<size_t>(steps) * static_cast<size_t>(d);
    const auto width = static_cast<size_t>(d);
    // key (T, d), its gradient (T, d); query (d), its gradient (d); the gradients of [context ; h_T] (2d), of
    // the attention, then of the scores (T), of the output (units)
    float* key = scratch.room(2 * size + 4 * width + static_cast<size_t>(steps + units_));
    float* keyGradient = key + size;
    float* query = keyGradient + size;
    float* queryGradient = query + width;
    float* context = queryGradient + width;
    const std::span<float> gradient(context + 2 * width, static_cast<size_t>(steps));
    const std::span<float> above(gradient.data() + steps, static_cast<size_t>(units_));
    for (int b = 0; b < input.shape[0].size; ++b) {
      const Rows h = rowsOf(input, b);
      const GradientRows below = gradientRowsOf(call, 0, b);
      const Rows last{h.row(steps - 1), 1, d, d};
      const GradientRows lastBelow{below.row(steps - 1), d};
      startGradient(gradientOf(call.outputGradients[0], b, input.shape), above);
      activateBackward(Activation::Tanh, {},
                       call.outputs[0].data.subspan(static_cast<size_t>(b) * above.size(), above.size()),
                       above);
      std::fill_n(context, 2 * d, 0.0f);
      output_.addTransposed(above.data(), 1, context);
      addGradient({context + d, width}, {lastBelow.data, width});
      const float* attention = call.outputs[1].data.data() + static_cast<ptrdiff_t>(b) * steps;
      startGradient(gradientOf(call.outputGradients[1], b, input.shape), gradient);
      attendBackward(attention, h, {context, 1, d, d}, gradient.data(), below);
      softmaxRowsBackward(attention, gradient.data(), 1, steps);

      scratch.kept<RowProducts>(this).apply(key_, h.data, steps, key);
      const Rows keys{key, steps, d, d};
      std::fill_n(keyGradient, size, 0.0f);
      if (luong_) {
        dotScoresBackward(gradient.data(), 1.0f, last, keys, lastBelow, {keyGradient, d});
      } else {
        query_.apply(last.data, 1, query);
        std::fill_n(queryGradient, d, 0.0f);
        additiveScoresBackward(gradient.data(), {query, 1, d, d}, keys, score_.data(), {queryGradient, d},
                               {keyGradient, d});
        query_.addTransposed(queryGradient, 1, lastBelow.data);
      }
      key_.addTransposed(keyGradient, steps, below.data);
    }
  }

  std::string detail() const override { return luong_ ? "luong" : "bahdanau"; }

 protected:
  Shape attentionShape(std::span<const Shape> inputs) const override { return {inputs[0][0], inputs[0][1]}; }
  std::vector<SignalAxis> attentionAxes() const override { return {SignalAxis::None, SignalAxis::Step}; }
  std::string why() const override {
    return "the last timestep attends to all, by a softmax of " +
           std::string(luong_ ? "its products with them" : "v·tanh(h_T·W1 + h_t·W2)");
  }

 private:
  bool luong_;
  int features_;
  int units_;
  std::vector<float> score_;  ///< v (d)
  Affine query_;              ///< h_T·W1
  Affine key_;                ///< h_t·W, or h_t·W2
  Affine output_;             ///< of [context ; h_T]
};

std::unique_ptr<Layer> makeLastStep(CustomLayer& layer, bool luong, Sizes sizes) {
  const char* stated = luong ? "luong" : "bahdanau";
  layer.config.require("score", stated,
                       "Its weights, " + layer.weightsText() + ", are those of " + stated + ".");
  return std::make_unique<LastStepAttention>(layer.config, luong, sizes.at('d'), sizes.at('u'));
}

}  // namespace

void addLastStepForms(const CustomLayer& layer, std::vector<Form>& forms) {
  if (layer.inputs != 1 || layer.tensorsRead > 1) return;
  for (const bool luong : {true, false}) {
    const std::optional<Sizes> sizes = luong ? layer.fit({"dd", "wu"}) : layer.fit({"d1", "dd", "dd", "wu"});
    if (!sizes || sizes->at('w') != 2 * sizes->at('d')) continue;
    forms.push_back({luong ? "luong" : "bahdanau-last-step",
                     luong ? "Attention of the package attention, score luong"
                           : "Attention of the package attention, score bahdanau",
                     layer.options.contains("score") ? 2 : 0, true,
                     [luong, sizes](CustomLayer& custom) { return makeLastStep(custom, luong, *sizes); }});
  }
}

}  // namespace charglow
