#pragma once

namespace charglow {

/// Vectors, one for each query or step: (count, features). The heads of a multi-head attention lie side by
/// side in rows that are `stride` long.
struct Rows {
  const float* data;
  int count;
  int features;
  int stride;
};

/// scores (queries, steps) = factor · query · keyᵀ
void dotScores(Rows query, Rows key, float factor, float* scores);

/// scores_qs = Σ_f weight_f · tanh(query_qf + key_sf); `weight` has the features' number.
void additiveScores(Rows query, Rows key, const float* weight, float* scores);

/// Softmax of each row of `scores` (rows, steps), in place.
void softmaxRows(float* scores, int rows, int steps);

/// output (queries, values.features) = weights (queries, values.count) · values; the rows of the output lie
/// `stride` apart.
void attend(const float* weights, int queries, Rows values, float* output, int stride);

}  // namespace charglow
