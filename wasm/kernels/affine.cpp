#include "kernels/affine.h"

#include <algorithm>
#include <cstring>

#include "kernels/float4.h"

namespace charglow {
namespace {

/// Adds the product of an element of each row of x with a row of W.
template <int kRows, int kVectors>
inline void addRow(const float* x, ptrdiff_t xStride, const float* weights, Float4 (&sum)[kRows][kVectors]) {
  Float4 xi[kRows];
  for (int r = 0; r < kRows; ++r) xi[r] = four(x[r * xStride]);
  for (int k = 0; k < kVectors; ++k) {
    const Float4 w = load(weights + 4 * k);
    for (int r = 0; r < kRows; ++r) sum[r][k] = multiplyAdd(xi[r], w, sum[r][k]);
  }
}

/// Rows [0, kRows) of x times `kVectors` · 4 neighbouring columns of a panel that is `width` wide.
template <int kRows, int kVectors>
inline void multiply(const float* x, ptrdiff_t xStride, int in, const float* panel, int width,
                     const float* bias, float* y, ptrdiff_t yStride, int columns) {
  Float4 sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int k = 0; k < kVectors; ++k) sum[r][k] = load(bias + 4 * k);
  }
  // One row of x takes several of W in a turn, since the loop's own counting would cost a quarter of the
  // time; for more rows of x there are not enough registers.
  constexpr int kTurn = kRows == 1 ? 4 : 1;
  int i = 0;
  for (; i + kTurn <= in; i += kTurn, panel += kTurn * width) {
    for (int turn = 0; turn < kTurn; ++turn)
      addRow<kRows, kVectors>(x + i + turn, xStride, panel + turn * width, sum);
  }
  for (; i < in; ++i, panel += width) addRow<kRows, kVectors>(x + i, xStride, panel, sum);
  for (int r = 0; r < kRows; ++r) {
    float* to = y + r * yStride;
    // The accumulators themselves must not be in memory that is copied from: they would never be in
    // registers.
    for (int k = 0; k < kVectors; ++k)
      storeUpTo(sum[r][k], to + 4 * k, static_cast<size_t>(std::clamp(columns - 4 * k, 0, 4)));
  }
}

/// (a_0 + a_2, b_0 + b_2, a_1 + a_3, b_1 + b_3)
inline Float4 pairSums(Float4 a, Float4 b) {
  return __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
}

/// x_i += Σ_k y_k · panel_ik over up to 16 columns of a panel that is `width` wide, for each of its rows;
/// four of them in a turn, whose sums are added up side by side. More columns at once, or more sums, are more
/// than WebAssembly's compilers keep in registers.
inline void addProducts(const float* y, int columns, const float* panel, ptrdiff_t width, int in, float* x) {
  constexpr int kVectors = 4;
  Float4 factors[kVectors];
  for (int k = 0; k < kVectors; ++k) {
    const int left = std::clamp(columns - 4 * k, 0, 4);
    factors[k] =
        left == 4 ? load(y + 4 * k) : loadSome(y + (left > 0 ? 4 * k : 0), static_cast<size_t>(left));
  }
  const auto products = [&](const float* row) {
    Float4 sum = factors[0] * load(row);
    for (int k = 1; k < kVectors; ++k) sum = multiplyAdd(factors[k], load(row + 4 * k), sum);
    return sum;
  };
  int i = 0;
  for (; i + 4 <= in; i += 4, panel += 4 * width) {
    const Float4 ab = pairSums(products(panel), products(panel + width));
    const Float4 cd = pairSums(products(panel + 2 * width), products(panel + 3 * width));
    const Float4 sums =
        __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    store(load(x + i) + sums, x + i);
  }
  for (; i < in; ++i, panel += width) x[i] += sumOf(products(panel));
}

/// x += factor · column
inline void addScaled(float factor, const float* column, int count, float* x) {
  for (int i = 0; i < count; ++i) x[i] += factor * column[i];
}

/// Rows that are multiplied together: three times four accumulators, a weight and three factors fill the
/// sixteen registers of SSE.
constexpr int kTogether = 3;

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

