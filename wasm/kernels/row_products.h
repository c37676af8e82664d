#pragma once

#include <cstddef>
#include <vector>

#include "kernels/affine.h"

namespace charglow {

/// The products of a sequence's rows with one matrix, of which a later run computes only those whose rows
/// have changed: behind a recurrent layer, an edit leaves the rows before it as they were. Rows are told by
/// their bits, and a row's product has the same bits alone and among others, so what is reused is what would
/// be computed.
class RowProducts {
 public:
  /// y (rows, out) = x (rows, in) W + b, as Affine::apply. Always the same `affine` for one object.
  void apply(const Affine& affine, const float* x, int rows, float* y);

 private:
  /// Multiplications of a row below which looking at it costs as much.
  static constexpr size_t kWorth = 2048;
  /// Floats that are kept at most, 16 MB.
  static constexpr size_t kMost = size_t{1} << 22;

  size_t known_ = 0;      ///< rows
  std::vector<float> x_;  ///< (known, in)
  std::vector<float> y_;  ///< (known, out)
};

}  // namespace charglow
