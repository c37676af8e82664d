#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "keras/python_expression.h"

namespace charglow {

/// The function of a Lambda layer, as the file holds it.
struct LambdaFunction {
  python::Function function;
  nlohmann::json defaults;  ///< values of the last arguments, a list or null
  nlohmann::json closure;   ///< values of the variables of an enclosing function, a list or null
};

/// Reads the function of a Lambda layer from its `config` without executing anything: the marshalled code
/// object is parsed and its straight-line bytecode (Python 2.7, 3.0 to 3.14) is read back to an expression.
/// Encodings of config.function: raw marshal string (Keras <= 2.1.1), base64 (2.1.2 on),
/// {"class_name": "__lambda__"} (2.13 on), and the name of one of Keras's own functions (3).
///
/// Throws Error naming `layer`, and quoting the function as far as it could be read: "lambda-config" (no
/// function as Keras writes it), "lambda-name" (a function saved by name, without code), "lambda-marshal"
/// (damaged code), "lambda-bytecode" (branches, loops, inner functions …).
LambdaFunction readLambda(const nlohmann::json& config, const std::string& layer);

}  // namespace charglow
