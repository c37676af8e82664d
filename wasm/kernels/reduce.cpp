#include "kernels/reduce.h"

#include <algorithm>
#include <limits>

#include "kernels/float4.h"

namespace charglow {
namespace {

float start(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::Max:
      return -std::numeric_limits<float>::infinity();
    case ReduceKind::Min:
      return std::numeric_limits<float>::infinity();
    case ReduceKind::Prod:
      return 1.0f;
    case ReduceKind::Sum:
    case ReduceKind::Mean:
      break;
  }
  return 0.0f;
}

/// Joins the values of `from`, in order, to those of `to` that a walk meets. A function of its own for each
/// way: a page fetches those at once that its model needs.
template <class Combine>
[[gnu::noinline]] void fold(const StridedWalk& walk, const float* from, float* to, Combine combine) {
  walk.runs([&](size_t offset, size_t count, size_t apart) {
    float* out = to + offset;
    if (apart == 0) {
      float value = *out;
      for (size_t i = 0; i < count; ++i) value = combine(value, from[i]);
      *out = value;
    } else if (apart == 1) {
      for (size_t i = 0; i < count; ++i) out[i] = combine(out[i], from[i]);
    } else {
      for (size_t i = 0; i < count; ++i) out[i * apart] = combine(out[i * apart], from[i]);
    }
    from += count;
  });
}

void fold(ReduceKind kind, const StridedWalk& walk, const float* from, float* to) {
  switch (kind) {
    case ReduceKind::Max:
      return fold(walk, from, to, [](float a, float b) { return std::max(a, b); });
    case ReduceKind::Min:
      return fold(walk, from, to, [](float a, float b) { return std::min(a, b); });
    case ReduceKind::Prod:
      return fold(walk, from, to, [](float a, float b) { return a * b; });
    case ReduceKind::Sum:
    case ReduceKind::Mean:
      return fold(walk, from, to, [](float a, float b) { return a + b; });
  }
}

bool contains(std::span<const size_t> axes, size_t axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

}  // namespace

Shape reducedShape(const Shape& shape, std::span<const size_t> axes, bool keepDims) {
  Shape left;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!contains(axes, i)) {
      left.push_back(shape[i]);
    } else if (keepDims) {
      left.push_back({1});
    }
  }
  return left;
}

std::optional<size_t> reducedAxis(size_t axis, const Shape& shape, std::span<const size_t> axes,
                                  bool keepDims) {
  if (keepDims) return contains(axes, axis) ? std::nullopt : std::optional(axis);
  size_t left = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (contains(axes, i)) continue;
    if (left++ == axis) return i;
  }
  return std::nullopt;
}

void addStrided(const StridedWalk& walk, const float* from, float* to) {
  fold(ReduceKind::Sum, walk, from, to);
}

const float* firstNotFinite(std::span<const float> values) {
  // Four at a time: such a number has an exponent of ones, and hardly any tensor has one.
  constexpr uint32_t kExponent = 0x7f800000u;
  for (size_t i = 0; i < values.size(); i += 4) {
    const Bits4 bits = reinterpret_cast<Bits4>(loadUpTo(values.data() + i, values.size() - i));
    const Bits4 found = reinterpret_cast<Bits4>((bits & kExponent) == kExponent);
    if ((found[0] | found[1] | found[2] | found[3]) == 0) continue;
    for (size_t k = 0; k < 4; ++k) {
      if (found[k] != 0) return values.data() + i + k;
    }
  }
  return nullptr;
}

void reduce(ReduceKind kind, std::span<const float> input, const Shape& shape, std::span<const size_t> axes,
            std::span<float> output) {
  std::fill(output.begin(), output.end(), start(kind));
  // stride[i]: how far the output moves along the input's axis i; 0 along the reduced ones.
  std::vector<size_t> stride(shape.size(), 0);
  size_t step = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (contains(axes, i)) continue;
    stride[i] = step;
    step *= static_cast<size_t>(shape[i].size);
  }
  fold(kind, StridedWalk(shape, stride), input.data(), output.data());
  if (kind != ReduceKind::Mean) return;
  float count = 1;
  for (const size_t axis : axes) count *= static_cast<float>(shape[axis].size);
  for (float& value : output) value /= count;
}

}  // namespace charglow
