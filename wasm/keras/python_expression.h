#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "keras/marshal.h"

namespace charglow::python {

struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

/// The operators of Python that take values, not the ones that choose between them (and, or, is, in).
enum class Operator {
  Add,
  Subtract,
  Multiply,
  MatMultiply,
  TrueDivide,
  ClassicDivide,
  FloorDivide,
  Modulo,
  Power,
  LeftShift,
  RightShift,
  And,
  Or,
  Xor,
  Less,
  LessEqual,
  Equal,
  NotEqual,
  Greater,
  GreaterEqual,
  Positive,
  Negative,
  Invert,
  Not
};

/// What a piece of a Python function computes, as a tree. Immutable; subtrees may be shared.
struct Expression {
  enum class Kind {
    Argument,   ///< index, name
    Free,       ///< index, name: a variable of the enclosing function, kept in the function's closure
    Global,     ///< name: a module or function outside of the function, whatever it was
    Constant,   ///< value
    Attribute,  ///< operands[0].name
    Call,       ///< operands[0](operands[1…]); the last `keywords.size()` operands are keyword arguments
    Tuple,      ///< operands
    List,       ///< operands
    Subscript,  ///< operands[0][operands[1]]
    Slice,  ///< operands: start, stop and perhaps step, as in x[start:stop:step]; a bound left out is None
    Unary,  ///< sign, operands[0]
    Binary  ///< operands[0] sign operands[1]. ClassicDivide is Python 2's "/", whole between whole numbers
  };
  Kind kind = Kind::Constant;
  std::string name;
  int index = 0;
  Operator sign = Operator::Add;
  ValuePtr value;
  std::vector<ExpressionPtr> operands;
  std::vector<std::string> keywords;
  size_t size = 1;   ///< nodes of the tree
  size_t depth = 1;  ///< nodes on its longest way down
};

/// Nodes of an expression, and nodes on its longest way down: x = x + x, again and again, doubles it each
/// time.
inline constexpr size_t kMaxExpressionSize = 2000;
inline constexpr size_t kMaxExpressionDepth = 100;

/// Why an expression cannot be made, or the next instruction not be read.
struct Fault {
  std::string what;
};

/// Expressions from their parts, size and depth worked out. Throw Fault where they get too large.
ExpressionPtr constant(ValuePtr value);
ExpressionPtr none();
ExpressionPtr whole(int64_t number);
ExpressionPtr variable(Expression::Kind kind, const std::string& name, size_t index);  ///< Argument, Free
ExpressionPtr named(Expression::Kind kind, const std::string& name,
                    std::vector<ExpressionPtr> operands = {});  ///< Global, Attribute
ExpressionPtr built(Expression::Kind kind, std::vector<ExpressionPtr> operands,
                    Operator sign = Operator::Add);
/// callee(arguments…); the last of them belong to `keywords`.
ExpressionPtr call(ExpressionPtr callee, std::vector<ExpressionPtr> arguments,
                   std::vector<std::string> keywords);

/// A Python function read back from its code object, or from its source.
struct Function {
  std::string name;                    ///< "<lambda>" or the name of the def
  std::vector<std::string> arguments;  ///< positional ones
  std::vector<std::string> free;       ///< variables of an enclosing function
  ExpressionPtr result;
};

/// Python source that computes the same: "K.sum(x, axis=1)".
std::string toSource(const Expression& expression);
/// "lambda x: K.sum(x, axis=1)", or "def name(x): return K.sum(x, axis=1)".
std::string toSource(const Function& function);
/// What stands before the result: "lambda x: " or "def name(x): return ".
std::string signature(const Function& function);
/// `text` for a message: its first 300 bytes or so, and "…" where that is not all. Cuts between UTF-8
/// characters.
std::string shortened(std::string text);

}  // namespace charglow::python
