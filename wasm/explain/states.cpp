#include "explain/states.h"

#include <utility>

namespace charglow {

Shape StateSite::shape(const Graph& graph) const {
  const Shape& input = graph.nodes[graph.nodes[node].inputs[0]].shape;
  return {input[0], input[1], {units}};
}

std::vector<StateSite> findStates(const Graph& graph) {
  std::vector<StateSite> sites;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.output > 0) continue;
    const std::vector<StepSignal> signals = node.layer->stepSignals();
    for (size_t k = 0; k < signals.size(); ++k) {
      StateSite site;
      site.id = node.callName() + "/" + signals[k].name;
      site.node = i;
      site.axes = {SignalAxis::None, SignalAxis::Step, SignalAxis::Unit};
      site.why = signals[k].why;
      site.gate = signals[k].gate;
      site.index = k;
      site.units = signals[k].units;
      const Shape shape = site.shape(graph);
      nameRows(shape, site.axes);
      if (site.axes[0] != SignalAxis::None) site.queries = shape[0];
      site.steps = shape[1];
      sites.push_back(std::move(site));
    }
  }
  return sites;
}

}  // namespace charglow
