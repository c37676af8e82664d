#include <algorithm>
#include <variant>

#include "bundle/strict_json.h"
#include "kernels/broadcast.h"
#include "kernels/reduce.h"
#include "layers/operations/functions.h"
#include "layers/operations/operations.h"

namespace charglow {
namespace {

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

  void backward(const Backward& call, Scratch& scratch) const override {
    const Shape& shape = call.outputs[0].shape;
    const size_t count = call.outputs[0].data.size();
    float* room = scratch.room(4 * count);
    std::fill_n(room, 3 * count, 0.0f);
    for (size_t which = 0; which < operands_.size(); ++which)
      spread(which, call.inputs, shape, room + which * count);
    float* product = room + 3 * count;
    for (size_t which = 0; which < operands_.size(); ++which) {
      const size_t* input = std::get_if<size_t>(&operands_[which]);
      if (input == nullptr || call.inputGradients[*input].empty() || function_.slopes[which] == nullptr)
        continue;
      for (size_t i = 0; i < count; ++i) {
        product[i] = call.outputGradients[0][i] *
                     function_.slopes[which](room[i], room[count + i], room[2 * count + i]);
      }
      addStrided(broadcastWalk(raised(which, call.inputs[*input].shape, shape.size()), shape), product,
                 call.inputGradients[*input].data());
    }
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
  const Function* function = functionNamed(name);
  if (function == nullptr) {
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
