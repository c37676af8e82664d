#include "keras/functions/reading.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "keras/functions/handlers.h"

namespace charglow {
namespace {

using python::Expression;
using python::Operator;

/// The function of elements that an operator is; nullptr for one that is none.
const char* functionOf(Operator sign) {
  switch (sign) {
    case Operator::Add:
      return "add";
    case Operator::Subtract:
      return "subtract";
    case Operator::Multiply:
      return "multiply";
    case Operator::TrueDivide:
    case Operator::ClassicDivide:
      return "divide";
    case Operator::FloorDivide:
      return "floor_divide";
    case Operator::Modulo:
      return "modulo";
    case Operator::Power:
      return "power";
    case Operator::Less:
      return "less";
    case Operator::LessEqual:
      return "less_equal";
    case Operator::Equal:
      return "equal";
    case Operator::NotEqual:
      return "not_equal";
    case Operator::Greater:
      return "greater";
    case Operator::GreaterEqual:
      return "greater_equal";
    case Operator::And:
      return "logical_and";
    case Operator::Or:
      return "logical_or";
    case Operator::Xor:
      return "logical_xor";
    case Operator::Negative:
      return "negative";
    case Operator::Positive:
      return "identity";
    case Operator::Invert:
      return "logical_not";
    default:
      return nullptr;
  }
}

class Reading {
 public:
  Reading(const Bindings& bindings, Operations& operations) : bindings_(bindings), operations_(operations) {}

  Term read(const Expression& expression) {
    switch (expression.kind) {
      case Expression::Kind::Argument:
        return bound(bindings_.arguments, expression);
      case Expression::Kind::Free:
        return bound(bindings_.free, expression);
      case Expression::Kind::Global:
        return nameTerm(expression.name);
      case Expression::Kind::Constant:
        return constant(expression.value);
      case Expression::Kind::Attribute:
        return attribute(read(*expression.operands[0]), expression.name);
      case Expression::Kind::Call:
        return call(expression);
      case Expression::Kind::Tuple:
      case Expression::Kind::List:
        return sequenceTerm(readAll(expression.operands));
      case Expression::Kind::Slice:
        return slice(expression);
      case Expression::Kind::Subscript: {
        const Term x = read(*expression.operands[0]);
        return functions::subscript(operations_, x, read(*expression.operands[1]));
      }
      case Expression::Kind::Unary:
        return unary(expression);
      case Expression::Kind::Binary:
        return binary(expression);
    }
    throw NotUnderstood{"is not known"};
  }

 private:
  Term bound(const std::vector<Term>& terms, const Expression& name) const {
    const auto index = static_cast<size_t>(name.index);
    if (index < terms.size()) return terms[index];
    Term missing = nameTerm(name.name);
    missing.kind = Term::Kind::Missing;
    return missing;
  }

  std::vector<Term> readAll(const std::vector<python::ExpressionPtr>& expressions) {
    std::vector<Term> terms;
    for (const python::ExpressionPtr& expression : expressions) terms.push_back(read(*expression));
    return terms;
  }

  static Term constant(const python::ValuePtr& value) {
    if (value->kind != python::Value::Kind::Tuple && value->kind != python::Value::Kind::List)
      return constantTerm(value);
    std::vector<Term> items;
    for (const python::ValuePtr& item : value->items) items.push_back(constant(item));
    return sequenceTerm(std::move(items));
  }

  Term slice(const Expression& expression) {
    Term range;
    range.kind = Term::Kind::Range;
    range.items = readAll(expression.operands);
    return range;
  }

  /// Of a tensor only what says something about its shape.
  Term attribute(Term owner, const std::string& name) const {
    if (owner.kind == Term::Kind::Name) return nameTerm(owner.name + "." + name);
    if (owner.isTensor() && (name == "shape" || name == "get_shape")) {
      owner.kind = Term::Kind::ShapeOf;
      return owner;
    }
    if (owner.isTensor() && name == "dtype") return textTerm("float32");
    if (owner.kind == Term::Kind::ShapeOf && (name == "as_list" || name == "get_shape")) return owner;
    if (owner.kind == Term::Kind::SizeOf && name == "value") return owner;  // TensorFlow 1's Dimension
    throw NotUnderstood{"asks " + describe(owner) + " for its " + name};
  }

