#include "kernels/affine.h"

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernels/float4.h"

namespace charglow {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace

std::vector<float> columnsOf(std::span<const float> matrix, int rows, int width, int from, int to) {
  std::vector<float> part;
  part.reserve(static_cast<size_t>(rows) * static_cast<size_t>(to - from));
  for (int row = 0; row < rows; ++row) {
    const auto start = matrix.begin() + static_cast<ptrdiff_t>(row) * width;
    part.insert(part.end(), start + from, start + to);
  }
  return part;
}

Affine::Affine(std::span<const float> kernel, int in, int out, std::span<const float> bias)
    : in_(in), out_(out) {
  const bool narrow = out < kNarrow;
  const size_t padded = static_cast<size_t>(narrow ? out : (out + kPanel - 1) / kPanel * kPanel);
  bias_.assign(padded, 0.0f);
  std::copy(bias.begin(), bias.end(), bias_.begin());
  if (narrow) {
    weights_.assign(kernel.begin(), kernel.end());
    return;
  }
  const size_t rows = static_cast<size_t>(in);
  weights_.assign(rows * padded, 0.0f);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < static_cast<size_t>(out); ++j) {
      weights_[j / kPanel * rows * kPanel + i * kPanel + j % kPanel] =
          kernel[i * static_cast<size_t>(out) + j];
    }
  }
}

void Affine::apply(const float* x, int rows, float* y) const {
  if (out_ >= kNarrow) {
    for (int r = 0; r < rows; ++r)
      applyPanels(x + static_cast<ptrdiff_t>(r) * in_, y + static_cast<ptrdiff_t>(r) * out_);
    return;
  }
  const Eigen::Map<const RowMajor> input(x, rows, in_);
  const Eigen::Map<const RowMajor> weights(weights_.data(), in_, out_);
  const Eigen::Map<const Eigen::RowVectorXf> bias(bias_.data(), out_);
  Eigen::Map<RowMajor> output(y, rows, out_);
  output.noalias() = input * weights;
  output.rowwise() += bias;
}

void Affine::applyPanels(const float* x, float* y) const {
  const float* weights = weights_.data();
  for (int start = 0; start < out_; start += kPanel) {
    Float4 sum[kPanel / 4];
    for (int k = 0; k < kPanel / 4; ++k) sum[k] = load(bias_.data() + start + 4 * k);
    for (int i = 0; i < in_; ++i) {
      const Float4 xi = four(x[i]);
      for (int k = 0; k < kPanel / 4; ++k) sum[k] += xi * load(weights + 4 * k);
      weights += kPanel;
    }
    const int columns = std::min(kPanel, out_ - start);
    std::memcpy(y + start, sum, static_cast<size_t>(columns) * sizeof(float));
  }
}

}  // namespace charglow
