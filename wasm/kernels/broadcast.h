#pragma once

#include <cstddef>
#include <vector>

#include "kernels/strided.h"
#include "tensor.h"

namespace charglow {

/// Joins `other` into `shape` by numpy's rule: axes meet from the last one on, and one of length 1, or one
/// that is not there, is repeated. An axis runs along the timesteps where one of the two does. False where
/// lengths differ.
bool broadcast(Shape& shape, const Shape& other);

/// Walks the elements of `to`, which `from` was broadcast to, in C order, and calls visit(offset) with the
/// place of each in a tensor of shape `from`.
template <class Visit>
void walkBroadcast(const Shape& from, const Shape& to, Visit visit) {
  std::vector<size_t> stride(to.size(), 0);  // 0 along the axes it is repeated on
  const size_t missing = to.size() - from.size();
  size_t step = 1;
  for (size_t i = from.size(); i-- > 0;) {
    if (from[i].size != 1) stride[missing + i] = step;
    step *= static_cast<size_t>(from[i].size);
  }
  walkStrided(to, stride, visit);
}

}  // namespace charglow
