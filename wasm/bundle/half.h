#pragma once

#include <cstdint>
#include <optional>

namespace charglow {

/// Value of an IEEE 754 binary16.
float halfToFloat(uint16_t bits);

/// The binary16 nearest to `value`, ties to even; empty where that is beyond the largest (65504).
std::optional<uint16_t> nearestHalf(double value);

}  // namespace charglow
