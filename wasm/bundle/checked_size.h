#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "bundle/bundle.h"

// All arithmetic on sizes that come from a file is done here, in 64 bits and checked: size_t has 32 bits in
// WebAssembly, and a size that wraps around is how readers of tensor files come to read what is not theirs.
namespace charglow {

inline std::optional<uint64_t> checkedMultiply(uint64_t a, uint64_t b) {
  if (b != 0 && a > std::numeric_limits<uint64_t>::max() / b) return std::nullopt;
  return a * b;
}

inline std::optional<uint64_t> checkedAdd(uint64_t a, uint64_t b) {
  if (a > std::numeric_limits<uint64_t>::max() - b) return std::nullopt;
  return a + b;
}

constexpr size_t elementBytes(DType dtype) {
  switch (dtype) {
    case DType::F16:
      return 2;
    case DType::F32:
      return 4;
    case DType::F64:
      return 8;
  }
  return 0;
}

/// Number of elements of a shape whose dimensions are not negative; empty where it does not fit 64 bits.
inline std::optional<uint64_t> checkedCount(std::span<const int64_t> shape) {
  std::optional<uint64_t> count = 1;
  for (const int64_t dimension : shape) {
    count = checkedMultiply(*count, static_cast<uint64_t>(dimension));
    if (!count) break;
  }
  return count;
}

/// Bytes of a tensor; empty where they do not fit 64 bits.
inline std::optional<uint64_t> checkedBytes(std::span<const int64_t> shape, DType dtype) {
  const std::optional<uint64_t> count = checkedCount(shape);
  if (!count) return std::nullopt;
  return checkedMultiply(*count, elementBytes(dtype));
}

}  // namespace charglow
