#include "kernels/activations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "kernels/float4.h"

namespace charglow {
namespace {

using Entry = std::pair<std::string_view, Activation>;

/// The first name of an activation is the one it is shown by.
constexpr std::array kNames = {
    Entry{"linear", Activation::Linear},
    Entry{"relu", Activation::Relu},
    Entry{"relu6", Activation::Relu6},
    Entry{"leaky_relu", Activation::LeakyRelu},
    Entry{"elu", Activation::Elu},
    Entry{"selu", Activation::Selu},
    Entry{"celu", Activation::Celu},
    Entry{"gelu", Activation::Gelu},
    Entry{"silu", Activation::Silu},
    Entry{"swish", Activation::Silu},
    Entry{"mish", Activation::Mish},
    Entry{"tanh", Activation::Tanh},
    Entry{"sigmoid", Activation::Sigmoid},
    Entry{"hard_sigmoid", Activation::HardSigmoid2},
    Entry{"hard_sigmoid", Activation::HardSigmoid3},
    Entry{"hard_silu", Activation::HardSilu},
    Entry{"hard_swish", Activation::HardSilu},
    Entry{"hard_tanh", Activation::HardTanh},
    Entry{"softplus", Activation::Softplus},
    Entry{"softsign", Activation::Softsign},
    Entry{"exponential", Activation::Exponential},
    Entry{"log_sigmoid", Activation::LogSigmoid},
    Entry{"tanh_shrink", Activation::TanhShrink},
    Entry{"soft_shrink", Activation::SoftShrink},
    Entry{"hard_shrink", Activation::HardShrink},
    Entry{"squareplus", Activation::Squareplus},
    Entry{"sparse_plus", Activation::SparsePlus},
    Entry{"sparse_sigmoid", Activation::SparseSigmoid},
    Entry{"softmax", Activation::Softmax},
    Entry{"log_softmax", Activation::LogSoftmax},
};

float softplus(float x) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x))); }

float hardSigmoid3(float x) { return std::clamp(x / 6.0f + 0.5f, 0.0f, 1.0f); }

/// The constants of Klambauer et al. 2017, as in Keras.
constexpr float kSeluAlpha = 1.6732632423543772f;
constexpr float kSeluScale = 1.0507009873554805f;

void logSoftmax(std::span<float> row) {
  const float top = *std::max_element(row.begin(), row.end());
  float sum = 0;
  for (const float x : row) sum += std::exp(x - top);
  const float shift = top + std::log(sum);
  for (float& x : row) x -= shift;
}

/// A function of its own for each activation, as eachFour: a page fetches those at once that its model needs.
template <class Function>
[[gnu::noinline]] void each(std::span<float> row, Function function) {
  for (float& x : row) x = function(x);
}

/// Four at a time. What is left at the end goes the same way, so that a number does not depend on its place.
template <class Function>
[[gnu::noinline]] void eachFour(std::span<float> row, Function function) {
  size_t i = 0;
  for (; i + 4 <= row.size(); i += 4) store(function(load(row.data() + i)), row.data() + i);
  if (i == row.size()) return;
  float rest[4] = {};
  std::copy(row.begin() + static_cast<ptrdiff_t>(i), row.end(), rest);
  store(function(load(rest)), rest);
  std::copy_n(rest, row.size() - i, row.begin() + static_cast<ptrdiff_t>(i));
}

}  // namespace

std::optional<Activation> activationNamed(std::string_view name, bool keras3) {
  if (name == "hard_sigmoid") return keras3 ? Activation::HardSigmoid3 : Activation::HardSigmoid2;
  const auto* found =
      std::find_if(kNames.begin(), kNames.end(), [&](const Entry& e) { return e.first == name; });
  if (found == kNames.end()) return std::nullopt;
  return found->second;
}

std::string_view activationName(Activation activation) {
  return std::find_if(kNames.begin(), kNames.end(), [&](const Entry& e) { return e.second == activation; })
      ->first;
}

