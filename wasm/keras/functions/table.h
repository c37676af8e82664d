#pragma once

#include <string>
#include <string_view>

#include "keras/functions/arguments.h"
#include "keras/functions/operations.h"

namespace charglow {

/// Where functions are found. The code of a function says "K.sum" and not what K was: the names under which
/// people import these libraries are believed (libraryOf), others refused, since their `sum` could be
/// anything.
enum Library : unsigned {
  kBackend = 1,      ///< keras.backend
  kTensorFlow = 2,   ///< tf, tf.math, tf.nn, tf.linalg
  kOps = 4,          ///< keras.ops
  kNumpy = 8,        ///< numpy, jax.numpy
  kActivations = 16  ///< keras.activations, jax.nn
};

/// Writes what a call computes as operations. `what` is the table's word on which of its kind it is.
using FunctionHandler = Term (*)(Operations& operations, Arguments& arguments, std::string_view what);

struct KnownFunction {
  unsigned libraries;
  std::string_view name;
  std::string_view parameters;  ///< as Arguments takes them
  FunctionHandler handler;
  std::string_view what;
};

/// The function that a dotted name means, "tf.nn.softmax"; nullptr for one that is not known. Keras 3's
/// `ops` are also known as K where keras.backend lacks the name. With `bareNames`, "softmax" is looked for in
/// all libraries, keras.backend first.
const KnownFunction* findFunction(const std::string& dotted, bool bareNames);

/// The same in one library.
const KnownFunction* findFunction(unsigned library, std::string_view name);

/// Computes a known function, every argument accounted for. Throws NotUnderstood.
Term callFunction(const KnownFunction& function, Operations& operations, const CallTerms& call);

}  // namespace charglow
