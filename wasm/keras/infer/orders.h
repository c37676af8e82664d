#pragma once

#include <vector>

#include "keras/infer/seen_layer.h"

namespace charglow {

/// The orders in which the layers of a tree may follow each other, the likeliest first: a tree says the order
/// among layers of a class only. Most models read, then weigh, then join, then decide; what comes where is
/// open for layers that may do either.
std::vector<std::vector<SeenLayer>> likelyOrders(const std::vector<SeenLayer>& layers);

}  // namespace charglow
