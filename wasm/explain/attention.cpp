#include "explain/attention.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kernels/reduce.h"

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
      if (node(i).output > 0) continue;
      addInside(i);
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
      // What moves values may read the length of an axis from further inputs.
      if (!at.axis || here.inputs.empty()) return;
      at.axis = here.layer->inputAxis(*at.axis, node(here.inputs[0]).shape);
      if (here.layer->part() != Part::Relayout && !at.axis) return;
      at.node = here.inputs[0];
    }
    add(at.node, degenerate, weighed, weighedAxis, product);
  }

  /// Attention inside of a layer.
  void addInside(size_t call) {
    const std::vector<AttentionTensor> tensors = node(call).layer->attention();
    for (const AttentionTensor& tensor : tensors) {
      AttentionSite site;
      site.id = node(call).callName() + (tensors.size() > 1 ? ":" + std::to_string(tensor.tensor) : "");
      site.node = call + tensor.tensor;
      site.axes = tensor.axes;
      const Shape& shape = node(site.node).shape;
      nameRows(shape, site.axes);
      site.steps = shape[axisOf(site.axes, SignalAxis::Step)];
      site.degenerate = site.steps.size == 1;
      setQueries(site, shape);
      site.why = tensor.why;
      sites_.push_back(std::move(site));
    }
  }

  static size_t axisOf(const std::vector<SignalAxis>& axes, SignalAxis axis) {
    return static_cast<size_t>(std::find(axes.begin(), axes.end(), axis) - axes.begin());
  }

  static void setQueries(AttentionSite& site, const Shape& shape) {
    const size_t axis = axisOf(site.axes, SignalAxis::Query);
    if (axis < shape.size()) site.queries = shape[axis];
  }

  void add(size_t softmax, bool degenerate, size_t weighed, size_t weighedAxis, size_t product) {
    const auto known = std::find_if(sites_.begin(), sites_.end(),
                                    [&](const AttentionSite& site) { return site.node == softmax; });
    if (known != sites_.end()) return;
    AttentionSite site;
    const Node& at = node(softmax);
    site.id = at.callName();
    site.node = softmax;
    site.degenerate = degenerate;
    site.steps = node(weighed).shape[weighedAxis];
    site.axes = axesOf(at.shape, *at.layer->softmaxAxis(at.shape));
    setQueries(site, at.shape);
    site.why = "a softmax over " + std::string(degenerate ? "an axis of length 1" : "the timesteps") +
               perOthers(site, at.shape) + " that weighs \"" + node(weighed).layer->name() + "\" in \"" +
               node(product).layer->name() + "\"" + reductionAfter(product);
    sites_.push_back(std::move(site));
  }

  /// What the axes of a softmax are. Beside the steps one that runs along timesteps is who attends; the
  /// others are heads where somebody attends, or features.
  static std::vector<SignalAxis> axesOf(const Shape& shape, size_t softmaxAxis) {
    std::vector<SignalAxis> axes(shape.size(), SignalAxis::None);
    axes[softmaxAxis] = SignalAxis::Step;
    nameRows(shape, axes);
    bool queries = axes[0] == SignalAxis::Query;
    for (size_t i = 1; i < shape.size(); ++i) {
      if (i == softmaxAxis || !shape[i].isTime() || queries) continue;
      axes[i] = SignalAxis::Query;
      queries = true;
    }
    SignalAxis next = queries ? SignalAxis::Head : SignalAxis::Feature;
    for (size_t i = 1; i < shape.size(); ++i) {
      if (axes[i] != SignalAxis::None || shape[i].size == 1) continue;
      axes[i] = next;
      // Of yet more axes the last are averaged over; nobody has been seen to use any.
      if (next == SignalAxis::None) continue;
      next = next == SignalAxis::Head ? SignalAxis::Feature : SignalAxis::None;
    }
    return axes;
  }

  /// ", one for each of 5 features" and the like.
  static std::string perOthers(const AttentionSite& site, const Shape& shape) {
    if (site.degenerate) return "";
    std::string others;
    for (size_t i = 1; i < shape.size(); ++i) {
      if (site.axes[i] == SignalAxis::None || site.axes[i] == SignalAxis::Step) continue;
      const char* what = site.axes[i] == SignalAxis::Query  ? "querying timesteps"
                         : site.axes[i] == SignalAxis::Head ? "heads"
                                                            : "features";
      others += (others.empty() ? ", one for each of the " : " and the ") +
                (shape[i].known() ? std::to_string(shape[i].size) + " " : std::string()) + what;
    }
    return others.empty() ? "" : others + ",";
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
            std::none_of(left.begin() + 1, left.end(), [](const Dim& dim) { return dim.isTime(); });
        return overTime ? ", reduced over the timesteps by \"" + node(at).layer->name() + "\"" : "";
      }
      if (node(at).layer->part() != Part::Relayout) return "";
    }
  }

  const Graph& graph_;
  std::vector<AttentionSite> sites_;
};

