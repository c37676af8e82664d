#include "kernels/activation_gradients.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace charglow {
namespace {

/// gradient_i *= derivative(of_i)
template <class Derivative>
void each(std::span<const float> of, std::span<float> gradient, Derivative derivative) {
  for (size_t i = 0; i < gradient.size(); ++i) gradient[i] *= derivative(of[i]);
}

float sigmoid(float x) {
  const float e = std::exp(-std::abs(x));
  return (x >= 0 ? 1.0f : e) / (1.0f + e);
}

/// d/dx of x · tanh(softplus(x)).
float mishDerivative(float x) {
  const float softplus = std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x)));
  const float t = std::tanh(softplus);
  return t + x * (1.0f - t * t) * sigmoid(x);
}

/// d/dx of x · Φ(x), with the normal distribution's Φ and its density.
float geluDerivative(float x) {
  const float distribution = 0.5f * (1.0f + std::erf(x * 0.70710678118654752f));
  return distribution + x * 0.39894228040143268f * std::exp(-0.5f * x * x);
}

/// d/dx of x · clip(x / 6 + 0.5, 0, 1).
float hardSiluDerivative(float x) {
  if (x <= -3.0f) return 0.0f;
  return x >= 3.0f ? 1.0f : x / 3.0f + 0.5f;
}

}  // namespace

bool derivesFromOutput(Activation activation) {
  switch (activation) {
    case Activation::Gelu:
    case Activation::Silu:
    case Activation::Mish:
    case Activation::HardSilu:
    case Activation::TanhShrink:
      return false;
    default:
      return true;
  }
}

void softmaxBackward(const float* y, float* gradient, int count, int stride) {
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += gradient[i * stride] * y[i * stride];
  for (int i = 0; i < count; ++i) gradient[i * stride] = y[i * stride] * (gradient[i * stride] - sum);
}

void activateBackward(Activation activation, std::span<const float> x, std::span<const float> y,
                      std::span<float> gradient) {
  constexpr float kSeluAlphaScale = 1.6732632423543772f * 1.0507009873554805f;
  switch (activation) {
    case Activation::Linear:
      return;
    case Activation::Relu:
      return each(y, gradient, [](float v) { return v > 0 ? 1.0f : 0.0f; });
    case Activation::Relu6:
      return each(y, gradient, [](float v) { return v > 0 && v < 6 ? 1.0f : 0.0f; });
    case Activation::LeakyRelu:
      return each(y, gradient, [](float v) { return v > 0 ? 1.0f : 0.2f; });
    case Activation::Elu:
    case Activation::Celu:
      return each(y, gradient, [](float v) { return v > 0 ? 1.0f : v + 1.0f; });
    case Activation::Selu:
      return each(y, gradient, [](float v) { return v > 0 ? 1.0507009873554805f : v + kSeluAlphaScale; });
    case Activation::Gelu:
      return each(x, gradient, geluDerivative);
    case Activation::Silu:
      return each(x, gradient, [](float v) {
        const float s = sigmoid(v);
        return s * (1.0f + v * (1.0f - s));
      });
    case Activation::Mish:
      return each(x, gradient, mishDerivative);
    case Activation::Tanh:
      return each(y, gradient, [](float v) { return 1.0f - v * v; });
    case Activation::Sigmoid:
      return each(y, gradient, [](float v) { return v * (1.0f - v); });
    case Activation::HardSigmoid2:
      return each(y, gradient, [](float v) { return v > 0 && v < 1 ? 0.2f : 0.0f; });
    case Activation::HardSigmoid3:
      return each(y, gradient, [](float v) { return v > 0 && v < 1 ? 1.0f / 6.0f : 0.0f; });
    case Activation::HardSilu:
      return each(x, gradient, hardSiluDerivative);
    case Activation::HardTanh:
      return each(y, gradient, [](float v) { return v > -1 && v < 1 ? 1.0f : 0.0f; });
    case Activation::Softplus:  // σ(x) = 1 - e^-y
      return each(y, gradient, [](float v) { return -std::expm1(-v); });
    case Activation::Softsign:  // 1 / (1 + |x|)² = (1 - |y|)²
      return each(y, gradient, [](float v) { return (1.0f - std::abs(v)) * (1.0f - std::abs(v)); });
    case Activation::Exponential:
      return each(y, gradient, [](float v) { return v; });
    case Activation::LogSigmoid:  // σ(-x) = 1 - e^y
      return each(y, gradient, [](float v) { return -std::expm1(v); });
    case Activation::TanhShrink:
      return each(x, gradient, [](float v) { return std::tanh(v) * std::tanh(v); });
    case Activation::SoftShrink:
    case Activation::HardShrink:
      return each(y, gradient, [](float v) { return v != 0 ? 1.0f : 0.0f; });
    case Activation::Squareplus:  // y / sqrt(x² + 4), where x = y - 1/y
      return each(y, gradient, [](float v) { return v * v / (v * v + 1.0f); });
    case Activation::SparsePlus:  // (x + 1) / 2 where y = (x + 1)² / 4
      return each(y, gradient, [](float v) { return v < 1 ? std::sqrt(v) : 1.0f; });
    case Activation::SparseSigmoid:
      return each(y, gradient, [](float v) { return v > 0 && v < 1 ? 0.5f : 0.0f; });
    case Activation::Softmax:
      return softmaxBackward(y.data(), gradient.data(), static_cast<int>(y.size()), 1);
    case Activation::LogSoftmax: {
      const float sum = std::accumulate(gradient.begin(), gradient.end(), 0.0f);
      for (size_t i = 0; i < gradient.size(); ++i) gradient[i] -= std::exp(y[i]) * sum;
      return;
    }
  }
}

void activateRowsBackward(Activation activation, std::span<const float> x, std::span<const float> y,
                          std::span<float> gradient, size_t width) {
  for (size_t row = 0; row < gradient.size(); row += width) {
    activateBackward(activation, x.empty() ? x : x.subspan(row, width), y.subspan(row, width),
                     gradient.subspan(row, width));
  }
}

}  // namespace charglow
