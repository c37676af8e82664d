#include <algorithm>
#include <functional>

#include "kernels/activation_gradients.h"
#include "layers/attention/multi_head.h"

namespace charglow {

void MultiHeadAttention::backward(const Backward& call, Scratch& scratch) const {
  const View& query = call.inputs[call_.query];
  const int queries = query.shape[1].size;
  const int steps = call.inputs[call_.value].shape[1].size;
  const size_t size = roomSize(queries, steps);
  const size_t pairs = static_cast<size_t>(queries) * static_cast<size_t>(steps);
  // what the forward pass computes, the gradients of it, the weights of one head, and their gradient (T, S)
  float* memory = scratch.room(2 * size + 2 * pairs);
  const Room room = roomFor(queries, steps, memory);
  const Room gradients = roomFor(queries, steps, memory + size);
  const std::span<float> weights(memory + 2 * size, pairs);
  const std::span<float> gradient(weights.data() + pairs, pairs);
  for (int b = 0; b < query.shape[0].size; ++b) {
    project(call.inputs, b, room, scratch);
    std::fill_n(gradients.query, size, 0.0f);
    const std::span<const float> above = gradientOf(call.outputGradients[0], b, query.shape);
    if (!above.empty()) weights_->output.addTransposed(above.data(), queries, gradients.heads);
    const GradientRows toQuery = gradientRowsOf(call, call_.query, b);
    if (options_.gate) {
      computeGate(rowsOf(query, b), room.gate);
      // To the gate the gradient of the product goes with the heads' sums, which headBackward computes again.
      const size_t count = static_cast<size_t>(queries) * static_cast<size_t>(weights_->gate.out());
      std::copy_n(gradients.heads, count, gradients.gate);
      std::transform(gradients.heads, gradients.heads + count, room.gate, gradients.heads,
                     std::multiplies<>());
    }
    for (int n = 0; n < options_.heads; ++n)
      headBackward(call, b, n, room, gradients, weights, gradient, scratch.packed);
    if (options_.gate) gateBackward(rowsOf(query, b), room, gradients, toQuery);
    const auto add = [&](const Affine& affine, const float* from, int rows, size_t input) {
      const GradientRows to = gradientRowsOf(call, input, b);
      if (to.data != nullptr) affine.addTransposed(from, rows, to.data);
    };
    add(weights_->query, gradients.query, queries, call_.query);
    add(weights_->key, gradients.key, steps, call_.key);
    add(weights_->value, gradients.value, steps, call_.value);
  }
}

/// From gradients.heads and the attention's own gradient to those of one head's Q, K and V. `weights` and
/// `gradient` are room for its attention (T, S). Gated, room.heads becomes the heads' sums.
void MultiHeadAttention::headBackward(const Backward& call, int b, int n, const Room& room,
                                      const Room& gradients, std::span<float> weights,
                                      std::span<float> gradient, Affine& packed) const {
  const Options& o = options_;
  const int queries = call.inputs[call_.query].shape[1].size;
  const int steps = call.inputs[call_.value].shape[1].size;
  const int shared = sharedHead(n);
  const size_t start = static_cast<size_t>(b * o.heads + n) * weights.size();
  const std::span<const float> attention = call.outputs[1].data.subspan(start, weights.size());
  const std::span<const float> reached = call.outputGradients[1];
  startGradient(reached.empty() ? reached : reached.subspan(start, weights.size()), gradient);
  std::copy(attention.begin(), attention.end(), weights.begin());
  const Seen seen(*this, call.inputs, b, n);
  // Keras's dot_product_attention replaces the scores of what is hidden, by constants. The weights that it
  // gave to a query that sees nothing are not those of the attention.
  const bool replaced = outputIsFused() && !seen.everything();
  const auto eachBlind = [&](auto&& visit) {
    for (int t = 0; replaced && t < queries; ++t) {
      if (seen.blind(t, steps)) visit(static_cast<ptrdiff_t>(t) * steps);
    }
  };
  eachBlind(
      [&](ptrdiff_t row) { std::fill_n(weights.data() + row, steps, 1.0f / static_cast<float>(steps)); });

  const Rows value = headOf(room.value, shared, steps, o.valueDim, o.keyHeads);
  const int width = o.heads * o.valueDim;
  const ptrdiff_t part = static_cast<ptrdiff_t>(n) * o.valueDim;
  if (o.gate) attend(weights.data(), queries, value, room.heads + part, width, packed);
  const auto gradientsOf = [&](float* all, int head, int features, int heads) {
    return GradientRows{all + static_cast<ptrdiff_t>(head) * features, heads * features};
  };
  attendBackward(weights.data(), value, headOf(gradients.heads, n, queries, o.valueDim, o.heads),
                 gradient.data(), gradientsOf(gradients.value, shared, o.valueDim, o.keyHeads));
  softmaxRowsBackward(weights.data(), gradient.data(), queries, steps);
  eachBlind([&](ptrdiff_t row) { std::fill_n(gradient.data() + row, steps, 0.0f); });
  dotScoresBackward(gradient.data(), scale(), headOf(room.query, n, queries, o.keyDim, o.heads),
                    headOf(room.key, shared, steps, o.keyDim, o.keyHeads),
                    gradientsOf(gradients.query, n, o.keyDim, o.heads),
                    gradientsOf(gradients.key, shared, o.keyDim, o.keyHeads));
}

/// From gradients.gate, that of the gated product, to the query.
void MultiHeadAttention::gateBackward(Rows query, const Room& room, const Room& gradients,
                                      GradientRows below) const {
  if (below.data == nullptr) return;
  const size_t count = static_cast<size_t>(query.count) * static_cast<size_t>(weights_->gate.out());
  std::transform(gradients.gate, gradients.gate + count, room.heads, gradients.gate, std::multiplies<>());
  activateBackward(Activation::Sigmoid, {}, {room.gate, count}, {gradients.gate, count});
  weights_->gate.addTransposed(gradients.gate, query.count, below.data);
}

}  // namespace charglow
