#include <algorithm>
#include <cmath>

#include "bundle/strict_json.h"
#include "kernels/reduce.h"
#include "kernels/strided.h"
#include "layers/operations/operations.h"

namespace charglow {
namespace {

/// One item between the brackets of x[…].
struct Item {
  enum class Kind { Pick, Range, NewAxis, Rest, Part };
  Kind kind = Kind::Range;
  int pick = 0;  ///< Pick: the place. Part: which part
  int parts = 1;
  std::optional<int> start;
  std::optional<int> stop;
  int step = 1;

  [[nodiscard]] bool whole() const { return kind == Kind::Range && !start && !stop && step == 1; }
};

/// What becomes of one axis of the input.
struct Taken {
  size_t axis = 0;  ///< of the input
  const Item* item = nullptr;
  int start = 0;         ///< the first place that is taken
  int count = kUnknown;  ///< how many are
};

class Slice : public Layer {
 public:
  Slice(ConfigReader& config, std::vector<Item> items)
      : Layer(config.layer(), config.className()),
        items_(std::move(items)),
        shown_(config.raw("items").dump()) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    Shape shape;
    for (const std::optional<Taken>& taken : layout(input)) {
      if (!taken) {
        shape.push_back({1});
      } else if (taken->item->kind != Item::Kind::Pick) {
        shape.push_back(axisOf(input[taken->axis], *taken));
      }
    }
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const Place place = placeOf(inputs[0].shape, output.shape);
    gather(place.walk, inputs[0].data.data() + place.start, output.data.data());
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const Place place = placeOf(call.inputs[0].shape, call.outputs[0].shape);
    addStrided(place.walk, call.outputGradients[0].data(), call.inputGradients[0].data() + place.start);
  }

  std::string detail() const override { return shown_; }
  Part part() const override { return Part::Relayout; }

  /// An axis that is taken whole.
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    size_t at = 0;
    for (const std::optional<Taken>& taken : layout(input)) {
      if (taken && taken->item->kind == Item::Kind::Pick) continue;
      if (at++ != axis) continue;
      return taken && taken->item->whole() ? std::optional(taken->axis) : std::nullopt;
    }
    return std::nullopt;
  }

 private:
  /// Where in the input the output's elements lie.
  struct Place {
    size_t start;
    StridedWalk walk;
  };
  [[nodiscard]] Place placeOf(const Shape& input, const Shape& output) const {
    const std::vector<size_t> inputStride = stridesOf(input);
    size_t start = 0;
    std::vector<size_t> stride;
    for (const std::optional<Taken>& taken : layout(input)) {
      if (!taken) {
        stride.push_back(0);
        continue;
      }
      start += static_cast<size_t>(taken->start) * inputStride[taken->axis];
      // A step back is a stride of 2^n less so much, which adds up to the same place.
      if (taken->item->kind != Item::Kind::Pick)
        stride.push_back(inputStride[taken->axis] * static_cast<size_t>(taken->item->step));
    }
    return {start, StridedWalk(output, stride)};
  }

  /// The input's axes in order, and nothing where a new one comes.
  std::vector<std::optional<Taken>> layout(const Shape& input) const {
    const auto named = static_cast<size_t>(std::count_if(items_.begin(), items_.end(), [](const Item& item) {
      return item.kind != Item::Kind::NewAxis && item.kind != Item::Kind::Rest;
    }));
    if (named > input.size()) refuseInput(*this, "of rank " + std::to_string(named) + " at least", input);
    static const Item kWhole;
    std::vector<std::optional<Taken>> axes;
    size_t axis = 0;
    const auto rest = [&](size_t count) {
      for (; count > 0; --count, ++axis) axes.emplace_back(Taken{axis, &kWhole, 0, input[axis].size});
    };
    for (const Item& item : items_) {
      if (item.kind == Item::Kind::NewAxis) {
        axes.emplace_back(std::nullopt);
      } else if (item.kind == Item::Kind::Rest) {
        rest(input.size() - named);
      } else {
        axes.emplace_back(take(item, axis, input));
        ++axis;
      }
    }
    rest(input.size() - axis);
    if (!axes[0] || !axes[0]->item->whole()) {
      refuseInput(*this, "of which the batch (the first axis) is taken whole", input);
    }
    return axes;
  }