/// Turns the order of the queries, the axis before the last.
void reverseRows(SignalValues& signal) {
  const auto steps = static_cast<ptrdiff_t>(signal.shape.back());
  const auto queries = static_cast<ptrdiff_t>(signal.shape[signal.shape.size() - 2]);
  for (auto block = signal.values.begin(); block != signal.values.end(); block += queries * steps) {
    for (ptrdiff_t q = 0; q < queries / 2; ++q) {
      std::swap_ranges(block + q * steps, block + (q + 1) * steps, block + (queries - 1 - q) * steps);
    }
  }
}

}  // namespace

void nameRows(const Shape& shape, std::vector<SignalAxis>& axes) {
  if (!shape[0].isTime()) return;
  const bool taken = std::find(axes.begin(), axes.end(), SignalAxis::Query) != axes.end();
  axes[0] = taken ? SignalAxis::Feature : SignalAxis::Query;
}

std::vector<AttentionSite> findAttention(const Graph& graph) { return Finder(graph).find(); }

const char* axisName(SignalAxis axis) {
  switch (axis) {
    case SignalAxis::Head:
      return "head";
    case SignalAxis::Feature:
      return "feature";
    case SignalAxis::Unit:
      return "unit";
    case SignalAxis::Query:
      return "query";
    case SignalAxis::Step:
    case SignalAxis::None:
      break;
  }
  return "step";
}

SignalValues signalShape(const AttentionSite& site, const Shape& shape) {
  SignalValues signal;
  if (site.degenerate) return {{SignalAxis::Step}, {site.steps.size}, {}};
  for (const SignalAxis axis :
       {SignalAxis::Head, SignalAxis::Feature, SignalAxis::Unit, SignalAxis::Query, SignalAxis::Step}) {
    for (size_t i = 0; i < site.axes.size(); ++i) {
      if (site.axes[i] != axis) continue;
      signal.axes.push_back(axis);
      signal.shape.push_back(shape[i].size);
    }
  }
  return signal;
}

SignalValues readAttention(const AttentionSite& site, const Value& weights) {
  SignalValues signal = signalShape(site, weights.shape);
  size_t count = 1;
  for (const int size : signal.shape) count *= static_cast<size_t>(size);
  if (site.degenerate) {
    signal.values.assign(count, 1.0f);
    return signal;
  }
  // How far apart in the signal neighbours along each axis of the tensor lie; 0 where they are averaged.
  std::vector<size_t> stride(site.axes.size(), 0);
  size_t step = 1;
  for (size_t k = signal.axes.size(); k-- > 0;) {
    const auto axis = std::find(site.axes.begin(), site.axes.end(), signal.axes[k]) - site.axes.begin();
    stride[static_cast<size_t>(axis)] = step;
    step *= static_cast<size_t>(signal.shape[k]);
  }
  signal.values.assign(count, 0.0f);
  addStrided(StridedWalk(weights.shape, stride), weights.data.data(), signal.values.data());
  const float averaged = static_cast<float>(weights.data.size() / count);
  if (averaged != 1) {
    for (float& value : signal.values) value /= averaged;
  }
  const size_t steps = static_cast<size_t>(signal.shape.back());
  if (site.steps.along == Along::ReversedTime) {
    for (auto row = signal.values.begin(); row != signal.values.end(); row += static_cast<ptrdiff_t>(steps))
      std::reverse(row, row + static_cast<ptrdiff_t>(steps));
  }
  if (site.queries && site.queries->along == Along::ReversedTime) reverseRows(signal);
  return signal;
}

}  // namespace charglow