void softmax(float* values, int count, int stride) {
  if (count <= 0) return;
  float top = values[0];
  for (int i = 1; i < count; ++i) top = std::max(top, values[i * stride]);
  if (stride == 1) {
    eachFour({values, static_cast<size_t>(count)}, [top](Float4 x) { return expOfNegative(x - top); });
  } else {
    for (int i = 0; i < count; ++i) values[i * stride] = expOfNegative(four(values[i * stride] - top))[0];
  }
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += values[i * stride];
  if (stride == 1) return eachFour({values, static_cast<size_t>(count)}, [sum](Float4 x) { return x / sum; });
  for (int i = 0; i < count; ++i) values[i * stride] /= sum;
}

void activate(Activation activation, std::span<float> row) {
  switch (activation) {
    case Activation::Linear:
      return;
    case Activation::Relu:
      return each(row, [](float x) { return std::max(x, 0.0f); });
    case Activation::Relu6:
      return each(row, [](float x) { return std::clamp(x, 0.0f, 6.0f); });
    case Activation::LeakyRelu:
      return each(row, [](float x) { return x > 0 ? x : 0.2f * x; });
    case Activation::Elu:
    case Activation::Celu:  // alpha = 1, where the two are the same function
      return each(row, [](float x) { return x > 0 ? x : std::expm1(x); });
    case Activation::Selu:
      return each(row, [](float x) { return kSeluScale * (x > 0 ? x : kSeluAlpha * std::expm1(x)); });
    case Activation::Gelu:
      return each(row, [](float x) { return 0.5f * x * (1.0f + std::erf(x * 0.70710678118654752f)); });
    case Activation::Silu:
      return eachFour(row, [](Float4 x) { return x * sigmoid(x); });
    case Activation::Mish:
      return each(row, [](float x) { return x * std::tanh(softplus(x)); });
    case Activation::Tanh:
      return eachFour(row, [](Float4 x) { return tanh(x); });
    case Activation::Sigmoid:
      return eachFour(row, [](Float4 x) { return sigmoid(x); });
    case Activation::HardSigmoid2:
      return eachFour(row, [](Float4 x) { return hardSigmoid2(x); });
    case Activation::HardSigmoid3:
      return each(row, hardSigmoid3);
    case Activation::HardSilu:
      return each(row, [](float x) { return x * hardSigmoid3(x); });
    case Activation::HardTanh:
      return each(row, [](float x) { return std::clamp(x, -1.0f, 1.0f); });
    case Activation::Softplus:
      return each(row, softplus);
    case Activation::Softsign:
      return each(row, [](float x) { return x / (1.0f + std::abs(x)); });
    case Activation::Exponential:
      return each(row, [](float x) { return std::exp(x); });
    case Activation::LogSigmoid:
      return each(row, [](float x) { return -softplus(-x); });
    case Activation::TanhShrink:
      return each(row, [](float x) { return x - std::tanh(x); });
    case Activation::SoftShrink:
      return each(row, [](float x) { return x > 0.5f ? x - 0.5f : x < -0.5f ? x + 0.5f : 0.0f; });
    case Activation::HardShrink:
      return each(row, [](float x) { return std::abs(x) > 0.5f ? x : 0.0f; });
    case Activation::Squareplus:
      return each(row, [](float x) { return 0.5f * (x + std::sqrt(x * x + 4.0f)); });
    case Activation::SparsePlus:
      return each(row, [](float x) { return x <= -1 ? 0.0f : x < 1 ? 0.25f * (x + 1) * (x + 1) : x; });
    case Activation::SparseSigmoid:
      return each(row, [](float x) { return std::clamp(0.5f * (x + 1.0f), 0.0f, 1.0f); });
    case Activation::Softmax:
      return softmax(row.data(), static_cast<int>(row.size()), 1);
    case Activation::LogSoftmax:
      return logSoftmax(row);
  }
}

}  // namespace charglow
