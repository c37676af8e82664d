#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "kernels/reduce.h"

namespace charglow {

/// A reduction that a Lambda layer computes: K.sum(x, axis=1), tf.reduce_mean(x, -2, keepdims=True) …
struct Reduction {
  using Kind = ReduceKind;
  Kind kind = Kind::Sum;
  std::vector<int> axes;  ///< as written, batch axis included, negative from the end; never empty
  bool keepDims = false;
};

/// What a Lambda layer was recognised as.
struct LambdaReading {
  Reduction reduction;
  std::string source;  ///< the function written out again, for people: "lambda xin: K.sum(xin, axis=1)"
};

/// Recognises the function of a Lambda layer from its `config` without executing anything: the marshalled
/// code object is parsed, its straight-line bytecode (Python 2.7, 3.6 to 3.13) is read back to an expression,
/// and the expression is matched against known shapes. Encodings of config.function: raw marshal string
/// (Keras <= 2.1.1), base64 (2.1.2 on), {"class_name": "__lambda__"} (Keras 3).
///
/// The code says "K.sum" but not what K was: the usual import names of Keras's backend and ops, TensorFlow
/// and numpy are believed (lambda.cpp lists them), others are refused. Only the first argument may be used,
/// so default values and the layer's `arguments`, which belong to the others, cannot change the result.
///
/// Throws Error naming `layer`, and quoting the function as far as it could be read: "lambda-config" (no
/// function as Keras writes it), "lambda-name" (a function saved by name, without code), "lambda-marshal"
/// (damaged code), "lambda-python" (bytecode of Python 3.0 to 3.5), "lambda-bytecode" (branches, loops,
/// closures …), "lambda-function" (readable, but no reduction), "lambda-arguments" (the same, and it has
/// `arguments`).
LambdaReading readLambda(const nlohmann::json& config, const std::string& layer);

}  // namespace charglow
