#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace charglow {

/// A function of single elements. What it does not take is 0.
struct Function {
  using Of = float (*)(float, float, float);

  std::string_view name;
  size_t operands;
  Of of;
  /// Its derivatives by each operand; nullptr where that is 0 wherever there is one (comparisons, rounding).
  std::array<Of, 3> slopes = {};
};

/// The function of numpy's name; nullptr where there is none.
const Function* functionNamed(std::string_view name);

}  // namespace charglow
