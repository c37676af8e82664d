#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace charglow {

/// The activation functions of Keras (keras/src/activations/activations.py, 3.x, and
/// keras/activations.py, 2.x). The two hard sigmoids share a name in Keras and differ in their numbers.
enum class Activation {
  Linear,
  Relu,
  Relu6,
  LeakyRelu,  ///< slope 0.2, the default of keras.activations.leaky_relu
  Elu,
  Selu,
  Celu,
  Gelu,  ///< exact (erf), the default in both generations
  Silu,
  Mish,
  Tanh,
  Sigmoid,
  HardSigmoid2,  ///< clip(0.2 x + 0.5, 0, 1): Keras 1 and 2
  HardSigmoid3,  ///< clip(x / 6 + 0.5, 0, 1): Keras 3
  HardSilu,
  HardTanh,
  Softplus,
  Softsign,
  Exponential,
  LogSigmoid,
  TanhShrink,
  SoftShrink,  ///< threshold 0.5
  HardShrink,  ///< threshold 0.5
  Squareplus,  ///< b = 4
  SparsePlus,
  SparseSigmoid,
  Softmax,     ///< over the row
  LogSoftmax,  ///< over the row
};

/// The activation of a Keras name, or nothing where Keras has no such function or it is not supported.
std::optional<Activation> activationNamed(std::string_view name, bool keras3);

/// Its Keras name.
std::string_view activationName(Activation activation);

/// Applies the activation to one row (the last axis of a tensor) in place.
void activate(Activation activation, std::span<float> row);

/// Softmax of `count` values that lie `stride` apart, in place, shifted by their maximum as Keras does.
void softmax(float* values, int count, int stride);

}  // namespace charglow
