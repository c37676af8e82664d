#pragma once

#include <string>
#include <vector>

#include "explain/attention.h"
#include "graph.h"

namespace charglow {

/// A gate or a state of a recurrent layer: a number for each unit at each step. Its values are no node's; the
/// layer records them on request (Layer::recordSteps). Its axes are those of what is recorded: (batch, steps,
/// units).
struct StateSite : AttentionSite {
  bool gate = false;  ///< or a state
  size_t index = 0;   ///< which of the layer's stepSignals()
  int units = 0;

  /// (batch, steps, units), as far as known at load.
  [[nodiscard]] Shape shape(const Graph& graph) const;
};

/// Every gate and state of a model, "LAYER/update_gate" …; of a second call "LAYER#1/update_gate".
std::vector<StateSite> findStates(const Graph& graph);

}  // namespace charglow
