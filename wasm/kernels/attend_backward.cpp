#include "kernels/attend_backward.h"

#include <Eigen/Core>
#include <algorithm>
#include <numeric>

#include "kernels/activation_gradients.h"
#include "kernels/float4.h"

namespace charglow {
namespace {

/// to += factor · x
inline void addScaled(float factor, const float* x, int count, float* to) {
  Eigen::Map<Eigen::ArrayXf>(to, count) += factor * Eigen::Map<const Eigen::ArrayXf>(x, count);
}

/// to_i += factor · Σ_j weights_ij x_j for `rows` rows of weights. Most weights of a masked or causal
/// attention are 0.
void addSums(const float* weights, int rows, float factor, Rows x, GradientRows to) {
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < x.count; ++j, ++weights) {
      if (*weights != 0) addScaled(factor * *weights, x.row(j), x.features, to.row(i));
    }
  }
}

/// to_j += factor · Σ_i weights_ij x_i for `columns` columns of weights.
void addTransposedSums(const float* weights, int columns, float factor, Rows x, GradientRows to) {
  for (int i = 0; i < x.count; ++i) {
    for (int j = 0; j < columns; ++j, ++weights) {
      if (*weights != 0) addScaled(factor * *weights, x.row(i), x.features, to.row(j));
    }
  }
}

}  // namespace

void attendBackward(const float* weights, Rows values, Rows gradient, float* weightGradient,
                    GradientRows valueGradient) {
  for (int q = 0; q < gradient.count; ++q) {
    for (int s = 0; s < values.count; ++s)
      *weightGradient++ += dotProduct(gradient.row(q), values.row(s), values.features);
  }
  if (valueGradient.data != nullptr) addTransposedSums(weights, values.count, 1.0f, gradient, valueGradient);
}

void softmaxRowsBackward(const float* weights, float* gradient, int rows, int steps) {
  for (int i = 0; i < rows; ++i, weights += steps, gradient += steps)
    softmaxBackward(weights, gradient, steps, 1);
}

void weighedBackward(std::span<const float> scores, std::span<const float> weights, bool shifted,
                     std::span<float> gradient) {
  const float sum = std::inner_product(weights.begin(), weights.end(), gradient.begin(), 0.0f);
  for (size_t t = 0; t < gradient.size(); ++t) gradient[t] = weights[t] * (gradient[t] - sum);
  if (!shifted) return;
  // With Σ weights = 1 a shift of all exponents would change nothing; ε takes a part of it. That part is what
  // the gradients at the exponents add up to.
  const float left = std::accumulate(gradient.begin(), gradient.end(), 0.0f);
  const float top = *std::max_element(scores.begin(), scores.end());
  const auto tied = static_cast<float>(std::count(scores.begin(), scores.end(), top));
  for (size_t t = 0; t < gradient.size(); ++t) {
    if (scores[t] == top) gradient[t] -= left / tied;
  }
}

void dotScoresBackward(const float* gradient, float factor, Rows query, Rows key, GradientRows queryGradient,
                       GradientRows keyGradient) {
  if (queryGradient.data != nullptr) addSums(gradient, query.count, factor, key, queryGradient);
  if (keyGradient.data != nullptr) addTransposedSums(gradient, key.count, factor, query, keyGradient);
}

void additiveScoresBackward(const float* gradient, Rows query, Rows key, const float* weight,
                            GradientRows queryGradient, GradientRows keyGradient) {
  const auto add = [](Float4 x, float* to, size_t count) { storeUpTo(loadUpTo(to, count) + x, to, count); };
  for (int q = 0; q < query.count; ++q) {
    const float* mine = query.row(q);
    for (int s = 0; s < key.count; ++s, ++gradient) {
      if (*gradient == 0) continue;
      const float* theirs = key.row(s);
      for (int f = 0; f < query.features; f += 4) {
        const auto left = static_cast<size_t>(query.features - f);
        const Float4 y = tanh(loadUpTo(mine + f, left) + loadUpTo(theirs + f, left));
        const Float4 inner = *gradient * loadUpTo(weight + f, left) * (1.0f - y * y);
        if (queryGradient.data != nullptr) add(inner, queryGradient.row(q) + f, left);
        if (keyGradient.data != nullptr) add(inner, keyGradient.row(s) + f, left);
      }
    }
  }
}

}  // namespace charglow
