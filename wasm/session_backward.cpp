// The backward pass of a session: reverse-mode differentiation of its last run, call by call.

#include <algorithm>
#include <stdexcept>

#include "error.h"
#include "session.h"

namespace charglow {
namespace {

/// The nodes that the way to `wanted` leads through: those themselves, and all tensors of every call that
/// reads one of them.
std::vector<uint8_t> nodesTowards(const Graph& graph, std::span<const size_t> wanted) {
  std::vector<uint8_t> needed(graph.nodes.size(), 0);
  for (const size_t node : wanted) needed[node] = 1;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::vector<size_t>& inputs = graph.nodes[i].inputs;
    if (std::any_of(inputs.begin(), inputs.end(), [&](size_t input) { return needed[input] != 0; }))
      needed[i] = 1;
  }
  return needed;
}

/// The place of an element among an output's values, and `of` with its index filled in.
size_t settle(const Node& node, const Value& output, OutputElement& of) {
  const Shape& shape = output.shape;
  const std::string where = "the element of output \"" + node.name() + "\"";
  if (shape[0].size != 1)
    throw Error({"batch", where, "one text", std::to_string(shape[0].size) + " rows", ""});
  if (of.index.empty()) {
    auto at =
        static_cast<size_t>(std::max_element(output.data.begin(), output.data.end()) - output.data.begin());
    const size_t largest = at;
    for (size_t axis = shape.size(); axis-- > 1; at /= static_cast<size_t>(shape[axis].size))
      of.index.insert(of.index.begin(), static_cast<int>(at % static_cast<size_t>(shape[axis].size)));
    return largest;
  }
  size_t at = 0;
  bool fits = of.index.size() == shape.size() - 1;
  for (size_t axis = 1; fits && axis < shape.size(); ++axis) {
    const int place = of.index[axis - 1];
    fits = place >= 0 && place < shape[axis].size;
    at = at * static_cast<size_t>(shape[axis].size) + static_cast<size_t>(place);
  }
  if (fits) return at;
  std::string given;
  for (const int place : of.index) given += (given.empty() ? "" : ",") + std::to_string(place);
  throw Error(
      {"output-index", where, "a place in its shape " + shapeText(shape) + ", counted from 0", given, ""});
}

}  // namespace

OutputElement Session::differentiate(const OutputElement& of) {
  const Graph& graph = model_->graph();
  if (of.output >= graph.outputs.size()) {
    throw Error({"unknown-output", "the model's outputs", "one of " + std::to_string(graph.outputs.size()),
                 "number " + std::to_string(of.output) + ", counted from 0", ""});
  }
  const size_t node = graph.outputs[of.output];
  OutputElement settled = of;
  const size_t place = settle(graph.nodes[node], value(node), settled);
  if (differentiated_ == settled) return settled;
  Seed seed = {node, std::vector<float>(value(node).data.size(), 0.0f)};
  seed.gradient[place] = 1.0f;
  std::vector<size_t> wanted;
  for (const GradientSite& site : model_->gradients()) wanted.push_back(site.node);
  backward({&seed, 1}, wanted);
  differentiated_ = settled;
  return settled;
}

SignalValues Session::reaction(const GradientSite& site, const OutputElement& of) {
  differentiate(of);
  return readAttention(site, site.measured(value(site.node), gradient(site.node)));
}

void Session::backward(std::span<const Seed> seeds, std::span<const size_t> wanted) {
  const Graph& graph = model_->graph();
  differentiated_.reset();
  gradients_.resize(graph.nodes.size());
  for (std::vector<float>& gradient : gradients_) gradient.clear();
  const std::vector<uint8_t> needed = nodesTowards(graph, wanted);
  for (const Seed& seed : seeds) {
    if (value(seed.node).data.size() != seed.gradient.size())
      throw std::logic_error("a seed of another size");
    if (needed[seed.node] == 0) continue;
    std::vector<float>& gradient = gradients_[seed.node];
    gradient.resize(seed.gradient.size(), 0.0f);
    addGradient(seed.gradient, gradient);
  }
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (node.output == 0 && !node.inputs.empty()) backwardCall(i, needed);
  }
}

/// Takes the gradients at the tensors of the call whose first node is number `index` back to its inputs.
void Session::backwardCall(size_t index, const std::vector<uint8_t>& needed) {
  const Node& node = model_->graph().nodes[index];
  const size_t count = node.layer->tensorCount();
  std::vector<View> outputs;
  std::vector<std::span<const float>> above;
  for (size_t k = 0; k < count; ++k) {
    const Value& value = values_[index + k];
    outputs.push_back({value.shape, value.data, value.mask});
    above.emplace_back(gradients_[index + k]);
  }
  if (std::all_of(above.begin(), above.end(), [](const auto& gradient) { return gradient.empty(); })) return;
  std::vector<View> inputs;
  for (size_t k = 0; k < node.inputs.size(); ++k) inputs.push_back(viewOf(node, k));
  // Where one tensor is read twice by a call, both find their way to the same place.
  std::vector<std::span<float>> below;
  for (const size_t input : node.inputs) {
    std::vector<float>& gradient = gradients_[input];
    if (needed[input] != 0) gradient.resize(values_[input].data.size(), 0.0f);
    below.emplace_back(gradient);
  }
  if (std::all_of(below.begin(), below.end(), [](const auto& gradient) { return gradient.empty(); })) return;
  const auto states = found_.find(index);
  const std::span<const float> carried =
      states == found_.end() ? std::span<const float>() : std::span<const float>(states->second);
  node.layer->backward({inputs, outputs, above, below, carried}, scratch_[index]);
}

}  // namespace charglow
