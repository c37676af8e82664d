#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace charglow {

/// A reduction that a Lambda layer computes: K.sum(x, axis=1), tf.reduce_mean(x, -2, keepdims=True) …
struct Reduction {
  enum class Kind { Sum, Mean, Max, Min, Prod };
  Kind kind = Kind::Sum;
  std::vector<int> axes;  ///< as written, batch axis included, negative from the end; never empty
  bool keepDims = false;
};

/// What a Lambda layer was recognised as.
struct LambdaReading {
  Reduction reduction;
  std::string source;  ///< the function written out again, for people: "lambda xin: K.sum(xin, axis=1)"
};

/// Recognises the function of a Lambda layer from its `config` without executing anything: the marshalled code object
/// is parsed (Python 2.7, 3.0 to 3.13 layouts), its straight-line bytecode is read back to an expression, and the
/// expression is matched against known shapes. Three encodings: raw marshal string (Keras <= 2.1.1), base64 (2.1.2+),
/// {"class_name": "__lambda__"} (Keras 3). Throws Error ("lambda-…" codes) naming `layer`, and quoting the function as
/// far as it could be read, where it is anything else.
LambdaReading readLambda(const nlohmann::json& config, const std::string& layer);

}  // namespace charglow
