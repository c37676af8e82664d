#include <algorithm>
#include <array>
#include <cmath>
#include <variant>

#include "bundle/strict_json.h"
#include "kernels/broadcast.h"
#include "layers/operations/operations.h"

namespace charglow {
namespace {

struct Function {
  std::string_view name;
  size_t operands;
  float (*of)(float, float, float);
};

float truth(bool value) { return value ? 1.0f : 0.0f; }

/// numpy's names. Truth is 1 and 0.
constexpr std::array<Function, 46> kFunctions = {{
    {"identity", 1, [](float x, float, float) { return x; }},
    {"negative", 1, [](float x, float, float) { return -x; }},
    {"absolute", 1, [](float x, float, float) { return std::abs(x); }},
    {"sign", 1, [](float x, float, float) { return truth(x > 0) - truth(x < 0); }},
    {"square", 1, [](float x, float, float) { return x * x; }},
    {"sqrt", 1, [](float x, float, float) { return std::sqrt(x); }},
    {"rsqrt", 1, [](float x, float, float) { return 1.0f / std::sqrt(x); }},
    {"exp", 1, [](float x, float, float) { return std::exp(x); }},
    {"expm1", 1, [](float x, float, float) { return std::expm1(x); }},
    {"log", 1, [](float x, float, float) { return std::log(x); }},
    {"log1p", 1, [](float x, float, float) { return std::log1p(x); }},
    {"sin", 1, [](float x, float, float) { return std::sin(x); }},
    {"cos", 1, [](float x, float, float) { return std::cos(x); }},
    {"tan", 1, [](float x, float, float) { return std::tan(x); }},
    {"arctan", 1, [](float x, float, float) { return std::atan(x); }},
    {"sinh", 1, [](float x, float, float) { return std::sinh(x); }},
    {"cosh", 1, [](float x, float, float) { return std::cosh(x); }},
    {"erf", 1, [](float x, float, float) { return std::erf(x); }},
    {"floor", 1, [](float x, float, float) { return std::floor(x); }},
    {"ceil", 1, [](float x, float, float) { return std::ceil(x); }},
    {"round", 1, [](float x, float, float) { return std::nearbyint(x); }},  // halves to the even number
    {"trunc", 1, [](float x, float, float) { return std::trunc(x); }},
    {"not_zero", 1, [](float x, float, float) { return truth(x != 0); }},
    {"logical_not", 1, [](float x, float, float) { return truth(x == 0); }},
    {"add", 2, [](float x, float y, float) { return x + y; }},
    {"subtract", 2, [](float x, float y, float) { return x - y; }},
    {"multiply", 2, [](float x, float y, float) { return x * y; }},
    {"divide", 2, [](float x, float y, float) { return x / y; }},
    {"divide_no_nan", 2, [](float x, float y, float) { return y == 0 ? 0.0f : x / y; }},
    {"floor_divide", 2, [](float x, float y, float) { return std::floor(x / y); }},
    {"modulo", 2, [](float x, float y, float) { return x - std::floor(x / y) * y; }},
    {"power", 2, [](float x, float y, float) { return std::pow(x, y); }},
    {"maximum", 2, [](float x, float y, float) { return std::max(x, y); }},
    {"minimum", 2, [](float x, float y, float) { return std::min(x, y); }},
    {"less", 2, [](float x, float y, float) { return truth(x < y); }},
    {"less_equal", 2, [](float x, float y, float) { return truth(x <= y); }},
    {"equal", 2, [](float x, float y, float) { return truth(x == y); }},
    {"not_equal", 2, [](float x, float y, float) { return truth(x != y); }},
    {"greater", 2, [](float x, float y, float) { return truth(x > y); }},
    {"greater_equal", 2, [](float x, float y, float) { return truth(x >= y); }},
    {"logical_and", 2, [](float x, float y, float) { return truth(x != 0 && y != 0); }},
    {"logical_or", 2, [](float x, float y, float) { return truth(x != 0 || y != 0); }},
    {"logical_xor", 2, [](float x, float y, float) { return truth((x != 0) != (y != 0)); }},
    {"clip", 3, [](float x, float low, float high) { return std::min(std::max(x, low), high); }},
    {"where", 3, [](float condition, float x, float y) { return condition != 0 ? x : y; }},
    // Its condition meets the values from the first axis on.
    {"switch", 3, [](float condition, float x, float y) { return condition != 0 ? x : y; }},
}};

/// A number or an array of them, as the file holds it.
struct Constant {
  Shape shape;
  std::vector<float> values;
};

/// Reads nested lists of numbers; false where they are not regular.
bool readArray(const nlohmann::json& list, size_t depth, Constant& constant) {
  if (list.is_number()) {
    constant.values.push_back(list.get<float>());
    return depth == constant.shape.size();
  }
  if (!list.is_array() || list.empty() || list.size() > static_cast<size_t>(ConfigReader::kMaxSize))
    return false;
  const int size = static_cast<int>(list.size());
  if (depth == constant.shape.size() && constant.values.empty()) constant.shape.push_back({size});
  if (depth >= constant.shape.size() || constant.shape[depth].size != size) return false;
  return std::all_of(list.begin(), list.end(),
                     [&](const nlohmann::json& item) { return readArray(item, depth + 1, constant); });
}

using Operand = std::variant<size_t, Constant>;  // which input, or what it is

class Elementwise : public Layer {
 public:
  Elementwise(ConfigReader& config, const Function& function, std::vector<Operand> operands)
      : Layer(config.layer(), config.className()), function_(function), operands_(std::move(operands)) {
    for (const Operand& operand : operands_) tensors_ += std::holds_alternative<size_t>(operand) ? 1 : 0;
  }

