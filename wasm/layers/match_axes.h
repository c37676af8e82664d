#pragma once

#include <optional>
#include <vector>

#include "tensor.h"

namespace charglow {

/// For each axis of `output`, a reshape of `input`, the axis of `input` that it is. Axes of length 1 left
/// out, those that agree from the front on and from the back on are the same; what lies between was joined or
/// split, and has nothing.
std::vector<std::optional<size_t>> matchAxes(const Shape& input, const Shape& output);

}  // namespace charglow
