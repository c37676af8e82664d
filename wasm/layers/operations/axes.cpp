// Operations that move or repeat values without changing them. An attention vector passes through them, so
// each can say which axis of its input an axis of its output runs along.

#include <algorithm>
#include <numeric>

#include "bundle/strict_json.h"
#include "kernels/reduce.h"
#include "kernels/strided.h"
#include "layers/match_axes.h"
#include "layers/operations/operations.h"

namespace charglow {
namespace {

/// Values stay as they are and in order; the base of operations that only see them as another shape.
class Reshaped : public Layer {
 public:
  explicit Reshaped(ConfigReader& config) : Layer(config.layer(), config.className()) {}

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    std::copy(inputs[0].data.begin(), inputs[0].data.end(), output.data.begin());
  }
  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addGradient(call.outputGradients[0], call.inputGradients[0]);
  }
  Part part() const override { return Part::Relayout; }
};

class ExpandDims : public Reshaped {
 public:
  explicit ExpandDims(ConfigReader& config) : Reshaped(config), axis_(config.integer("axis")) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    Shape shape = inputs[0];
    shape.insert(shape.begin() + static_cast<ptrdiff_t>(axis(shape)), {1});
    return shape;
  }
  std::string detail() const override { return "axis " + std::to_string(axis_); }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    const size_t added = this->axis(input);
    if (axis == added) return std::nullopt;
    return axis < added ? axis : axis - 1;
  }

 private:
  size_t axis(const Shape& input) const {
    Shape longer = input;
    longer.push_back({1});
    return resolveAxis(*this, axis_, longer);
  }

  int axis_;
};

class Squeeze : public Reshaped {
 public:
  explicit Squeeze(ConfigReader& config)
      : Reshaped(config),
        all_(!config.has("axis")),
        axes_(all_ ? std::vector<int>{} : config.integers("axis")) {}

  Shape outputShape(std::span<const Shape> inputs) const override {
    Shape shape;
    for (const size_t axis : kept(inputs[0])) shape.push_back(inputs[0][axis]);
    return shape;
  }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    return kept(input)[axis];
  }

 private:
  std::vector<size_t> kept(const Shape& input) const {
    std::vector<size_t> kept(input.size());
    std::iota(kept.begin(), kept.end(), size_t{0});
    if (all_) std::erase_if(kept, [&](size_t axis) { return axis > 0 && input[axis].size == 1; });
    for (const int written : axes_) {
      const size_t axis = resolveAxis(*this, written, input);
      if (input[axis].known() && input[axis].size != 1) {
        refuseInput(*this, "whose axis " + std::to_string(written) + " has length 1", input);
      }
      std::erase(kept, axis);
    }
    return kept;
  }

  bool all_;
  std::vector<int> axes_;
};

/// A size that is written down, or that of an axis of one of the inputs.
struct Length {
  int size = 1;  ///< -1: what is left
  std::optional<size_t> input;
  int axis = 0;

  [[nodiscard]] int of(const Layer& layer, std::span<const Shape> inputs) const {
    if (!input) return size;
    const Shape& shape = inputs[*input];
    return shape[resolveAxis(layer, axis, shape)].size;
  }
};

std::optional<Length> lengthOf(const nlohmann::json& json) {
  Length length;
  if (const std::optional<int> size = wholeNumber(json)) {
    length.size = *size;
    if (*size < -1 || *size == 0 || *size > ConfigReader::kMaxSize) return std::nullopt;
    return length;
  }
  if (!json.is_object() || !json.contains("input")) return std::nullopt;
  length.input = json["input"].get<size_t>();
  length.axis = json["axis"].get<int>();
  return length;
}

std::vector<Length> lengthsOf(ConfigReader& config, const char* key) {
  std::vector<Length> lengths;
  const nlohmann::json& given = config.raw(key);
  for (const nlohmann::json& json : given.is_array() ? given : nlohmann::json::array({given})) {
    const std::optional<Length> length = lengthOf(json);
    if (!length) config.refuse(key, "sizes of at least 1", describeJson(json));
    lengths.push_back(length.value_or(Length{}));
  }
  return lengths;
}

bool readsOnly(const std::vector<Length>& lengths, size_t count) {
  return std::all_of(lengths.begin(), lengths.end(),
                     [&](const Length& each) { return each.input.value_or(0) < count; });
}

class ReshapeTo : public Reshaped {
 public:
  ReshapeTo(ConfigReader& config, std::vector<Length> lengths)
      : Reshaped(config), lengths_(std::move(lengths)) {}

