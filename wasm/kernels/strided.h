#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tensor.h"

namespace charglow {

/// Walks the elements of a tensor of this shape in C order and calls `visit(offset)` for each, where `offset`
/// is the place of the element in another tensor, whose neighbours along axis i lie stride[i] apart (0:
/// repeated along it). Every size must be known and at least 1.
template <class Visit>
void walkStrided(const Shape& shape, std::span<const size_t> stride, Visit visit) {
  const int count = elementCount(shape);
  std::vector<int> index(shape.size(), 0);
  size_t offset = 0;
  for (int element = 0; element < count; ++element) {
    visit(offset);
    for (size_t axis = shape.size(); axis-- > 0;) {
      offset += stride[axis];
      if (++index[axis] < shape[axis].size) break;
      offset -= stride[axis] * static_cast<size_t>(shape[axis].size);
      index[axis] = 0;
    }
  }
}

}  // namespace charglow
