#pragma once

#include "kernels/strided.h"
#include "tensor.h"

namespace charglow {

/// Joins `other` into `shape` by numpy's rule: axes meet from the last one on, and one of length 1, or one
/// that is not there, is repeated. An axis runs along the timesteps where one of the two does. False where
/// lengths differ.
bool broadcast(Shape& shape, const Shape& other);

/// How the elements of `to`, which `from` was broadcast to, lie in a tensor of shape `from`.
StridedWalk broadcastWalk(const Shape& from, const Shape& to);

}  // namespace charglow