  bool takesInputs(size_t count) const override { return count > 0 && readsOnly(lengths_, count); }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    Shape shape = {input[0]};
    size_t inferred = 0;
    for (size_t i = 1; i < lengths_.size(); ++i) {
      shape.push_back({lengths_[i].of(*this, inputs)});
      if (!lengths_[i].input && lengths_[i].size == -1) inferred = i;
    }
    const int total = elementCount(input, 1, input.size());
    if (inferred > 0) shape[inferred].size = 1;
    const int product = elementCount(shape, 1, shape.size());
    if (total == kUnknown || product == kUnknown) {
      if (inferred > 0) shape[inferred].size = kUnknown;
    } else if (inferred > 0 ? total % product != 0 : total != product) {
      refuseInput(*this,
                  "(batch, …) with " + std::to_string(product) + (inferred > 0 ? "·n" : "") + " elements",
                  input);
    } else if (inferred > 0) {
      shape[inferred].size = total / product;
    }
    const std::vector<std::optional<size_t>> match = matchAxes(input, shape);
    for (size_t i = 1; i < shape.size(); ++i) {
      if (match[i]) shape[i].follow(input[*match[i]]);
    }
    return shape;
  }

  /// Sizes that come from other inputs are not known here; those that the first input has itself are.
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    if (std::any_of(lengths_.begin(), lengths_.end(),
                    [](const Length& each) { return each.input.value_or(0) > 0; }))
      return std::nullopt;
    return matchAxes(input, outputShape({&input, 1}))[axis];
  }

 private:
  std::vector<Length> lengths_;
};

class Transpose : public Layer {
 public:
  explicit Transpose(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        perm_(config.has("perm") ? config.integers("perm") : std::vector<int>{}),
        swap_(config.has("swap") ? config.integers("swap") : std::vector<int>{}),
        move_(config.has("move") ? config.integers("move") : std::vector<int>{}) {
    if (swap_.size() % 2 != 0 || swap_.size() > 2)
      config.refuse("swap", "two axes", config.raw("swap").dump());
    if (move_.size() % 2 != 0 || move_.size() > 2)
      config.refuse("move", "two axes", config.raw("move").dump());
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    Shape shape;
    for (const size_t axis : order(inputs[0])) shape.push_back(inputs[0][axis]);
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    gather(walkOver(inputs[0].shape, output.shape), inputs[0].data.data(), output.data.data());
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addStrided(walkOver(call.inputs[0].shape, call.outputs[0].shape), call.outputGradients[0].data(),
               call.inputGradients[0].data());
  }

  Part part() const override { return Part::Relayout; }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    return order(input)[axis];
  }

 private:
  /// How the output's elements lie in the input.
  [[nodiscard]] StridedWalk walkOver(const Shape& input, const Shape& output) const {
    const std::vector<size_t> inputStride = stridesOf(input);
    std::vector<size_t> stride;
    for (const size_t axis : order(input)) stride.push_back(inputStride[axis]);
    return {output, stride};
  }

  /// Which axis of the input each axis of the output is.
  std::vector<size_t> order(const Shape& input) const {
    std::vector<size_t> order(input.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (!swap_.empty()) {
      std::swap(order[resolveAxis(*this, swap_[0], input)], order[resolveAxis(*this, swap_[1], input)]);
    } else if (!move_.empty()) {
      const size_t from = resolveAxis(*this, move_[0], input);
      const size_t to = resolveAxis(*this, move_[1], input);
      order.erase(order.begin() + static_cast<ptrdiff_t>(from));
      order.insert(order.begin() + static_cast<ptrdiff_t>(to), from);
    } else {
      if (perm_.size() != input.size()) refuseInput(*this, "of rank " + std::to_string(perm_.size()), input);
      for (size_t i = 0; i < perm_.size(); ++i) {
        order[i] = perm_[i] == 0 && i == 0 ? 0 : resolveAxis(*this, perm_[i], input);
      }
      if (order[0] != 0) refuseInput(*this, "whose batch (the first axis) stays the first", input);
      std::vector<size_t> sorted = order;
      std::sort(sorted.begin(), sorted.end());
      if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
        refuseInput(*this, "of which each axis is named once", input);
    }
    return order;
  }

  std::vector<int> perm_;
  std::vector<int> swap_;
  std::vector<int> move_;
};

class Repeat : public Layer {
 public:
  Repeat(ConfigReader& config, std::vector<Length> times)
      : Layer(config.layer(), config.className()),
        times_(std::move(times)),
        axis_(config.has("axis") ? std::optional(config.integer("axis")) : std::nullopt),
        elements_(config.boolean("elements", false)) {
    if (axis_ && times_.size() != 1) config.refuse("times", "one number", config.raw("times").dump());
    const bool negative =
        std::any_of(times_.begin(), times_.end(), [](const Length& each) { return each.size < 1; });
    if (negative) config.refuse("times", "numbers of at least 1", config.raw("times").dump());
  }

