#pragma once

#include "graph.h"

namespace charglow {

/// Settles which calls find no mask on their inputs because a call before them took it off
/// (Layer::takesMasksOff). Which come before is Keras 3's order of execution: by depth, counted from the
/// outputs (keras/src/ops/function.py 3.15, map_graph).
void loseMasks(Graph& graph);

}  // namespace charglow
