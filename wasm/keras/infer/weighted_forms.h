#pragma once

#include <optional>
#include <span>
#include <vector>

#include "keras/infer/layer_forms.h"

namespace charglow {

/// The forms of a layer with weights, by the weights.
std::vector<LayerForm> weightedForms(const SeenLayer& layer);

/// Takes a size to be this number, or another size.
inline bool is(Unknowns& unknowns, Size size, int64_t number) {
  return unknowns.equal(size, Size::of(number));
}

}  // namespace charglow
