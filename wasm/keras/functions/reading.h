#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keras/functions/arguments.h"
#include "keras/functions/operations.h"
#include "keras/python_expression.h"

namespace charglow {

/// What the names of a function stand for.
struct Bindings {
  std::vector<Term> arguments;  ///< by place; Missing where nobody gives a value
  std::vector<Term> free;       ///< variables of the enclosing function, by place
  bool bareNames = false;       ///< "softmax" is a function, as people write it, and not only "K.softmax"
};

/// Reads what a function computes as operations: `expression` with its names bound. Throws NotUnderstood.
Term readExpression(const python::Expression& expression, const Bindings& bindings, Operations& operations);

}  // namespace charglow
