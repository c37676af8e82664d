#include "kernels/strided.h"

#include "kernels/float4.h"

namespace charglow {
namespace {

/// to (rows, columns): element (i, j) is from[i + j * stride]. Sixteen at a time.
void gatherTransposed(const StridedWalk::Transposed& matrix, const float* from, float* to) {
  const auto rows = static_cast<ptrdiff_t>(matrix.rows);
  const auto columns = static_cast<ptrdiff_t>(matrix.columns);
  const auto stride = static_cast<ptrdiff_t>(matrix.stride);
  const ptrdiff_t wholeRows = rows / 4 * 4;
  const ptrdiff_t wholeColumns = columns / 4 * 4;
  for (ptrdiff_t i = 0; i < wholeRows; i += 4) {
    for (ptrdiff_t j = 0; j < wholeColumns; j += 4) {
      const float* x = from + i + j * stride;
      Float4 a = load(x);
      Float4 b = load(x + stride);
      Float4 c = load(x + 2 * stride);
      Float4 d = load(x + 3 * stride);
      transpose(a, b, c, d);
      float* y = to + i * columns + j;
      store(a, y);
      store(b, y + columns);
      store(c, y + 2 * columns);
      store(d, y + 3 * columns);
    }
    for (ptrdiff_t k = i; k < i + 4; ++k) {
      for (ptrdiff_t j = wholeColumns; j < columns; ++j) to[k * columns + j] = from[k + j * stride];
    }
  }
  for (ptrdiff_t i = wholeRows; i < rows; ++i) {
    for (ptrdiff_t j = 0; j < columns; ++j) to[i * columns + j] = from[i + j * stride];
  }
}

}  // namespace

std::vector<size_t> stridesOf(const Shape& shape) {
  std::vector<size_t> stride(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) stride[i - 1] = stride[i] * static_cast<size_t>(shape[i].size);
  return stride;
}

void gather(const StridedWalk& walk, const float* from, float* to) {
  if (const auto matrix = walk.transposed()) return gatherTransposed(*matrix, from, to);
  combineStrided(walk, from, to, [](float, float x) { return x; });
}

}  // namespace charglow
