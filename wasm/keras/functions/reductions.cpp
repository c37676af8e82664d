// Reductions over axes, and what is put together from them.

#include <algorithm>

#include "keras/functions/handlers.h"

namespace charglow::functions {
namespace {

using nlohmann::json;

/// The axes to reduce. None and nothing mean all of them, the texts of a batch included.
json axesOf(Arguments& arguments) {
  if (!arguments.has("axis")) throw NotUnderstood{"has no axis and so reduces over the texts of a batch too"};
  const json axes = arguments.wholes("axis");
  json sorted = axes.is_array() ? axes : json::array({axes});
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    throw NotUnderstood{"names an axis twice"};
  constexpr int kMost = 64;  // more than any tensor has
  if (sorted.front().get<int>() < -kMost || sorted.back().get<int>() > kMost)
    throw NotUnderstood{"has an axis that no tensor has"};
  return axes;
}

/// Whether a tensor holds nothing but truth values.
bool isTruth(const Operations& operations, const Term& x) {
  const Operation* operation = x.isTensor() ? operations.of(x.tensor) : nullptr;
  if (operation == nullptr || operation->className != "Elementwise") return false;
  const std::string& function = operation->config["function"].get_ref<const std::string&>();
  return function.starts_with("logical") || function.starts_with("less") || function.starts_with("greater") ||
         function.ends_with("equal") || function == "not_zero";
}

/// Σ x² over axes that are kept.
Term squares(Operations& operations, const Term& x, const json& axes) {
  return operations.reduce("sum", operations.elementwise("square", {x}), axes, true);
}

Term dropped(Operations& operations, const Term& x, const json& axes, bool keepDims) {
  if (keepDims) return x;
  return operations.add("Squeeze", {{"axis", axes}}, {operations.tensor(x)});
}

Term logOfSum(Operations& operations, const Term& x, const json& axes) {
  const Term most = operations.reduce("max", x, axes, true);
  const Term shifted = operations.elementwise("exp", {operations.elementwise("subtract", {x, most})});
  const Term sum = operations.reduce("sum", shifted, axes, true);
  return operations.elementwise("add", {operations.elementwise("log", {sum}), most});
}

}  // namespace

Term reduction(Operations& operations, Arguments& arguments, std::string_view kind) {
  return operations.reduce(std::string(kind), arguments.get("x"), axesOf(arguments),
                           arguments.truth("keepdims", false));
}

Term anyOrAll(Operations& operations, Arguments& arguments, std::string_view kind) {
  Term x = arguments.get("x");
  if (!isTruth(operations, x)) x = operations.elementwise("not_zero", {x});
  return operations.reduce(kind == "any" ? "max" : "min", x, axesOf(arguments),
                           arguments.truth("keepdims", false));
}

/// The mean of the squared distance from the mean; `root` "std" for its square root.
Term variance(Operations& operations, Arguments& arguments, std::string_view root) {
  const Term& x = arguments.get("x");
  const json axes = axesOf(arguments);
  const Term mean = operations.reduce("mean", x, axes, true);
  const Term distance = operations.elementwise("square", {operations.elementwise("subtract", {x, mean})});
  const Term result = operations.reduce("mean", distance, axes, arguments.truth("keepdims", false));
  return root == "std" ? operations.elementwise("sqrt", {result}) : result;
}

Term logSumExp(Operations& operations, Arguments& arguments, std::string_view) {
  const json axes = axesOf(arguments);
  return dropped(operations, logOfSum(operations, arguments.get("x"), axes), axes,
                 arguments.truth("keepdims", false));
}

Term norm(Operations& operations, Arguments& arguments, std::string_view) {
  if (arguments.has("ord")) {
    const Term& order = arguments.get("ord");
    const bool euclidean =
        (order.isNumber() && order.number() == 2) ||
        (order.isText() && (order.value->text == "euclidean" || order.value->text == "fro"));
    if (!euclidean) throw NotUnderstood{"has a norm that is not the Euclidean one"};
  }
  const json axes = axesOf(arguments);
  const Term sum = operations.reduce("sum", operations.elementwise("square", {arguments.get("x")}), axes,
                                     arguments.truth("keepdims", false));
  return operations.elementwise("sqrt", {sum});
}

Term place(Operations& operations, Arguments& arguments, std::string_view kind) {
  const size_t x = operations.tensor(arguments.get("x"));
  const json config = {{"kind", kind},
                       {"axis", arguments.whole("axis", -1)},
                       {"keepdims", arguments.truth("keepdims", false)}};
  return operations.add("Argument", config, {x});
}

Term cumulated(Operations& operations, Arguments& arguments, std::string_view) {
  return operations.add("Cumulate", {{"axis", arguments.whole("axis")}},
                        {operations.tensor(arguments.get("x"))});
}

Term softmax(Operations& operations, Arguments& arguments, std::string_view) {
  return operations.softmax(arguments.get("x"), arguments.whole("axis", -1));
}

Term logSoftmax(Operations& operations, Arguments& arguments, std::string_view) {
  const Term& x = arguments.get("x");
  return operations.elementwise("subtract", {x, logOfSum(operations, x, arguments.whole("axis", -1))});
}

/// x / sqrt(max(Σ x², epsilon)), tf.math.l2_normalize; Keras 3's keras.ops.normalize is
/// x · min(1 / sqrt(Σ x²), 1 / epsilon), the same but where all is 0.
Term normalised(Operations& operations, Arguments& arguments, std::string_view library) {
  const Term& x = arguments.get("x");
  if (library == "ops") {
    if (arguments.whole("order", 2) != 2) throw NotUnderstood{"has a norm that is not the Euclidean one"};
    const Term length = squares(operations, x, arguments.has("axis") ? axesOf(arguments) : json(-1));
    const Term inverse = operations.elementwise("rsqrt", {length});
    const Term bounded =
        operations.elementwise("minimum", {inverse, numberTerm(1 / arguments.number("epsilon", 1e-7))});
    return operations.elementwise("multiply", {x, bounded});
  }
  const Term length = squares(operations, x, axesOf(arguments));
  const Term bounded =
      operations.elementwise("maximum", {length, numberTerm(arguments.number("epsilon", 1e-12))});
  return operations.elementwise("multiply", {x, operations.elementwise("rsqrt", {bounded})});
}

/// The sum of a list of tensors.
Term addAll(Operations& operations, Arguments& arguments, std::string_view) {
  const std::vector<Term>& terms = arguments.list("x");
  if (terms.empty()) throw NotUnderstood{"adds up an empty list"};
  Term sum = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) sum = operations.elementwise("add", {sum, terms[i]});
  return sum;
}

}  // namespace charglow::functions
