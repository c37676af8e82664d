#include "bundle/half.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace charglow {

// binary16: sign bit, 5 exponent bits (bias 15), 10 fraction bits; exponent 0 is for zero and subnormal
// numbers.

float halfToFloat(uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1F;
  const int fraction = bits & 0x3FF;
  float magnitude = 0;
  if (exponent == 0x1F) {
    magnitude =
        fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

std::optional<uint16_t> nearestHalf(double value) {
  constexpr int kSmallestExponent = -14;
  const int sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::abs(value);
  if (!(magnitude < 65520))
    return std::nullopt;  // half way from 65504 to the next step, which would be infinity
  if (magnitude == 0) return static_cast<uint16_t>(sign);
  const int exponent = std::max(std::ilogb(magnitude), kSmallestExponent);
  // 1024 … 2048 for normal numbers, less for subnormal ones; the implicit bit, and a rounding up to 2048,
  // both carry into the exponent field as they should.
  const int fraction = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  return static_cast<uint16_t>(sign | (((exponent - kSmallestExponent) << 10) + fraction));
}

}  // namespace charglow