  Term call(const Expression& expression) {
    const Term callee = read(*expression.operands[0]);
    CallTerms given;
    const size_t places = expression.operands.size() - 1 - expression.keywords.size();
    for (size_t i = 1; i < expression.operands.size(); ++i) {
      Term term = read(*expression.operands[i]);
      if (i <= places) {
        given.places.push_back(std::move(term));
      } else {
        given.names.emplace_back(expression.keywords[i - 1 - places], std::move(term));
      }
    }
    // x.get_shape(), x.shape.as_list()
    if (callee.kind == Term::Kind::ShapeOf && expression.operands.size() == 1) return callee;
    if (callee.kind != Term::Kind::Name) throw NotUnderstood{"calls " + describe(callee)};
    if (const std::optional<Term> result = builtin(callee.name, given)) return *result;
    const KnownFunction* function = findFunction(callee.name, bindings_.bareNames);
    if (function == nullptr) throw NotUnderstood{"calls \"" + callee.name + "\", which is not known"};
    return callFunction(*function, operations_, given);
  }

  /// Python's own functions, as far as they are used on tensors and numbers.
  std::optional<Term> builtin(const std::string& name, const CallTerms& given) {
    if (!given.names.empty() || given.places.empty()) return std::nullopt;
    const Term& x = given.places[0];
    const bool alone = given.places.size() == 1;
    if (name == "abs" && alone) return operations_.elementwise("absolute", {x});
    if (name == "float" && alone && x.isNumber()) return numberTerm(x.number());
    if (name == "float" && alone && x.kind == Term::Kind::SizeOf) return x;
    if (name == "int" && alone && x.isNumber() && std::abs(x.number()) < 1e15)
      return wholeTerm(static_cast<int64_t>(x.number()));
    if (name == "int" && alone && x.kind == Term::Kind::SizeOf) return x;
    if (name == "len" && alone && x.kind == Term::Kind::Sequence)
      return wholeTerm(static_cast<int64_t>(x.items.size()));
    if ((name == "list" || name == "tuple") && alone && x.kind == Term::Kind::Sequence) return x;
    if (name == "sum" && alone && x.kind == Term::Kind::Sequence && !x.items.empty()) {
      Term sum = x.items[0];
      for (size_t i = 1; i < x.items.size(); ++i) sum = operations_.elementwise("add", {sum, x.items[i]});
      return sum;
    }
    if (name == "slice" && given.places.size() <= 3) {
      Term range;
      range.kind = Term::Kind::Range;
      range.items = given.places;
      if (alone)
        range.items.insert(range.items.begin(), constantTerm(std::make_shared<const python::Value>()));
      return range;
    }
    return std::nullopt;
  }

  Term unary(const Expression& expression) {
    const char* function = functionOf(expression.sign);
    if (function == nullptr) throw NotUnderstood{"takes the truth value of a tensor"};
    return operations_.elementwise(function, {read(*expression.operands[0])});
  }

  Term binary(const Expression& expression) {
    const Term left = read(*expression.operands[0]);
    const Term right = read(*expression.operands[1]);
    const Operator sign = expression.sign;
    if (left.kind == Term::Kind::Sequence && right.kind == Term::Kind::Sequence && sign == Operator::Add) {
      std::vector<Term> items = left.items;
      items.insert(items.end(), right.items.begin(), right.items.end());
      return sequenceTerm(std::move(items));
    }
    if (sign == Operator::MatMultiply) {
      return callFunction(*findFunction(kOps, "matmul"), operations_, {{left, right}, {}});
    }
    const char* function = functionOf(sign);
    if (function == nullptr) throw NotUnderstood{"shifts bits"};
    const bool equality = sign == Operator::Equal || sign == Operator::NotEqual;
    if (equality && !operations_.dialect().comparesElements()) {
      throw NotUnderstood{
          "compares with == or !=, which in TensorFlow 1 asks whether two tensors are the same object"};
    }
    // Python 2 rounds the quotient of two whole numbers down.
    const bool rounds =
        sign == Operator::ClassicDivide && left.whole().has_value() && right.whole().has_value();
    return operations_.elementwise(rounds ? "floor_divide" : function, {left, right});
  }

  const Bindings& bindings_;
  Operations& operations_;
};

}  // namespace

Term readExpression(const Expression& expression, const Bindings& bindings, Operations& operations) {
  return Reading(bindings, operations).read(expression);
}

}  // namespace charglow
