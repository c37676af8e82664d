#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keras/marshal.h"

namespace charglow::python {

struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

/// The operators of Python, in the order of `operatorSign`.
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
  Positive,
  Negative,
  Invert,
  Not
};

/// What a piece of a Python function computes, as a tree. Immutable; subtrees may be shared.
struct Expression {
  enum class Kind {
    Argument,   ///< index, name
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

/// A Python function read back from its code object.
struct Function {
  std::string name;                    ///< "<lambda>" or the name of the def
  std::vector<std::string> arguments;  ///< positional ones
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
