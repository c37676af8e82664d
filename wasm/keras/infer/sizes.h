#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace charglow {

/// The size of an axis while the architecture is still being worked out: a number, or so many times a size
/// that is not known yet. The batch axis is left out of all shapes here.
struct Size {
  int64_t factor = 1;
  int unknown = kNone;  ///< which unknown it is a multiple of, or kNone: a plain number

  static constexpr int kNone = -1;
  static constexpr int kTimesteps = 0;  ///< the unknown that is the timesteps of the model's input

  static Size of(int64_t number) { return {number, kNone}; }
  static Size timesteps() { return {1, kTimesteps}; }
};

using Sizes = std::vector<Size>;

/// What is known of the unknowns: a number, or another size they are equal to.
class Unknowns {
 public:
  Unknowns() : values_(1) {}

  Size fresh() {
    values_.emplace_back();
    return {1, static_cast<int>(values_.size()) - 1};
  }

  /// The size as far as it is known.
  [[nodiscard]] Size known(Size size) const;
  /// The number, or nothing where it is not known.
  [[nodiscard]] std::optional<int64_t> number(Size size) const;
  [[nodiscard]] std::optional<int64_t> timesteps() const { return number(Size::timesteps()); }

  /// Takes two sizes to be equal; false where they cannot be.
  bool equal(Size a, Size b);
  /// The product of two sizes; nothing where both are unknown, or where it is larger than any axis.
  [[nodiscard]] std::optional<Size> product(Size a, Size b) const;

 private:
  std::vector<std::optional<Size>> values_;
};

}  // namespace charglow
