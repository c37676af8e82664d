#include "kernels/reduce.h"

#include <algorithm>
#include <limits>

#include "kernels/strided.h"

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

float combine(ReduceKind kind, float a, float b) {
  switch (kind) {
    case ReduceKind::Max:
      return std::max(a, b);
    case ReduceKind::Min:
      return std::min(a, b);
    case ReduceKind::Prod:
      return a * b;
    case ReduceKind::Sum:
    case ReduceKind::Mean:
      break;
  }
  return a + b;
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
  auto from = input.begin();
  walkStrided(shape, stride, [&](size_t to) { output[to] = combine(kind, output[to], *from++); });
  if (kind != ReduceKind::Mean) return;
  float count = 1;
  for (const size_t axis : axes) count *= static_cast<float>(shape[axis].size);
  for (float& value : output) value /= count;
}

}  // namespace charglow
