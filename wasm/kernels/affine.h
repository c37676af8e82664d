#pragma once

#include <span>
#include <vector>

namespace charglow {

/// Columns [from, to) of a matrix (rows, width).
std::vector<float> columnsOf(std::span<const float> matrix, int rows, int width, int from, int to);

/// y = x W + b for rows of x: the product behind Dense, and behind the kernel and recurrent kernel of
/// recurrent layers.
///
/// W is stored as column panels of 32: panel p holds W[i][32p .. 32p+31] for i = 0 … in-1, one after the
/// other. A row is multiplied panel by panel with eight 4-wide accumulators that stay in registers, so every
/// weight is read once and in order: the recurrence of a GRU is bound by exactly this loop. A W with few
/// columns (the score of an attention) would be mostly padding in panels; it is kept as it is and handed to
/// Eigen.
class Affine {
 public:
  Affine() = default;
  /// @param kernel (in, out) in C order, as Keras stores it
  /// @param bias   (out), or empty
  Affine(std::span<const float> kernel, int in, int out, std::span<const float> bias);

  [[nodiscard]] int in() const { return in_; }
  [[nodiscard]] int out() const { return out_; }

  /// y (rows, out) = x (rows, in) W + b. x and y must not overlap.
  void apply(const float* x, int rows, float* y) const;

 private:
  static constexpr int kPanel = 32;
  /// Below this many columns a panel would be mostly padding.
  static constexpr int kNarrow = 16;

  void applyPanels(const float* x, float* y) const;

  int in_ = 0;
  int out_ = 0;
  std::vector<float> weights_;  ///< panels, or (in, out) where narrow
  std::vector<float> bias_;     ///< (out), zeros where there is none; padded to whole panels
};

}  // namespace charglow
