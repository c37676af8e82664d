#include "keras/python_expression.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace charglow::python {

namespace {

/// How tightly an expression holds together, in the order of Python's grammar. What is looser than its place
/// needs parentheses.
enum Tightness {
  kLoosest,
  kNot,
  kComparison,
  kOr,
  kXor,
  kAnd,
  kShift,
  kSum,
  kProduct,
  kSign,
  kPower,
  kPrimary
};

struct OperatorText {
  const char* sign;
  Tightness tightness;
};

/// In the order of Operator.
constexpr std::array<OperatorText, 24> kOperators = {
    {{"+", kSum},         {"-", kSum},         {"*", kProduct},     {"@", kProduct},    {"/", kProduct},
     {"/", kProduct},     {"//", kProduct},    {"%", kProduct},     {"**", kPower},     {"<<", kShift},
     {">>", kShift},      {"&", kAnd},         {"|", kOr},          {"^", kXor},        {"<", kComparison},
     {"<=", kComparison}, {"==", kComparison}, {"!=", kComparison}, {">", kComparison}, {">=", kComparison},
     {"+", kSign},        {"-", kSign},        {"~", kSign},        {"not ", kNot}}};

const OperatorText& textOf(Operator sign) { return kOperators[static_cast<size_t>(sign)]; }

bool isNone(const Expression& expression) {
  return expression.kind == Expression::Kind::Constant && expression.value->kind == Value::Kind::None;
}

Tightness tightness(const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::Unary:
    case Expression::Kind::Binary:
      return textOf(expression.sign).tightness;
    case Expression::Kind::Constant: {
      const Value& value = *expression.value;
      const bool negative = (value.kind == Value::Kind::Int && value.integer < 0) ||
                            (value.kind == Value::Kind::Float && value.real < 0);
      return negative ? kSign : kPrimary;
    }
    default:
      return kPrimary;
  }
}

std::string write(const Expression& expression, Tightness place);

std::string writeAll(const std::vector<ExpressionPtr>& items) {
  std::string text;
  for (const ExpressionPtr& item : items) text += (text.empty() ? "" : ", ") + write(*item, kLoosest);
  return text;
}

std::string writeCall(const Expression& call) {
  std::string text;
  const size_t firstKeyword = call.operands.size() - call.keywords.size();
  for (size_t i = 1; i < call.operands.size(); ++i) {
    if (i > 1) text += ", ";
    if (i >= firstKeyword) text += call.keywords[i - firstKeyword] + "=";
    text += write(*call.operands[i], kLoosest);
  }
  return write(*call.operands[0], kPrimary) + "(" + text + ")";
}

std::string writeSlice(const Expression& slice) {
  std::string text;
  for (size_t i = 0; i < slice.operands.size(); ++i) {
    if (i > 0) text += ":";
    if (!isNone(*slice.operands[i])) text += write(*slice.operands[i], kLoosest);
  }
  return text;
}

/// Between the brackets of a subscript a tuple needs no parentheses, and a slice is written with colons.
std::string writeIndex(const Expression& index) {
  if (index.kind == Expression::Kind::Slice) return writeSlice(index);
  if (index.kind == Expression::Kind::Tuple && index.operands.size() > 1) {
    std::string text;
    for (const ExpressionPtr& item : index.operands) {
      text += (text.empty() ? "" : ", ") +
              (item->kind == Expression::Kind::Slice ? writeSlice(*item) : write(*item, kLoosest));
    }
    return text;
  }
  const std::string text = write(index, kLoosest);
  const bool constantTuple = index.kind == Expression::Kind::Constant &&
                             index.value->kind == Value::Kind::Tuple && index.value->items.size() > 1;
  return constantTuple ? text.substr(1, text.size() - 2) : text;
}

std::string writeBinary(const Expression& binary) {
  const OperatorText& sign = textOf(binary.sign);
  // ** is the only one that groups from the right, and -x may follow it. A comparison of a comparison would
  // mean something else without parentheses: 1 < x < 2.
  const bool power = binary.sign == Operator::Power;
  const auto tighter = static_cast<Tightness>(sign.tightness + 1);
  const bool left = !power && sign.tightness != kComparison;
  return write(*binary.operands[0], left ? sign.tightness : tighter) + " " + sign.sign + " " +
         write(*binary.operands[1], power ? kSign : tighter);
}

