#pragma once

#include <cstddef>
#include <span>

#include "kernels/activations.h"

namespace charglow {

/// Whether an activation's derivative follows from what it gave alone. For the others it takes what went in.
bool derivesFromOutput(Activation activation);

/// The vector-Jacobian product of `activate` on one row, in place: `gradient` holds d/dy and becomes d/dx.
/// `x`: what went in; may be empty where derivesFromOutput. `y`: what came out. At a kink, the derivative is
/// what TensorFlow takes: 0 for relu at 0.
void activateBackward(Activation activation, std::span<const float> x, std::span<const float> y,
                      std::span<float> gradient);

/// The same of rows of `width` values: all of `gradient` is taken back in place.
void activateRowsBackward(Activation activation, std::span<const float> x, std::span<const float> y,
                          std::span<float> gradient, size_t width);

/// The same of `softmax` along values that lie `stride` apart: gradient_i = y_i (gradient_i - Σ_j gradient_j
/// y_j).
void softmaxBackward(const float* y, float* gradient, int count, int stride);

}  // namespace charglow
