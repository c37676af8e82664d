#pragma once

#include <cstddef>

#include "kernels/affine.h"

namespace charglow {

/// Vectors, one for each query or step: (count, features). The heads of a multi-head attention lie side by
/// side in rows that are `stride` long.
struct Rows {
  const float* data;
  int count;
  int features;
  int stride;

  [[nodiscard]] const float* row(int index) const { return data + static_cast<ptrdiff_t>(index) * stride; }
};

/// scores (steps) = factor · query · keyᵀ for one query of the keys' features.
void dotScores(const float* query, Rows key, float factor, float* scores);
/// scores (queries, steps) = factor · query · keyᵀ. `packed` is where the keys are packed.
void dotScores(Rows query, Rows key, float factor, float* scores, Affine& packed);

/// scores_qs = Σ_f weight_f · tanh(query_qf + key_sf); `weight` has the features' number.
void additiveScores(Rows query, Rows key, const float* weight, float* scores);

/// Softmax of each row of `scores` (rows, steps), in place.
void softmaxRows(float* scores, int rows, int steps);

/// output (values.features) = weights (values.count) · values
void attend(const float* weights, Rows values, float* output);
/// output (queries, values.features) = weights (queries, values.count) · values; the rows of the output lie
/// `stride` apart. `packed` is where the values are packed.
void attend(const float* weights, int queries, Rows values, float* output, int stride, Affine& packed);

}  // namespace charglow
