// What the fixtures' attention hardly shows: the part that ε = 1e-7 takes of weights whose exponents are
// measured by a score that is hidden, and scores that are largest together.

#include "kernels/attend_backward.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace charglow {
namespace {

/// exp(s - max s) m / (Σ + ε) in double precision.
std::vector<double> weigh(const std::vector<double>& scores, const std::vector<double>& mask) {
  const double top = *std::max_element(scores.begin(), scores.end());
  std::vector<double> weights;
  double sum = 1e-7;
  for (size_t t = 0; t < scores.size(); ++t) sum += weights.emplace_back(std::exp(scores[t] - top) * mask[t]);
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// weighedBackward of these scores and the gradient {1, -2, 0.5, 3}.
std::vector<float> backward(const std::vector<double>& scores, const std::vector<double>& mask) {
  const std::vector<double> weights = weigh(scores, mask);
  const std::vector<float> of(scores.begin(), scores.end());
  const std::vector<float> given(weights.begin(), weights.end());
  std::vector<float> gradient = {1.0f, -2.0f, 0.5f, 3.0f};
  weighedBackward(of, given, true, gradient);
  return gradient;
}

TEST(WeighedBackward, IsTheSlopeWhereEpsilonTakesAPart) {
  const std::vector<double> mask = {0, 1, 1, 1};
  std::vector<double> scores = {15.5, 0.3, -0.2, 0.1};  // the others together: 5e-7 of the hidden one
  const std::vector<float> gradient = backward(scores, mask);
  const auto loss = [&] {
    const std::vector<double> weights = weigh(scores, mask);
    return weights[0] - 2 * weights[1] + 0.5 * weights[2] + 3 * weights[3];
  };
  for (size_t t = 0; t < scores.size(); ++t) {
    constexpr double kStep = 1e-5;
    const double kept = scores[t];
    scores[t] = kept + kStep;
    const double above = loss();
    scores[t] = kept - kStep;
    const double slope = (above - loss()) / (2 * kStep);
    scores[t] = kept;
    EXPECT_NEAR(gradient[t], slope, 1e-5) << t;
    EXPECT_GT(std::abs(slope), 0.01) << t;
  }
}

TEST(WeighedBackward, IsSharedByTheLargest) {
  const std::vector<float> one = backward({16, -1, 0, 0.5}, {0, 1, 1, 1});
  const std::vector<float> two = backward({16, 16, 0, 0.5}, {0, 0, 1, 1});
  EXPECT_GT(std::abs(one[0]), 0.01f);
  EXPECT_GT(std::abs(two[0]), 0.01f);
  EXPECT_FLOAT_EQ(two[0], two[1]);
  // A shift of all scores alike changes nothing.
  EXPECT_NEAR(std::accumulate(one.begin(), one.end(), 0.0f), 0.0f, 1e-6f);
  EXPECT_NEAR(std::accumulate(two.begin(), two.end(), 0.0f), 0.0f, 1e-6f);
}

}  // namespace
}  // namespace charglow
