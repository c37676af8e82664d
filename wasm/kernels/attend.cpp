#include "kernels/attend.h"

#include <Eigen/Core>

#include "kernels/activations.h"

namespace charglow {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;
using Row = Eigen::Map<const Eigen::ArrayXf>;

Eigen::Map<const Matrix, 0, Stride> matrix(Rows rows) {
  return {rows.data, rows.count, rows.features, Stride(rows.stride)};
}

Row row(Rows rows, int index) {
  return {rows.data + static_cast<ptrdiff_t>(index) * rows.stride, rows.features};
}

}  // namespace

void dotScores(Rows query, Rows key, float factor, float* scores) {
  Eigen::Map<Matrix>(scores, query.count, key.count).noalias() =
      factor * (matrix(query) * matrix(key).transpose());
}

void additiveScores(Rows query, Rows key, const float* weight, float* scores) {
  const Row weights(weight, query.features);
  for (int q = 0; q < query.count; ++q) {
    for (int s = 0; s < key.count; ++s) *scores++ = (weights * (row(query, q) + row(key, s)).tanh()).sum();
  }
}

void softmaxRows(float* scores, int rows, int steps) {
  for (int i = 0; i < rows; ++i) softmax(scores + static_cast<ptrdiff_t>(i) * steps, steps, 1);
}

void attend(const float* weights, int queries, Rows values, float* output, int stride) {
  Eigen::Map<Matrix, 0, Stride>(output, queries, values.features, Stride(stride)).noalias() =
      Eigen::Map<const Matrix>(weights, queries, values.count) * matrix(values);
}

}  // namespace charglow
