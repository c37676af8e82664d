#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/aligned.h"

namespace charglow {

/// Columns [from, to) of a matrix (rows, width).
std::vector<float> columnsOf(std::span<const float> matrix, int rows, int width, int from, int to);

/// y = x W + b for rows of x: the product behind Dense, and behind the kernel and recurrent kernel of
/// recurrent layers.
///
/// W is stored as column panels of 32: panel p holds W[i][32p .. 32p+31] for i = 0 … in-1, one after the
/// other; what is left at the end is one of 16 where that is enough. A row is multiplied panel by panel with
/// eight 4-wide accumulators that stay in registers, so every weight is read once and in order: the
/// recurrence of a GRU is bound by exactly this loop. Several rows share what is read of W. A W with few
/// columns (the score of an attention) would be mostly padding in panels; its columns are kept as rows, and
/// an element is a dot product.
///
/// Each element is added up in the same order however many rows there are: a row's product has the same bits
/// alone and among others.
class Affine {
 public:
  Affine() = default;
  /// @param kernel (in, out) in C order, as Keras stores it
  /// @param bias   (out), or empty
  Affine(std::span<const float> kernel, int in, int out, std::span<const float> bias);

  /// Takes another W, without a bias, in the place of the one it had: element (i, j) is
  /// matrix[i * rowStride + j * columnStride]. Allocates only where none was as large before.
  void assign(const float* matrix, ptrdiff_t rowStride, ptrdiff_t columnStride, int in, int out);

  [[nodiscard]] int in() const { return in_; }
  [[nodiscard]] int out() const { return out_; }

  /// y (rows, out) = x (rows, in) W + b. x and y must not overlap.
  void apply(const float* x, int rows, float* y) const { apply(x, in_, rows, y, out_); }
  /// The same of rows of x that lie `xStride` apart, into rows of y that lie `yStride` apart.
  void apply(const float* x, ptrdiff_t xStride, int rows, float* y, ptrdiff_t yStride) const;

  /// x (rows, in) += y (rows, out) Wᵀ: the way back of a gradient, from the weights as they lie. x and y must
  /// not overlap.
  void addTransposed(const float* y, int rows, float* x) const { addTransposed(y, out_, rows, x, in_); }
  /// The same of rows of y that lie `yStride` apart, to rows of x that lie `xStride` apart.
  void addTransposed(const float* y, ptrdiff_t yStride, int rows, float* x, ptrdiff_t xStride) const;

 private:
  static constexpr int kPanel = 32;
  static constexpr int kHalf = kPanel / 2;
  /// Below this many columns a panel would be mostly padding.
  static constexpr int kNarrow = 16;

  [[nodiscard]] bool isNarrow() const { return out_ < kNarrow; }
  void applyNarrow(const float* x, float* y) const;

  int in_ = 0;
  int out_ = 0;
  AlignedFloats weights_;    ///< panels, or (out, in) where narrow
  std::vector<float> bias_;  ///< (out), zeros where there is none; padded to whole panels
};

/// Σ x_i y_i, in the order in which a narrow Affine adds up.
float dotProduct(const float* x, const float* y, int count);

}  // namespace charglow
