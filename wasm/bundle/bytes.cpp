#include "bundle/bytes.h"

#include <cstdint>
#include <cstring>

namespace charglow {
namespace {

/// NaN and infinity are the numbers whose exponent, the bits of `exponent`, is all ones.
template <typename Bits>
std::optional<size_t> firstWithAll(std::span<const std::byte> bytes, Bits exponent) {
  const size_t count = bytes.size() / sizeof(Bits);
  for (size_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, bytes.data() + i * sizeof(Bits), sizeof(Bits));
    if ((bits & exponent) == exponent) return i;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::byte> zeroBytes(size_t count) { return std::vector<std::byte>(count); }

std::optional<size_t> firstNotFinite(std::span<const std::byte> bytes, DType dtype) {
  switch (dtype) {
    case DType::F16:
      return firstWithAll<uint16_t>(bytes, 0x7C00);
    case DType::F32:
      return firstWithAll<uint32_t>(bytes, 0x7F800000);
    case DType::F64:
      return firstWithAll<uint64_t>(bytes, 0x7FF0000000000000);
  }
  return std::nullopt;
}

}  // namespace charglow
