#pragma once

#include <string>

#include "keras/marshal.h"
#include "keras/python_expression.h"
#include "keras/python_opcodes.h"

namespace charglow::python {

/// Thrown where the bytecode cannot be read back; `offset`, the number of bytes that were understood, tells
/// which of several instruction sets got furthest.
struct Refusal {
  size_t offset;
  std::string what;
  std::string readSoFar;
};

/// Whether `text` can be a name in a Python program, by its characters.
bool isName(const std::string& text);

/// Moves expressions through the instructions instead of values, under the assumption of one instruction set,
/// and gives the expression that the function returns. Throws Refusal.
ExpressionPtr interpret(const Code& code, Bytecode bytecode);

}  // namespace charglow::python