  Taken take(const Item& item, size_t axis, const Shape& input) const {
    const int size = input[axis].size;
    Taken taken{axis, &item, 0, kUnknown};
    if (item.kind == Item::Kind::Part) {
      if (size == kUnknown) return taken;
      if (size % item.parts != 0) {
        refuseInput(*this,
                    "whose axis " + std::to_string(axis) + " is a multiple of " + std::to_string(item.parts),
                    input);
      }
      taken.count = size / item.parts;
      taken.start = item.pick * taken.count;
      return taken;
    }
    if (item.kind == Item::Kind::Pick) {
      taken.count = 1;
      taken.start = item.pick;
      if (size == kUnknown) return taken;
      if (item.pick < 0) taken.start += size;
      if (taken.start < 0 || taken.start >= size) {
        refuseInput(*this, "with a place " + std::to_string(item.pick) + " on axis " + std::to_string(axis),
                    input);
      }
      return taken;
    }
    if (size == kUnknown) {
      taken.start = item.start.value_or(0);
      return taken;
    }
    // As Python's slice.indices(): bounds count from the end where negative, and stop at the ends.
    const bool forward = item.step > 0;
    const auto bound = [&](const std::optional<int>& given, int absent) {
      if (!given) return absent;
      return std::clamp(*given < 0 ? *given + size : *given, forward ? 0 : -1, forward ? size : size - 1);
    };
    taken.start = bound(item.start, forward ? 0 : size - 1);
    const int distance = (bound(item.stop, forward ? size : -1) - taken.start) * (forward ? 1 : -1);
    const int step = std::abs(item.step);
    taken.count = distance <= 0 ? 0 : (distance - 1) / step + 1;
    if (taken.count == 0) {
      refuseInput(*this, "of which something is left on axis " + std::to_string(axis), input);
    }
    return taken;
  }

  /// The axis that is left, and which timesteps it stands for.
  static Dim axisOf(const Dim& axis, const Taken& taken) {
    Dim dim = axis;
    dim.size = taken.count;
    const Item& item = *taken.item;
    if (item.whole() || !axis.isTime()) return dim;
    const int step = std::abs(item.step);
    const bool natural = axis.along == Along::Time;
    if ((item.step > 0) == natural) {
      dim.along = Along::Time;
    } else {
      dim.along = Along::ReversedTime;
    }
    // Counted in the text's order: the first of the taken steps, or the last where they run the other way.
    int first = taken.start;
    const bool settled =
        axis.known() || (natural && item.step > 0 && item.kind == Item::Kind::Range && first >= 0);
    if (!settled) return {dim.size};
    const int last = taken.start + item.step * (taken.count - 1);
    if (natural) {
      if (item.step < 0) first = last;
    } else {
      first = axis.size - 1 - (item.step > 0 ? last : taken.start);
    }
    dim.steps.offset += first * axis.steps.stride;
    dim.steps.stride *= step;
    return dim;
  }

  std::vector<Item> items_;
  std::string shown_;
};

/// The item that a piece of the configuration stands for; nothing where it stands for none.
std::optional<Item> itemOf(const nlohmann::json& json) {
  Item item;
  if (json.is_null()) {
    item.kind = Item::Kind::NewAxis;
  } else if (json == "...") {
    item.kind = Item::Kind::Rest;
  } else if (const std::optional<int> place = wholeNumber(json)) {
    item.kind = Item::Kind::Pick;
    item.pick = *place;
  } else if (json.is_object() && json.contains("part")) {
    const std::optional<int> part = wholeNumber(json["part"]);
    const std::optional<int> of = wholeNumber(json.value("of", nlohmann::json()));
    if (!part || !of || *part < 0 || *part >= *of) return std::nullopt;
    item.kind = Item::Kind::Part;
    item.pick = *part;
    item.parts = *of;
  } else if (json.is_object()) {
    const auto bound = [&](const char* key, std::optional<int>& to) {
      const nlohmann::json value = json.value(key, nlohmann::json());
      to = wholeNumber(value);
      return value.is_null() || (to && std::abs(*to) <= ConfigReader::kMaxSize);
    };
    std::optional<int> step;
    if (!bound("start", item.start) || !bound("stop", item.stop) || !bound("step", step)) return std::nullopt;
    item.step = step.value_or(1);
    if (item.step == 0) return std::nullopt;
    // Bounds that say nothing.
    if (item.step > 0 && item.start == 0) item.start.reset();
  } else {
    return std::nullopt;
  }
  return item;
}

}  // namespace

std::unique_ptr<Layer> makeSlice(ConfigReader& config) {
  std::vector<Item> items;
  for (const nlohmann::json& json : config.raw("items")) {
    const std::optional<Item> item = itemOf(json);
    if (!item) {
      config.refuse("items", "whole numbers, slices of a step that is not 0, null or \"...\"",
                    describeJson(json));
      return nullptr;
    }
    items.push_back(*item);
  }
  if (std::count_if(items.begin(), items.end(),
                    [](const Item& item) { return item.kind == Item::Kind::Rest; }) > 1)
    config.refuse("items", "\"...\" once", "it twice");
  return std::make_unique<Slice>(config, std::move(items));
}

}  // namespace charglow
