#pragma once

#include "keras/graph_spec.h"

namespace charglow {

/// Joins operations that mean one thing together, whichever layers they come from, and drops those that
/// nobody reads any more:
///
/// - exp(x) / Σ exp(x), and whatever else is divided by its own sum over an axis, becomes Normalise, so that
///   a softmax that is written out is seen as the attention it is. A number may be added to the sum.
/// - An Embedding reads ids whether they were cast to whole numbers before or not.
void tidyOperations(GraphSpec& spec);

}  // namespace charglow
