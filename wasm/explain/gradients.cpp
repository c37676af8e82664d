#include "explain/gradients.h"

#include <algorithm>
#include <cmath>

namespace charglow {
namespace {

/// Nodes at which the numbers of `node` have become vectors: what looks ids up, also where they were only
/// moved before.
void addEmbeddings(const Graph& graph, size_t node, std::vector<size_t>& found) {
  for (const size_t reader : graph.readersOf(node)) {
    const Layer& layer = *graph.nodes[reader].layer;
    if (layer.idCount()) {
      found.push_back(reader);
    } else if (layer.part() == Part::Relayout) {
      addEmbeddings(graph, reader, found);
    }
  }
}

void addSites(const Graph& graph, size_t node, std::vector<GradientSite>& sites) {
  const Shape& shape = graph.nodes[node].shape;
  if (shape.size() != 3 || !shape[1].isTime()) return;  // no vectors, or no text's
  GradientSite site;
  site.node = node;
  site.axes = {SignalAxis::None, SignalAxis::Step};
  nameRows(shape, site.axes);
  if (site.axes[0] != SignalAxis::None) site.queries = shape[0];
  site.steps = shape[1];
  const std::string vectors = "the vectors of \"" + graph.nodes[node].callName() + "\"";
  site.id = graph.nodes[node].callName() + "/gradient_x_input";
  site.why = "The output's gradient with respect to " + vectors +
             " times these: to first order, what each adds to the output.";
  sites.push_back(site);
  site.measure = GradientSite::Measure::Norm;
  site.id = graph.nodes[node].callName() + "/gradient_norm";
  site.why = "The length of the output's gradient with respect to " + vectors +
             ": how much the output reacts to a change of each.";
  sites.push_back(std::move(site));
}

}  // namespace

Shape GradientSite::shape(const Graph& graph) const {
  const Shape& vectors = graph.nodes[node].shape;
  return {vectors[0], vectors[1]};
}

Value GradientSite::measured(const Value& vectors, std::span<const float> gradient) const {
  Value value;
  value.reshape({vectors.shape[0], vectors.shape[1]});
  if (gradient.empty()) return value;
  const size_t features = vectors.data.size() / value.data.size();
  for (size_t step = 0; step < value.data.size(); ++step) {
    double sum = 0;
    for (size_t i = step * features; i < (step + 1) * features; ++i)
      sum += double{gradient[i]} * (measure == Measure::Norm ? gradient[i] : vectors.data[i]);
    value.data[step] = static_cast<float>(measure == Measure::Norm ? std::sqrt(sum) : sum);
  }
  return value;
}

std::vector<GradientSite> findGradients(const Graph& graph) {
  std::vector<GradientSite> sites;
  for (const size_t input : graph.inputs) {
    std::vector<size_t> embeddings;
    addEmbeddings(graph, input, embeddings);
    if (embeddings.empty()) embeddings.push_back(input);
    for (const size_t node : embeddings) addSites(graph, node, sites);
  }
  return sites;
}

}  // namespace charglow
