#include "keras/functions/operations.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace charglow {
namespace {

using nlohmann::json;
using python::Value;

/// More operations than anybody writes in one function.
constexpr size_t kMaxOperations = 500;

bool isWhole(const Term& term) { return term.value->kind == Value::Kind::Int; }

/// What Python gives for numbers; nothing for functions that are not for numbers.
std::optional<Term> worked(const std::string& function, const std::vector<Term>& operands) {
  const double x = operands[0].number();
  const double y = operands.size() > 1 ? operands[1].number() : 0;
  const bool whole = std::all_of(operands.begin(), operands.end(), isWhole);
  double result = 0;
  bool staysWhole = false;  // where the operands are
  if (function == "add") {
    result = x + y, staysWhole = true;
  } else if (function == "subtract") {
    result = x - y, staysWhole = true;
  } else if (function == "multiply") {
    result = x * y, staysWhole = true;
  } else if (function == "divide") {
    result = x / y;
  } else if (function == "floor_divide") {
    result = std::floor(x / y), staysWhole = true;
  } else if (function == "modulo") {
    result = x - std::floor(x / y) * y, staysWhole = true;
  } else if (function == "power") {
    result = std::pow(x, y), staysWhole = y >= 0;
  } else if (function == "maximum") {
    result = std::max(x, y), staysWhole = true;
  } else if (function == "minimum") {
    result = std::min(x, y), staysWhole = true;
  } else if (function == "negative") {
    result = -x, staysWhole = true;
  } else if (function == "absolute") {
    result = std::abs(x), staysWhole = true;
  } else if (function == "square") {
    result = x * x, staysWhole = true;
  } else if (function == "sqrt") {
    result = std::sqrt(x);
  } else if (function == "rsqrt") {
    result = 1 / std::sqrt(x);
  } else if (function == "exp") {
    result = std::exp(x);
  } else if (function == "log") {
    result = std::log(x);
  } else if (function == "identity") {
    return operands[0];
  } else {
    return std::nullopt;
  }
  if (!std::isfinite(result)) throw NotUnderstood{"computes a number that is not finite"};
  if (whole && staysWhole && std::abs(result) < 1e15) return wholeTerm(static_cast<int64_t>(result));
  return numberTerm(result);
}

/// Nested lists of numbers, as the operations take arrays.
json arrayOf(const Term& term) {
  if (term.isNumber()) return term.number();
  if (term.kind != Term::Kind::Sequence)
    throw NotUnderstood{"has " + describe(term) + " where a number belongs"};
  json list = json::array();
  for (const Term& item : term.items) list.push_back(arrayOf(item));
  return list;
}

}  // namespace

const Operation* Operations::of(size_t tensor) const {
  return tensor < inputs_ ? nullptr : &operations_[tensor - inputs_];
}

Term Operations::add(const std::string& className, json config, std::vector<size_t> inputs) {
  std::string key = className + config.dump(-1, ' ', false, json::error_handler_t::replace);
  for (const size_t input : inputs) key += " " + std::to_string(input);
  const auto [known, isNew] = known_.emplace(std::move(key), inputs_ + operations_.size());
  if (isNew) {
    if (operations_.size() == kMaxOperations)
      throw NotUnderstood{"has more than " + std::to_string(kMaxOperations) + " operations"};
    operations_.push_back({className, std::move(config), std::move(inputs)});
  }
  return tensorTerm(known->second);
}

size_t Operations::tensor(const Term& term) {
  if (term.isTensor()) return term.tensor;
  if (term.kind == Term::Kind::SizeOf) return add("Size", {{"axis", term.axis}}, {term.tensor}).tensor;
  if (term.kind == Term::Kind::Missing)
    throw NotUnderstood{"uses " + describe(term) + ", to which the file gives no value"};
  throw NotUnderstood{"has " + describe(term) + " where a tensor belongs"};
}

Term Operations::elementwise(const std::string& function, const std::vector<Term>& operands) {
  const bool numbers =
      std::all_of(operands.begin(), operands.end(), [](const Term& operand) { return operand.isNumber(); });
  if (numbers) {
    if (const std::optional<Term> number = worked(function, operands)) return *number;
    throw NotUnderstood{"computes the " + function + " of numbers"};
  }
  json written = json::array();
  std::vector<size_t> inputs;
  for (const Term& operand : operands) {
    if (operand.isNumber() || operand.kind == Term::Kind::Sequence) {
      written.push_back(arrayOf(operand));
      continue;
    }
    const size_t input = tensor(operand);
    const auto place = std::find(inputs.begin(), inputs.end(), input);
    written.push_back({{"tensor", place - inputs.begin()}});
    if (place == inputs.end()) inputs.push_back(input);
  }
  if (inputs.empty()) throw NotUnderstood{"computes the " + function + " of lists of numbers"};
  return add("Elementwise", {{"function", function}, {"operands", written}}, std::move(inputs));
}

Term Operations::reduce(const std::string& kind, const Term& x, const json& axis, bool keepDims) {
  return add("Reduce", {{"kind", kind}, {"axis", axis}, {"keepdims", keepDims}}, {tensor(x)});
}

Term Operations::concatenate(const std::vector<Term>& tensors, int axis) {
  std::vector<size_t> inputs;
  for (const Term& each : tensors) inputs.push_back(tensor(each));
  if (inputs.empty()) throw NotUnderstood{"joins no tensors"};
  return inputs.size() == 1 ? tensorTerm(inputs[0]) : add("Concatenate", {{"axis", axis}}, std::move(inputs));
}

Term Operations::expandDims(const Term& x, int axis) {
  return add("ExpandDims", {{"axis", axis}}, {tensor(x)});
}
Term Operations::slice(const Term& x, json items) {
  return add("Slice", {{"items", std::move(items)}}, {tensor(x)});
}
Term Operations::softmax(const Term& x, int axis) { return add("Softmax", {{"axis", axis}}, {tensor(x)}); }
Term Operations::activation(const std::string& name, const Term& x) {
  return add("Activation", {{"activation", name}}, {tensor(x)});
}

}  // namespace charglow
