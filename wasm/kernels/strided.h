#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "tensor.h"

namespace charglow {

/// A walk over the elements of a tensor of some shape in C order, told as places in another tensor, whose
/// neighbours along axis i lie stride[i] apart (0: repeated along it). Axes that the other tensor has in one
/// piece are walked as one, so that what is contiguous in both is a single run.
class StridedWalk {
 public:
  /// Every size must be known and at least 1.
  StridedWalk(const Shape& shape, std::span<const size_t> stride) {
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      const auto size = static_cast<size_t>(shape[axis].size);
      if (size == 1) continue;
      if (rank_ > 0 && axes_[rank_ - 1].stride == stride[axis] * size) {
        axes_[rank_ - 1] = {axes_[rank_ - 1].size * size, stride[axis]};
      } else {
        axes_[rank_++] = {size, stride[axis]};
      }
    }
  }

  /// Calls visit(offset, count, stride) for each run of `count` elements that lie `stride` apart.
  template <class Visit>
  void runs(Visit visit) const {
    if (rank_ == 0) return visit(size_t{0}, size_t{1}, size_t{1});
    const Axis inner = axes_[rank_ - 1];
    std::array<size_t, kMostAxes> index{};
    size_t offset = 0;
    for (;;) {
      visit(offset, inner.size, inner.stride);
      size_t axis = rank_ - 1;
      for (; axis > 0; --axis) {
        const Axis& outer = axes_[axis - 1];
        offset += outer.stride;
        if (++index[axis - 1] < outer.size) break;
        offset -= outer.stride * outer.size;
        index[axis - 1] = 0;
      }
      if (axis == 0) return;
    }
  }

  /// Where the walk is one over a transposed matrix, two axes of which the first is contiguous in the other
  /// tensor: its rows and columns, and how far the columns lie apart there.
  struct Transposed {
    size_t rows, columns, stride;
  };
  [[nodiscard]] std::optional<Transposed> transposed() const {
    if (rank_ != 2 || axes_[0].stride != 1) return std::nullopt;
    return Transposed{axes_[0].size, axes_[1].size, axes_[1].stride};
  }

  /// The same, an element at a time: visit(offset).
  template <class Visit>
  void elements(Visit visit) const {
    runs([&](size_t offset, size_t count, size_t apart) {
      for (size_t i = 0; i < count; ++i) visit(offset + i * apart);
    });
  }

 private:
  struct Axis {
    size_t size;
    size_t stride;
  };
  /// Axes of length 1 are not walked, so there are no more than doublings in kMaxElements.
  static constexpr size_t kMostAxes = std::bit_width(static_cast<unsigned>(kMaxElements));

  std::array<Axis, kMostAxes> axes_{};
  size_t rank_ = 0;
};

/// How far apart in a tensor of `shape`, in C order, neighbours along each axis lie. Every size must be
/// known.
std::vector<size_t> stridesOf(const Shape& shape);

/// Joins the elements of `from` that a walk meets to those of `to`, in C order: to = combine(to, from).
/// A function of its own for each way: a page fetches those at once that its model needs.
template <class Combine>
[[gnu::noinline]] void combineStrided(const StridedWalk& walk, const float* from, float* to,
                                      Combine combine) {
  walk.runs([&](size_t offset, size_t count, size_t apart) {
    // Unsigned only in type: a slice that runs backwards has strides below 0, and `from` is where it starts.
    const float* x = from + static_cast<ptrdiff_t>(offset);
    const auto step = static_cast<ptrdiff_t>(apart);
    if (apart == 1) {
      for (size_t i = 0; i < count; ++i) to[i] = combine(to[i], x[i]);
    } else if (apart == 0) {
      const float repeated = *x;
      for (size_t i = 0; i < count; ++i) to[i] = combine(to[i], repeated);
    } else {
      for (size_t i = 0; i < count; ++i) to[i] = combine(to[i], x[static_cast<ptrdiff_t>(i) * step]);
    }
    to += count;
  });
}

/// Writes out, in C order, the elements of `from` that a walk meets.
void gather(const StridedWalk& walk, const float* from, float* to);

}  // namespace charglow
