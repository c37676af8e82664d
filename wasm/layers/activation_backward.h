#pragma once

#include <algorithm>
#include <span>

#include "kernels/activation_gradients.h"
#include "layers/layer.h"

namespace charglow {

/// The gradient before the activation of a layer that ends in one, over rows of `width`: d(loss)/d(what the
/// activation was given), in the shape of the layer's first output. `room`: twice that output's floats; the
/// gradient is at its front. Where the activation's derivative needs what went in, before(to) computes that
/// once more.
template <class Before>
std::span<float> gradientBefore(Activation activation, const Backward& call, size_t width, float* room,
                                Before before) {
  const std::span<const float> y = call.outputs[0].data;
  const std::span<float> gradient(room, y.size());
  std::copy(call.outputGradients[0].begin(), call.outputGradients[0].end(), gradient.begin());
  std::span<float> x;
  if (!derivesFromOutput(activation)) {
    x = {room + y.size(), y.size()};
    before(x);
  }
  activateRowsBackward(activation, x, y, gradient, width);
  return gradient;
}

}  // namespace charglow
