#pragma once

#include <string>

#include "keras/python_expression.h"

namespace charglow::python {

/// Reads what a person writes for a function: "lambda x: K.sum(x[0] * x[1], axis=1)", or the expression
/// alone, in which `x` is the input: "x[:, -1, :]". A call that leaves `x` out gets it as its first argument,
/// and a name alone is called: "sum(axis=1)", "tanh". Expressions only, without conditions, comprehensions
/// and inner functions. Throws Error "lambda-text" naming `where` and the place in the text.
Function parseFunction(const std::string& text, const std::string& where);

}  // namespace charglow::python
