#include "keras/lost_masks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace charglow {
namespace {

/// The first node of the call that `node` belongs to.
size_t callOf(const Graph& graph, size_t node) { return node - graph.nodes[node].output; }

/// Calls that a call reads from, in the order of its arguments.
std::vector<size_t> callsRead(const Graph& graph, size_t call) {
  std::vector<size_t> read;
  for (const size_t input : graph.nodes[call].inputs) read.push_back(callOf(graph, input));
  for (const MaskSource& mask : graph.nodes[call].masks) {
    if (mask.from == MaskSource::From::Node) read.push_back(callOf(graph, mask.node));
  }
  return read;
}

/// Calls in Keras 3's order: the deepest first. All calls of a layer from the outputs' side on are at least
/// as deep as those already met; among equals the one that was reached first from the outputs goes first.
std::vector<size_t> executionOrder(const Graph& graph) {
  std::map<size_t, int> depth;
  std::map<std::string_view, int> ofLayer;
  std::vector<size_t> order;
  const auto reach = [&](size_t call, int least) {
    const auto [known, isNew] = depth.emplace(call, least);
    if (isNew) order.push_back(call);
    known->second = std::max(known->second, least);
  };
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    if (graph.nodes[i].output > 0) continue;
    int& layer = ofLayer[graph.nodes[i].layer->name()];
    reach(i, layer);
    layer = depth[i];
    for (const size_t call : callsRead(graph, i)) reach(call, depth[i] + 1);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return depth[a] > depth[b]; });
  return order;
}

/// The tensor that a node's is in Keras, where layers that do nothing hand on their input itself.
size_t tensorOf(const Graph& graph, size_t node) {
  while (graph.nodes[node].layer->isItsInput()) node = graph.nodes[node].inputs[0];
  return node;
}

}  // namespace

void loseMasks(Graph& graph) {
  const bool any = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                               [](const Node& node) { return node.layer->takesMasksOff(); });
  if (!any) return;
  std::set<size_t> bare;  // tensors without their masks
  for (const size_t call : executionOrder(graph)) {
    const std::vector<size_t> inputs = graph.nodes[call].inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!bare.contains(tensorOf(graph, inputs[i]))) continue;
      for (size_t k = call; k < graph.nodes.size() && callOf(graph, k) == call; ++k) {
        graph.nodes[k].masks.resize(inputs.size());
        if (MaskSource& mask = graph.nodes[k].masks[i]; mask.from == MaskSource::From::Input)
          mask.from = MaskSource::From::Nowhere;
      }
    }
    if (!graph.nodes[call].layer->takesMasksOff()) continue;
    for (const size_t input : inputs) bare.insert(tensorOf(graph, input));
  }
}

}  // namespace charglow
