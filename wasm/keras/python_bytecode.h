#pragma once

#include <string>

#include "keras/marshal.h"
#include "keras/python_expression.h"

namespace charglow::python {

/// Reads the bytecode of a function without branches back to the expression that it returns. Nothing is
/// executed: the instructions move expressions, not values. Local variables are replaced by what was assigned
/// to them, so the tree shows a call twice where its result was used twice. Bytecode of Python 2.7 and 3.0
/// to 3.14 is read. Where the layout leaves several of them possible, the one whose instructions and cache
/// sizes fit is taken; python_opcodes.h has no two that fit the same bytes with different meanings. Throws
/// "lambda-bytecode" naming `where`, what was met (a jump, an inner function, an instruction not known …) and
/// what was read until then.
Function readFunction(const Code& code, const std::string& where);

}  // namespace charglow::python
