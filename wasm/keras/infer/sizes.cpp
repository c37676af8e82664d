#include "keras/infer/sizes.h"

#include <utility>

namespace charglow {
namespace {

/// Small enough for a few of them to be multiplied.
constexpr int64_t kMost = int64_t{1} << 31;

}  // namespace

Size Unknowns::known(Size size) const {
  while (size.unknown != Size::kNone) {
    const std::optional<Size>& value = values_[static_cast<size_t>(size.unknown)];
    if (!value) break;
    size = {size.factor * value->factor, value->unknown};
  }
  return size;
}

std::optional<int64_t> Unknowns::number(Size size) const {
  const Size value = known(size);
  return value.unknown == Size::kNone ? std::optional(value.factor) : std::nullopt;
}

bool Unknowns::equal(Size a, Size b) {
  a = known(a);
  b = known(b);
  if (a.unknown == b.unknown) return a.factor == b.factor;
  // The timesteps are what other unknowns are told by, not the other way round.
  if (a.unknown == Size::kNone || (a.unknown == Size::kTimesteps && b.unknown != Size::kNone))
    std::swap(a, b);
  if (b.factor % a.factor != 0) return false;
  values_[static_cast<size_t>(a.unknown)] = Size{b.factor / a.factor, b.unknown};
  return true;
}

std::optional<Size> Unknowns::product(Size a, Size b) const {
  a = known(a);
  b = known(b);
  if (a.unknown != Size::kNone && b.unknown != Size::kNone) return std::nullopt;
  if (a.factor > kMost / b.factor) return std::nullopt;
  return Size{a.factor * b.factor, a.unknown != Size::kNone ? a.unknown : b.unknown};
}

}  // namespace charglow