  bool takesInputs(size_t count) const override {
    return std::all_of(operands_.begin(), operands_.end(), [&](const Operand& operand) {
      return !std::holds_alternative<size_t>(operand) || std::get<size_t>(operand) < count;
    });
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    Shape shape;
    for (size_t i = operands_.size(); i-- > 0;) {
      const Shape other = shapeOf(i, inputs, shape.size());
      if (!broadcast(shape, other)) refuseInput(*this, "that fits " + shapeText(shape), other);
    }
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const std::span<float> to = output.data;
    spread(0, inputs, output.shape, to.data());
    if (function_.operands == 1) {
      for (float& value : to) value = function_.of(value, 0, 0);
      return;
    }
    float* second = scratch.room(2 * to.size());
    float* third = second + to.size();
    spread(1, inputs, output.shape, second);
    if (function_.operands == 3) spread(2, inputs, output.shape, third);
    const bool three = function_.operands == 3;
    for (size_t i = 0; i < to.size(); ++i) to[i] = function_.of(to[i], second[i], three ? third[i] : 0);
  }

  std::string detail() const override {
    std::string text(function_.name);
    for (const Operand& operand : operands_) {
      const Constant* constant = std::get_if<Constant>(&operand);
      if (constant == nullptr) continue;
      text += constant->shape.empty() ? " " + nlohmann::json(constant->values[0]).dump()
                                      : " an array " + shapeText(constant->shape);
    }
    return text;
  }
  Part part() const override {
    if (function_.name == "identity") return Part::Relayout;
    return function_.name == "multiply" && tensors_ == 2 ? Part::Product : Part::Other;
  }
  std::optional<size_t> inputAxis(size_t axis, const Shape& /*input*/) const override {
    return part() == Part::Relayout ? std::optional(axis) : std::nullopt;
  }

 private:
  /// The shape of an operand, as it is broadcast to `rank` axes.
  Shape shapeOf(size_t which, std::span<const Shape> inputs, size_t rank) const {
    const Constant* constant = std::get_if<Constant>(&operands_[which]);
    return raised(which, constant != nullptr ? constant->shape : inputs[std::get<size_t>(operands_[which])],
                  rank);
  }

  /// The first axes of what "switch" goes by are those of the values.
  Shape raised(size_t which, Shape shape, size_t rank) const {
    if (which == 0 && function_.name == "switch" && shape.size() < rank) shape.resize(rank, Dim{1});
    return shape;
  }

  /// Writes an operand out in the output's shape.
  void spread(size_t which, std::span<const View> inputs, const Shape& shape, float* to) const {
    const Constant* constant = std::get_if<Constant>(&operands_[which]);
    const View* input = constant != nullptr ? nullptr : &inputs[std::get<size_t>(operands_[which])];
    const std::span<const float> data = constant != nullptr ? constant->values : input->data;
    const Shape own = raised(which, constant != nullptr ? constant->shape : input->shape, shape.size());
    gather(broadcastWalk(own, shape), data.data(), to);
  }

  const Function& function_;
  std::vector<Operand> operands_;
  size_t tensors_ = 0;  ///< among the operands
};

}  // namespace

std::unique_ptr<Layer> makeElementwise(ConfigReader& config) {
  const std::string name = config.text("function", "");
  const auto* function = std::find_if(kFunctions.begin(), kFunctions.end(),
                                      [&](const Function& each) { return each.name == name; });
  if (function == kFunctions.end()) {
    config.refuse("function", "a function of single elements", "\"" + name + "\"");
    return nullptr;
  }
  std::vector<Operand> operands;
  bool tensors = false;
  for (const nlohmann::json& item : config.raw("operands")) {
    if (item.is_object() && item.contains("tensor")) {
      operands.emplace_back(item["tensor"].get<size_t>());
      tensors = true;
      continue;
    }
    Constant constant;
    if (!readArray(item, 0, constant)) config.refuse("operands", "tensors and numbers", describeJson(item));
    operands.emplace_back(std::move(constant));
  }
  if (operands.size() != function->operands || !tensors) {
    config.refuse("operands", std::to_string(function->operands) + ", one of them a tensor",
                  describeJson(config.raw("operands")));
  }
  return std::make_unique<Elementwise>(config, *function, std::move(operands));
}

}  // namespace charglow
