#include "explain/attention.h"

#include <algorithm>
#include <optional>

namespace charglow {
namespace {

/// Where following an axis back has arrived.
struct Origin {
  size_t node;
  std::optional<size_t> axis;  ///< nothing where the values are only repeated along the axis
};

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph) {}

  std::vector<AttentionSite> find() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Part part = graph_.nodes[i].layer->part();
      if (part == Part::Product) {
        inspectProduct(i);
      } else if (part == Part::Contraction) {
        inspectContraction(i);
      }
    }
    return std::move(sites_);
  }

 private:
  const Node& node(size_t index) const { return graph_.nodes[index]; }

  /// A factor is attention where it is normalised along the axis on which another factor, or the same one,
  /// has its timesteps. Factors of lower rank have had axes put in after the batch (layers/merge.cpp).
  void inspectProduct(size_t product) {
    const Shape& shape = node(product).shape;
    for (size_t axis = 1; axis < shape.size(); ++axis) {
      if (!shape[axis].isTime()) continue;
      for (const size_t weighed : node(product).inputs) {
        const std::optional<size_t> weighedAxis = ownAxis(product, weighed, axis);
        if (!weighedAxis || !node(weighed).shape[*weighedAxis].isTime()) continue;
        for (const size_t factor : node(product).inputs) {
          if (factor == weighed) continue;
          if (const std::optional<size_t> factorAxis = ownAxis(product, factor, axis)) {
            follow(factor, *factorAxis, weighed, *weighedAxis, product);
          }
        }
      }
    }
  }

  /// The axis of an input that meets `axis` of the product; nothing where the input was expanded there.
  std::optional<size_t> ownAxis(size_t product, size_t input, size_t axis) const {
    const size_t missing = node(product).shape.size() - node(input).shape.size();
    if (axis == 0 || axis <= missing) return std::nullopt;
    return axis - missing;
  }

  void inspectContraction(size_t contraction) {
    const std::vector<size_t>& inputs = node(contraction).inputs;
    const std::vector<Shape> shapes = {node(inputs[0]).shape, node(inputs[1]).shape};
    for (size_t which = 0; which < 2; ++which) {
      const size_t other = 1 - which;
      const size_t weighedAxis = node(contraction).layer->contractedAxis(other, shapes);
      if (!shapes[other][weighedAxis].isTime()) continue;
      follow(inputs[which], node(contraction).layer->contractedAxis(which, shapes), inputs[other],
             weighedAxis, contraction);
    }
  }

  /// Follows a factor back along `axis` to a softmax over it.
  void follow(size_t factor, size_t axis, size_t weighed, size_t weighedAxis, size_t product) {
    Origin at{factor, axis};
    bool degenerate = false;
    while (true) {
      const Node& here = node(at.node);
      const std::optional<size_t> softmaxAxis =
          here.output == 0 ? here.layer->softmaxAxis(here.shape) : std::nullopt;
      if (softmaxAxis && *softmaxAxis != 0) {
        degenerate = here.shape[*softmaxAxis].size == 1;
        if (degenerate || (at.axis && *softmaxAxis == *at.axis)) break;
        return;  // normalised over something else: a gate, not attention
      }
      if (!at.axis || here.inputs.size() != 1) return;
      at.axis = here.layer->inputAxis(*at.axis, node(here.inputs[0]).shape);
      if (here.layer->part() != Part::Relayout && !at.axis) return;
      at.node = here.inputs[0];
    }
    add(at.node, degenerate, weighed, weighedAxis, product);
  }

  void add(size_t softmax, bool degenerate, size_t weighed, size_t weighedAxis, size_t product) {
    const auto known = std::find_if(sites_.begin(), sites_.end(),
                                    [&](const AttentionSite& site) { return site.node == softmax; });
    if (known != sites_.end()) return;
    AttentionSite site;
    const Node& at = node(softmax);
    site.id = at.layer->name() + (at.call > 0 ? "#" + std::to_string(at.call) : "");
    site.node = softmax;
    site.degenerate = degenerate;
    site.weighed = weighed;
    site.weighedAxis = weighedAxis;
    site.softmaxAxis = *at.layer->softmaxAxis(at.shape);
    site.reversed = node(weighed).shape[weighedAxis].along == Along::ReversedTime;
    site.why = "a softmax over " + std::string(degenerate ? "an axis of length 1" : "the timesteps") +
               averagedOver(site) + " that weighs \"" + node(weighed).layer->name() + "\" in \"" +
               node(product).layer->name() + "\"" + reductionAfter(product);
    sites_.push_back(std::move(site));
  }

  /// What a softmax of more axes than the timesteps is averaged over to give each timestep one number.
  std::string averagedOver(const AttentionSite& site) const {
    if (site.degenerate) return "";
    const Shape& shape = node(site.node).shape;
    std::string others;
    for (size_t i = 1; i < shape.size(); ++i) {
      if (i == site.softmaxAxis || shape[i].size == 1) continue;
      others += (others.empty() ? " (averaged over the " : " and the ") +
                (shape[i].known() ? std::to_string(shape[i].size) + " " : std::string()) +
                (shape[i].isTime() ? "querying timesteps" : "features");
    }
    return others.empty() ? "" : others + ")";
  }

  /// ", summed over the timesteps by …", following layers that only move values.
  std::string reductionAfter(size_t product) const {
    if (node(product).layer->part() == Part::Contraction) return ", which also sums it over the timesteps";
    size_t at = product;
    while (true) {
      const std::vector<size_t> readers = graph_.readersOf(at);
      if (readers.size() != 1) return "";
      at = readers[0];
      if (node(at).layer->part() == Part::Reduction) {
        const Shape& left = node(at).shape;
        const bool overTime =
            std::none_of(left.begin(), left.end(), [](const Dim& dim) { return dim.isTime(); });
        return overTime ? ", reduced over the timesteps by \"" + node(at).layer->name() + "\"" : "";
      }
      if (node(at).layer->part() != Part::Relayout) return "";
    }
  }

  const Graph& graph_;
  std::vector<AttentionSite> sites_;
};

}  // namespace

std::vector<AttentionSite> findAttention(const Graph& graph) { return Finder(graph).find(); }

void readAttention(const AttentionSite& site, const Value& softmax, std::span<float> values) {
  const size_t count = values.size();
  const size_t inner =
      static_cast<size_t>(elementCount(softmax.shape, site.softmaxAxis + 1, softmax.shape.size()));
  const size_t outer = softmax.data.size() / (count * inner);
  std::fill(values.begin(), values.end(), 0.0f);
  for (size_t o = 0; o < outer; ++o) {
    for (size_t t = 0; t < count; ++t) {
      for (size_t i = 0; i < inner; ++i) values[t] += softmax.data[(o * count + t) * inner + i];
    }
  }
  for (float& value : values) value /= static_cast<float>(outer * inner);
  if (site.reversed) std::reverse(values.begin(), values.end());
}

}  // namespace charglow
