#include "kernels/row_products.h"

#include <algorithm>

#include "kernels/float4.h"

namespace charglow {

void RowProducts::apply(const Affine& affine, const float* x, int rows, float* y) {
  const auto in = static_cast<size_t>(affine.in());
  const auto out = static_cast<size_t>(affine.out());
  const auto count = static_cast<size_t>(rows);
  if (in * out < kWorth || count * (in + out) > kMost) return affine.apply(x, rows, y);
  x_.resize(std::max(x_.size(), count * in));
  y_.resize(std::max(y_.size(), count * out));
  const auto changed = [&](size_t row) {
    return row >= known_ || !sameBits(x + row * in, x_.data() + row * in, in);
  };
  for (size_t row = 0; row < count; ++row) {
    if (!changed(row)) continue;
    const size_t first = row;
    while (row < count && changed(row)) ++row;
    affine.apply(x + first * in, static_cast<int>(row - first), y_.data() + first * out);
    std::copy_n(x + first * in, (row - first) * in, x_.data() + first * in);
  }
  known_ = std::max(known_, count);
  std::copy_n(y_.data(), count * out, y);
}

}  // namespace charglow
