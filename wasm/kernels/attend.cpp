#include "kernels/attend.h"

#include <Eigen/Core>

#include "kernels/activations.h"
#include "kernels/float4.h"

namespace charglow {

void dotScores(const float* query, Rows key, float factor, float* scores) {
  for (int s = 0; s < key.count; ++s) scores[s] = factor * dotProduct(query, key.row(s), key.features);
}

void dotScores(Rows query, Rows key, float factor, float* scores, Affine& packed) {
  if (query.count == 1) return dotScores(query.data, key, factor, scores);
  packed.assign(key.data, 1, key.stride, key.features, key.count);
  packed.apply(query.data, query.stride, query.count, scores, key.count);
  Eigen::Map<Eigen::ArrayXf>(scores, static_cast<ptrdiff_t>(query.count) * key.count) *= factor;
}

void additiveScores(Rows query, Rows key, const float* weight, float* scores) {
  const int features = query.features;
  const int whole = features / 4 * 4;
  const auto rest = static_cast<size_t>(features - whole);
  for (int q = 0; q < query.count; ++q) {
    const float* mine = query.row(q);
    for (int s = 0; s < key.count; ++s) {
      const float* theirs = key.row(s);
      Float4 sum = four(0.0f);
      for (int f = 0; f < whole; f += 4)
        sum = multiplyAdd(load(weight + f), tanh(load(mine + f) + load(theirs + f)), sum);
      if (rest > 0) {
        sum = multiplyAdd(loadSome(weight + whole, rest),
                          tanh(loadSome(mine + whole, rest) + loadSome(theirs + whole, rest)), sum);
      }
      *scores++ = sumOf(sum);
    }
  }
}

void softmaxRows(float* scores, int rows, int steps) {
  for (int i = 0; i < rows; ++i) softmax(scores + static_cast<ptrdiff_t>(i) * steps, steps, 1);
}

void attend(const float* weights, Rows values, float* output) {
  Eigen::Map<Eigen::ArrayXf> sum(output, values.features);
  sum.setZero();
  for (int s = 0; s < values.count; ++s)
    sum += weights[s] * Eigen::Map<const Eigen::ArrayXf>(values.row(s), values.features);
}

void attend(const float* weights, int queries, Rows values, float* output, int stride, Affine& packed) {
  if (queries == 1) return attend(weights, values, output);
  packed.assign(values.data, values.stride, 1, values.count, values.features);
  packed.apply(weights, values.count, queries, output, stride);
}

}  // namespace charglow
