#include "keras/functions/term.h"

#include <limits>
#include <utility>

#include "bundle/strict_json.h"
#include "keras/config_reader.h"
#include "keras/graph_spec.h"

namespace charglow {

using nlohmann::json;
using python::Value;

bool Term::isNone() const { return kind == Kind::Constant && value->kind == Value::Kind::None; }
bool Term::isText() const { return kind == Kind::Constant && value->kind == Value::Kind::Text; }

bool Term::isNumber() const {
  return kind == Kind::Constant && (value->kind == Value::Kind::Int || value->kind == Value::Kind::Float ||
                                    value->kind == Value::Kind::Bool);
}

double Term::number() const {
  if (value->kind == Value::Kind::Bool) return value->truth ? 1 : 0;
  return value->kind == Value::Kind::Int ? static_cast<double>(value->integer) : value->real;
}

std::optional<int> Term::whole() const {
  if (kind != Kind::Constant || value->kind != Value::Kind::Int) return std::nullopt;
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  if (value->integer > kMost || value->integer < -kMost) return std::nullopt;
  return static_cast<int>(value->integer);
}

Term tensorTerm(size_t tensor) {
  Term term;
  term.kind = Term::Kind::Tensor;
  term.tensor = tensor;
  return term;
}

Term constantTerm(python::ValuePtr value) {
  Term term;
  term.value = std::move(value);
  return term;
}

Term numberTerm(double number) {
  Value value;
  value.kind = Value::Kind::Float;
  value.real = number;
  return constantTerm(std::make_shared<const Value>(std::move(value)));
}

Term wholeTerm(int64_t number) {
  Value value;
  value.kind = Value::Kind::Int;
  value.integer = number;
  return constantTerm(std::make_shared<const Value>(std::move(value)));
}

Term textTerm(std::string text) {
  Value value;
  value.kind = Value::Kind::Text;
  value.text = std::move(text);
  return constantTerm(std::make_shared<const Value>(std::move(value)));
}

Term sequenceTerm(std::vector<Term> items) {
  Term term;
  term.kind = Term::Kind::Sequence;
  term.items = std::move(items);
  return term;
}

Term nameTerm(std::string name) {
  Term term;
  term.kind = Term::Kind::Name;
  term.name = std::move(name);
  return term;
}

namespace {

Term ofKind(Value::Kind kind, bool truth = false) {
  Value value;
  value.kind = kind;
  value.truth = truth;
  return constantTerm(std::make_shared<const Value>(std::move(value)));
}

Term rangeOf(const json& bounds) {
  Term range;
  range.kind = Term::Kind::Range;
  for (const char* key : {"start", "stop", "step"}) range.items.push_back(termOf(bounds.value(key, json())));
  return range;
}

/// An object of the configuration that stands for something that JSON has no form for.
Term objectTerm(const json& value) {
  const json className = value.value("class_name", json());
  if (className == "__ellipsis__") return ofKind(Value::Kind::Ellipsis);
  const json config = value.value("config", json());
  if (className == "__slice__" && config.is_object()) return rangeOf(config);
  if ((className == "__numpy__" || className == "__tensor__") && config.is_object())
    return termOf(config.value("value", json()));
  if (className == "DType" || className == "__dtype__") return termOf(config);
  if (className.is_null() && value.contains("start") && value.contains("stop")) return rangeOf(value);
  // An array among a Lambda's arguments (keras/layers/core.py, 2.2.5).
  if (value.value("type", json()) == "ndarray" && value.contains("value")) return termOf(value["value"]);
  throw NotUnderstood{"is given " + describeJson(value) + ", which is not known"};
}

}  // namespace

Term termOf(const json& value) {
  if (const std::optional<size_t> tensor = tensorIndex(value)) return tensorTerm(*tensor);
  switch (value.type()) {
    case json::value_t::null:
      return ofKind(Value::Kind::None);
    case json::value_t::boolean:
      return ofKind(Value::Kind::Bool, value.get<bool>());
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      if (const std::optional<int> whole = wholeNumber(value)) return wholeTerm(*whole);
      return numberTerm(value.get<double>());
    case json::value_t::number_float:
      return numberTerm(value.get<double>());
    case json::value_t::string:
      return textTerm(value.get<std::string>());
    case json::value_t::array: {
      std::vector<Term> items;
      for (const json& item : value) items.push_back(termOf(item));
      return sequenceTerm(std::move(items));
    }
    default:
      return objectTerm(value);
  }
}

std::string describe(const Term& term) {
  switch (term.kind) {
    case Term::Kind::Tensor:
      return "a tensor";
    case Term::Kind::Constant:
      return term.value->repr();
    case Term::Kind::Sequence:
      return "a list of " + std::to_string(term.items.size());
    case Term::Kind::Range:
      return "a slice";
    case Term::Kind::Name:
    case Term::Kind::Missing:
      return "\"" + term.name + "\"";
    case Term::Kind::ShapeOf:
      return "a shape";
    case Term::Kind::SizeOf:
      return "the length of an axis";
  }
  return {};
}

}  // namespace charglow
