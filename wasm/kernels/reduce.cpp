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
    // Unsigned only in type, as in combineStrided.
    float* out = to + static_cast<ptrdiff_t>(offset);
    const auto step = static_cast<ptrdiff_t>(apart);
    if (apart == 0) {
      float value = *out;
      for (size_t i = 0; i < count; ++i) value = combine(value, from[i]);
      *out = value;
    } else if (apart == 1) {
      for (size_t i = 0; i < count; ++i) out[i] = combine(out[i], from[i]);
    } else {
      for (size_t i = 0; i < count; ++i, out += step) *out = combine(*out, from[i]);
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

/// How the input's elements lie in what is left of `shape` without `axes`.
StridedWalk walkOver(const Shape& shape, std::span<const size_t> axes) {
  // stride[i]: how far the output moves along the input's axis i; 0 along the reduced ones.
  std::vector<size_t> stride(shape.size(), 0);
  size_t step = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (contains(axes, i)) continue;
    stride[i] = step;
    step *= static_cast<size_t>(shape[i].size);
  }
  return {shape, stride};
}

/// How many values become one.
float countOf(const Shape& shape, std::span<const size_t> axes) {
  float count = 1;
  for (const size_t axis : axes) count *= static_cast<float>(shape[axis].size);
  return count;
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
  fold(kind, walkOver(shape, axes), input.data(), output.data());
  if (kind != ReduceKind::Mean) return;
  const float count = countOf(shape, axes);
  for (float& value : output) value /= count;
}

namespace {

/// Products of all values but one: by what is left of the whole product, and where a 0 is among them by the
/// product of the others.
void prodBackward(const StridedWalk& walk, std::span<const float> input, std::span<const float> above,
                  std::span<float> others, std::span<float> zeros, std::span<float> to) {
  std::fill(others.begin(), others.end(), 1.0f);
  std::fill(zeros.begin(), zeros.end(), 0.0f);
  auto x = input.begin();
  walk.elements([&](size_t at) {
    if (*x == 0) {
      ++zeros[at];
    } else {
      others[at] *= *x;
    }
    ++x;
  });
  size_t i = 0;
  walk.elements([&](size_t at) {
    const float value = input[i];
    if (zeros[at] == 0) {
      to[i] += above[at] * others[at] / value;
    } else if (zeros[at] == 1 && value == 0) {
      to[i] += above[at] * others[at];
    }
    ++i;
  });
}

}  // namespace

void reduceBackward(ReduceKind kind, std::span<const float> input, const Shape& shape,
                    std::span<const size_t> axes, std::span<const float> output, std::span<const float> above,
                    float* room, std::span<float> to) {
  const StridedWalk walk = walkOver(shape, axes);
  const std::span<float> first(room, output.size());
  const std::span<float> second(room + output.size(), output.size());
  if (kind == ReduceKind::Prod) return prodBackward(walk, input, above, first, second, to);
  size_t i = 0;
  if (kind == ReduceKind::Sum || kind == ReduceKind::Mean) {
    const float count = kind == ReduceKind::Mean ? countOf(shape, axes) : 1.0f;
    walk.elements([&](size_t at) { to[i++] += above[at] / count; });
    return;
  }
  std::fill(first.begin(), first.end(), 0.0f);  // how many values are the largest, or the smallest
  walk.elements([&](size_t at) { first[at] += input[i++] == output[at] ? 1.0f : 0.0f; });
  i = 0;
  walk.elements([&](size_t at) {
    if (input[i] == output[at]) to[i] += above[at] / first[at];
    ++i;
  });
}

}  // namespace charglow