std::string writeBare(const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::Argument:
    case Expression::Kind::Free:
    case Expression::Kind::Global:
      return expression.name;
    case Expression::Kind::Constant:
      return expression.value->repr();
    case Expression::Kind::Attribute: {
      const Expression& owner = *expression.operands[0];
      const bool number = owner.kind == Expression::Kind::Constant;  // 1.real would be a float
      const std::string text = write(owner, kPrimary);
      return (number ? "(" + text + ")" : text) + "." + expression.name;
    }
    case Expression::Kind::Call:
      return writeCall(expression);
    case Expression::Kind::Tuple:
      return "(" + writeAll(expression.operands) + (expression.operands.size() == 1 ? ",)" : ")");
    case Expression::Kind::List:
      return "[" + writeAll(expression.operands) + "]";
    case Expression::Kind::Subscript:
      return write(*expression.operands[0], kPrimary) + "[" + writeIndex(*expression.operands[1]) + "]";
    case Expression::Kind::Slice:
      return "slice(" + writeAll(expression.operands) + ")";
    case Expression::Kind::Unary:
      return textOf(expression.sign).sign + write(*expression.operands[0], textOf(expression.sign).tightness);
    case Expression::Kind::Binary:
      return writeBinary(expression);
  }
  return {};
}

std::string write(const Expression& expression, Tightness place) {
  const std::string text = writeBare(expression);
  return tightness(expression) < place ? "(" + text + ")" : text;
}

ExpressionPtr finished(Expression expression) {
  for (const ExpressionPtr& operand : expression.operands) {
    expression.size += operand->size;
    expression.depth = std::max(expression.depth, operand->depth + 1);
  }
  if (expression.value != nullptr) expression.size += expression.value->weight;
  if (expression.size > kMaxExpressionSize || expression.depth > kMaxExpressionDepth) {
    throw Fault{"an expression too large to be a layer"};
  }
  return std::make_shared<const Expression>(std::move(expression));
}

}  // namespace

ExpressionPtr constant(ValuePtr value) {
  Expression expression;
  expression.value = std::move(value);
  return finished(std::move(expression));
}

ExpressionPtr none() { return constant(std::make_shared<const Value>()); }

ExpressionPtr whole(int64_t number) {
  Value value;
  value.kind = Value::Kind::Int;
  value.integer = number;
  return constant(std::make_shared<const Value>(std::move(value)));
}

ExpressionPtr variable(Expression::Kind kind, const std::string& name, size_t index) {
  Expression expression;
  expression.kind = kind;
  expression.name = name;
  expression.index = static_cast<int>(index);
  return finished(std::move(expression));
}

ExpressionPtr named(Expression::Kind kind, const std::string& name, std::vector<ExpressionPtr> operands) {
  Expression expression;
  expression.kind = kind;
  expression.name = name;
  expression.operands = std::move(operands);
  return finished(std::move(expression));
}

ExpressionPtr built(Expression::Kind kind, std::vector<ExpressionPtr> operands, Operator sign) {
  Expression expression;
  expression.kind = kind;
  expression.operands = std::move(operands);
  expression.sign = sign;
  return finished(std::move(expression));
}

ExpressionPtr call(ExpressionPtr callee, std::vector<ExpressionPtr> arguments,
                   std::vector<std::string> keywords) {
  if (keywords.size() > arguments.size()) throw Fault{"more keywords than arguments"};
  Expression expression;
  expression.kind = Expression::Kind::Call;
  expression.operands.push_back(std::move(callee));
  expression.operands.insert(expression.operands.end(), arguments.begin(), arguments.end());
  expression.keywords = std::move(keywords);
  return finished(std::move(expression));
}

std::string toSource(const Expression& expression) { return write(expression, kLoosest); }

std::string signature(const Function& function) {
  std::string arguments;
  for (const std::string& argument : function.arguments)
    arguments += (arguments.empty() ? "" : ", ") + argument;
  if (function.name == "<lambda>") return "lambda" + (arguments.empty() ? "" : " " + arguments) + ": ";
  return "def " + function.name + "(" + arguments + "): return ";
}

std::string toSource(const Function& function) { return signature(function) + toSource(*function.result); }

std::string shortened(std::string text) {
  constexpr size_t kLongest = 300;
  if (text.size() <= kLongest) return text;
  size_t end = kLongest;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

}  // namespace charglow::python
