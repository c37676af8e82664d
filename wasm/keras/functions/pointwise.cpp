// Functions of single elements.

#include <cmath>

#include "keras/functions/handlers.h"

namespace charglow::functions {

Term pointwise(Operations& operations, Arguments& arguments, std::string_view function) {
  return operations.elementwise(std::string(function), {arguments.get("x")});
}

Term pointwiseOfTwo(Operations& operations, Arguments& arguments, std::string_view function) {
  return operations.elementwise(std::string(function), {arguments.get("x"), arguments.get("y")});
}

/// K.sqrt takes what is below 0 for 0. keras/backend.py (2.15).
Term squareRoot(Operations& operations, Arguments& arguments, std::string_view) {
  return operations.elementwise("sqrt",
                                {operations.elementwise("maximum", {arguments.get("x"), wholeTerm(0)})});
}

Term activation(Operations& operations, Arguments& arguments, std::string_view name) {
  return operations.activation(std::string(name), arguments.get("x"));
}

/// max(x, 0) by default; alpha · (x - threshold) below the threshold, at most max_value. keras/backend.py,
/// relu (2.15).
Term relu(Operations& operations, Arguments& arguments, std::string_view) {
  const Term& x = arguments.get("x");
  const double alpha = arguments.number("alpha", 0);
  const double threshold = arguments.number("threshold", 0);
  Term result = operations.activation("relu", x);
  if (alpha != 0 || threshold != 0) {
    const Term below = operations.elementwise(
        "multiply", {operations.elementwise("subtract", {x, numberTerm(threshold)}), numberTerm(alpha)});
    result = operations.elementwise(
        "where", {operations.elementwise("greater_equal", {x, numberTerm(threshold)}), x, below});
  }
  if (!arguments.has("max_value")) return result;
  return operations.elementwise("minimum", {result, numberTerm(arguments.number("max_value", 0))});
}

Term leakyRelu(Operations& operations, Arguments& arguments, std::string_view) {
  const Term& x = arguments.get("x");
  const Term below = operations.elementwise("multiply", {x, numberTerm(arguments.number("alpha", 0.2))});
  return operations.elementwise("where", {operations.elementwise("greater", {x, wholeTerm(0)}), x, below});
}

Term elu(Operations& operations, Arguments& arguments, std::string_view) {
  const Term& x = arguments.get("x");
  const double alpha = arguments.number("alpha", 1);
  if (alpha == 1) return operations.activation("elu", x);
  const Term below =
      operations.elementwise("multiply", {operations.elementwise("expm1", {x}), numberTerm(alpha)});
  return operations.elementwise("where", {operations.elementwise("greater", {x, wholeTerm(0)}), x, below});
}

/// Exact, or 0.5 x (1 + tanh(sqrt(2 / π) (x + 0.044715 x³))), which is keras.ops' default.
Term gelu(Operations& operations, Arguments& arguments, std::string_view approximate) {
  const Term& x = arguments.get("x");
  if (!arguments.truth("approximate", approximate == "approximate")) return operations.activation("gelu", x);
  const auto times = [&](const Term& a, const Term& b) { return operations.elementwise("multiply", {a, b}); };
  const auto plus = [&](const Term& a, const Term& b) { return operations.elementwise("add", {a, b}); };
  const Term cubed = times(operations.elementwise("power", {x, wholeTerm(3)}), numberTerm(0.044715));
  const Term inner = times(plus(x, cubed), numberTerm(std::sqrt(2 / 3.14159265358979323846)));
  return times(times(x, numberTerm(0.5)), plus(operations.activation("tanh", inner), wholeTerm(1)));
}

Term clip(Operations& operations, Arguments& arguments, std::string_view) {
  return operations.elementwise("clip", {arguments.get("x"), arguments.get("min"), arguments.get("max")});
}

Term where(Operations& operations, Arguments& arguments, std::string_view) {
  return operations.elementwise("where",
                                {arguments.get("condition"), arguments.get("x"), arguments.get("y")});
}

/// A dtype as a text, or as a name: tf.float32.
Term cast(Operations& operations, Arguments& arguments, std::string_view type) {
  std::string dtype(type);
  if (dtype.empty()) {
    const Term& given = arguments.get("dtype");
    dtype = given.isText() ? given.value->text : given.name;
    dtype = dtype.substr(dtype.find_last_of('.') + 1);
  }
  const Term& x = arguments.get("x");
  if (dtype == "bool" || dtype == "bool_") return x.isNumber() ? x : operations.elementwise("not_zero", {x});
  if (dtype.starts_with("int") || dtype.starts_with("uint") || dtype.starts_with("long"))
    return x.isNumber() ? wholeTerm(static_cast<int64_t>(x.number())) : operations.elementwise("trunc", {x});
  if (dtype == "float32" || dtype == "float64" || dtype == "float")
    return x.isNumber() ? numberTerm(x.number()) : x;
  throw NotUnderstood{"casts to " + (dtype.empty() ? "an unknown type" : dtype)};
}

/// K.switch: the condition gets axes at its end where it has fewer than the values. keras/backend.py (2.15).
Term choice(Operations& operations, Arguments& arguments, std::string_view) {
  return operations.elementwise("switch",
                                {arguments.get("condition"), arguments.get("x"), arguments.get("y")});
}

Term difference(Operations& operations, Arguments& arguments, std::string_view) {
  return operations.elementwise(
      "square", {operations.elementwise("subtract", {arguments.get("x"), arguments.get("y")})});
}

Term identity(Operations& /*operations*/, Arguments& arguments, std::string_view) {
  return arguments.get("x");
}

/// K.in_train_phase(x, alt): the model is not being trained.
Term second(Operations& /*operations*/, Arguments& arguments, std::string_view) {
  static_cast<void>(arguments.get("x"));
  return arguments.get("alt");
}

Term filled(Operations& operations, Arguments& arguments, std::string_view value) {
  const double number = value == "given" ? arguments.number("value", 0) : value == "1" ? 1 : 0;
  return operations.add("Fill", {{"value", number}}, {operations.tensor(arguments.get("x"))});
}

Term constant(Operations& /*operations*/, Arguments& /*arguments*/, std::string_view number) {
  if (number == "epsilon")
    return numberTerm(1e-7);  // keras.backend.epsilon() as it is unless somebody set it
  return textTerm("float32");
}

}  // namespace charglow::functions
