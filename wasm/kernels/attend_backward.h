#pragma once

#include <span>

#include "kernels/attend.h"

namespace charglow {

/// Where the gradient of Rows is added; no `data` where nobody asks for it. Two may be the same memory, as a
/// layer's queries and keys can be the same tensor.
struct GradientRows {
  float* data;
  int stride;

  [[nodiscard]] float* row(int index) const { return data + static_cast<ptrdiff_t>(index) * stride; }
};

/// The way back of `attend`, output = weights · values, from `gradient`, the output's, one row for each
/// query:
///
///     weightGradient (queries, steps) += gradient · valuesᵀ
///     valueGradient (steps, features) += weightsᵀ · gradient
void attendBackward(const float* weights, Rows values, Rows gradient, float* weightGradient,
                    GradientRows valueGradient);

/// The way back of `softmaxRows`, in place: `gradient` (rows, steps) is that of `weights`, which came out,
/// and becomes that of the scores.
void softmaxRowsBackward(const float* weights, float* gradient, int rows, int steps);

/// The same of one row of weights exp(s_t - max s) m_t / (Σ + ε): what ε adds to the sum depends on the
/// largest score, masked or not, which the others are measured by. `shifted`: whether they are; else the
/// exponents are the scores themselves. Scores that are largest together share it, as in TensorFlow.
/// @param scores  before they were shifted; may be empty where they were not
void weighedBackward(std::span<const float> scores, std::span<const float> weights, bool shifted,
                     std::span<float> gradient);

/// The way back of `dotScores`, scores = factor · query · keyᵀ, from `gradient` (queries, steps), the
/// scores'.
void dotScoresBackward(const float* gradient, float factor, Rows query, Rows key, GradientRows queryGradient,
                       GradientRows keyGradient);

/// The way back of `additiveScores`, scores_qs = Σ_f weight_f · tanh(query_qf + key_sf), from `gradient`
/// (queries, steps), the scores'. The tanh is computed again.
void additiveScoresBackward(const float* gradient, Rows query, Rows key, const float* weight,
                            GradientRows queryGradient, GradientRows keyGradient);

}  // namespace charglow