  bool takesInputs(size_t count) const override { return count > 0 && readsOnly(times_, count); }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    Shape shape = input;
    for (size_t axis = 0; axis < input.size(); ++axis) {
      const int times = timesOf(axis, inputs);
      if (times == 1) continue;
      if (axis == 0) refuseInput(*this, "whose batch (the first axis) is not repeated", input);
      const bool known = input[axis].known() && times != kUnknown;
      shape[axis] = {known ? std::min(elementCount({input[axis], {times}}), kMaxElements) : kUnknown};
    }
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    gather(walkOver(inputs), inputs[0].data.data(), output.data.data());
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    addStrided(walkOver(call.inputs), call.outputGradients[0].data(), call.inputGradients[0].data());
  }

  Part part() const override { return Part::Relayout; }
  /// Nothing where values are repeated along the axis.
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    const Length* length = lengthAt(axis, input);
    return length == nullptr || (!length->input && length->size == 1) ? std::optional(axis) : std::nullopt;
  }

 private:
  /// How the output's elements lie in the input.
  [[nodiscard]] StridedWalk walkOver(std::span<const View> inputs) const {
    const Shape& input = inputs[0].shape;
    std::vector<Shape> shapes;
    for (const View& each : inputs) shapes.push_back(each.shape);
    // Every axis as two, one of them along the repetitions.
    Shape shape;
    std::vector<size_t> stride;
    size_t step = inputs[0].data.size();
    for (size_t axis = 0; axis < input.size(); ++axis) {
      step /= static_cast<size_t>(input[axis].size);
      const Dim repetitions = {timesOf(axis, shapes)};
      shape.push_back(elements_ ? input[axis] : repetitions);
      shape.push_back(elements_ ? repetitions : input[axis]);
      stride.push_back(elements_ ? step : 0);
      stride.push_back(elements_ ? 0 : step);
    }
    return {shape, stride};
  }

  const Length* lengthAt(size_t axis, const Shape& input) const {
    if (axis_) return resolveAxis(*this, *axis_, input) == axis ? &times_[0] : nullptr;
    if (times_.size() != input.size()) refuseInput(*this, "of rank " + std::to_string(times_.size()), input);
    return &times_[axis];
  }

  int timesOf(size_t axis, std::span<const Shape> inputs) const {
    const Length* length = lengthAt(axis, inputs[0]);
    return length == nullptr ? 1 : length->of(*this, inputs);
  }

  std::vector<Length> times_;
  std::optional<int> axis_;
  bool elements_;
};

}  // namespace

std::unique_ptr<Layer> makeExpandDims(ConfigReader& config) { return std::make_unique<ExpandDims>(config); }
std::unique_ptr<Layer> makeSqueeze(ConfigReader& config) { return std::make_unique<Squeeze>(config); }

std::unique_ptr<Layer> makeReshapeTo(ConfigReader& config) {
  std::vector<Length> lengths = lengthsOf(config, "shape");
  const auto inferred = std::count_if(lengths.begin(), lengths.end(),
                                      [](const Length& each) { return !each.input && each.size == -1; });
  // The first axis is the batch's, and nothing else: what is left, or taken from another tensor's batch.
  const bool batch = !lengths.empty() && (lengths[0].input ? lengths[0].axis == 0 : lengths[0].size == -1);
  if (!batch || inferred > 1) {
    config.refuse("shape", "the batch first, as -1, and at most one -1", config.raw("shape").dump(),
                  "The texts of a batch stay apart in this engine.");
  }
  return std::make_unique<ReshapeTo>(config, std::move(lengths));
}

std::unique_ptr<Layer> makeTranspose(ConfigReader& config) { return std::make_unique<Transpose>(config); }
std::unique_ptr<Layer> makeRepeat(ConfigReader& config) {
  return std::make_unique<Repeat>(config, lengthsOf(config, "times"));
}

}  // namespace charglow