float dotProduct(const float* x, const float* y, int count) {
  constexpr int kSums = 4;  // so that an addition need not wait for the one before
  Float4 sums[kSums] = {};
  int i = 0;
  for (; i + 4 * kSums <= count; i += 4 * kSums) {
    for (int k = 0; k < kSums; ++k) sums[k] = multiplyAdd(load(x + i + 4 * k), load(y + i + 4 * k), sums[k]);
  }
  float sum = sumOf((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < count; ++i) sum += x[i] * y[i];
  return sum;
}

Affine::Affine(std::span<const float> kernel, int in, int out, std::span<const float> bias) {
  assign(kernel.data(), out, 1, in, out);
  std::copy(bias.begin(), bias.end(), bias_.begin());
}

void Affine::assign(const float* matrix, ptrdiff_t rowStride, ptrdiff_t columnStride, int in, int out) {
  in_ = in;
  out_ = out;
  if (isNarrow()) {
    bias_.assign(static_cast<size_t>(out), 0.0f);
    weights_.resize(static_cast<size_t>(in) * static_cast<size_t>(out));
    float* to = weights_.data();
    for (int j = 0; j < out; ++j) {
      for (int i = 0; i < in; ++i) *to++ = matrix[i * rowStride + j * columnStride];
    }
    return;
  }
  const int padded = (out + kHalf - 1) / kHalf * kHalf;
  bias_.assign(static_cast<size_t>(padded), 0.0f);
  weights_.resize(static_cast<size_t>(in) * static_cast<size_t>(padded));
  float* to = weights_.data();
  for (int start = 0; start < padded; start += kPanel) {
    const int width = std::min(kPanel, padded - start);
    const int columns = std::min(width, out - start);
    for (int i = 0; i < in; ++i) {
      const float* row = matrix + i * rowStride + start * columnStride;
      for (int j = 0; j < columns; ++j) *to++ = row[j * columnStride];
      to = std::fill_n(to, width - columns, 0.0f);
    }
  }
}

void Affine::apply(const float* x, ptrdiff_t xStride, int rows, float* y, ptrdiff_t yStride) const {
  if (isNarrow()) {
    for (int r = 0; r < rows; ++r) applyNarrow(x + r * xStride, y + r * yStride);
    return;
  }
  // Panel by panel: one is small enough to stay near while all rows pass.
  const float* panel = weights_.data();
  for (int start = 0; start < out_; start += kPanel) {
    const int width = std::min(kPanel, static_cast<int>(bias_.size()) - start);
    const int columns = std::min(width, out_ - start);
    const float* bias = bias_.data() + start;
    const float* from = x;
    float* to = y + start;
    int left = rows;
    for (; left >= kTogether; left -= kTogether, from += kTogether * xStride, to += kTogether * yStride) {
      multiply<kTogether, 4>(from, xStride, in_, panel, width, bias, to, yStride, std::min(kHalf, columns));
      if (columns > kHalf)
        multiply<kTogether, 4>(from, xStride, in_, panel + kHalf, width, bias + kHalf, to + kHalf, yStride,
                               columns - kHalf);
    }
    for (; left > 0; --left, from += xStride, to += yStride) {
      if (width == kPanel) {
        multiply<1, 8>(from, xStride, in_, panel, kPanel, bias, to, yStride, columns);
      } else {
        multiply<1, 4>(from, xStride, in_, panel, kHalf, bias, to, yStride, columns);
      }
    }
    panel += static_cast<ptrdiff_t>(in_) * width;
  }
}

void Affine::addTransposed(const float* y, ptrdiff_t yStride, int rows, float* x, ptrdiff_t xStride) const {
  if (isNarrow()) {
    for (int r = 0; r < rows; ++r) {
      const float* column = weights_.data();
      for (int j = 0; j < out_; ++j, column += in_)
        addScaled(y[r * yStride + j], column, in_, x + r * xStride);
    }
    return;
  }
  const float* panel = weights_.data();
  for (int start = 0; start < out_; start += kPanel) {
    const int width = std::min(kPanel, static_cast<int>(bias_.size()) - start);
    const int columns = std::min(width, out_ - start);
    for (int r = 0; r < rows; ++r) {
      for (int half = 0; half < columns; half += kHalf)
        addProducts(y + r * yStride + start + half, std::min(columns - half, kHalf), panel + half, width, in_,
                    x + r * xStride);
    }
    panel += static_cast<ptrdiff_t>(in_) * width;
  }
}

void Affine::applyNarrow(const float* x, float* y) const {
  const float* column = weights_.data();
  for (int j = 0; j < out_; ++j, column += in_)
    y[j] = dotProduct(x, column, in_) + bias_[static_cast<size_t>(j)];
}

}  // namespace charglow
