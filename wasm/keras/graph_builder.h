#pragma once

#include <string>
#include <vector>

#include "bundle/bundle.h"
#include "graph.h"
#include "keras/choices.h"
#include "keras/dialect.h"
#include "keras/graph_spec.h"

namespace charglow {

/// Builds the graph that `spec` describes with the weights of `bundle`: makes every layer, orders the calls,
/// infers every shape, and uses every tensor exactly once. Throws Error with all that is unsupported,
/// missing, superfluous or of the wrong shape, not only the first.
Graph buildGraph(const GraphSpec& spec, const Bundle& bundle, const Dialect& dialect, Choices& choices);

}  // namespace charglow
