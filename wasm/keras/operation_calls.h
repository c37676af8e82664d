#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "keras/dialect.h"
#include "keras/functions/arguments.h"
#include "keras/graph_spec.h"

namespace charglow {

/// A function that a layer of the file stands for, and the options that go with every call of it.
struct OperationCall {
  std::string function;    ///< "tf.math.reduce_sum", "keras.ops.sum"; x[index] is "tf.__operators__.getitem"
  nlohmann::json options;  ///< by name
};

/// The function that an operation layer of tf.keras (TFOpLambda, SlicingOpLambda) or an Operation node of
/// Keras 3 stands for; nothing where the layer is none.
std::optional<OperationCall> operationOf(const LayerSpec& layer, const Dialect& dialect);

/// What it is called with. Throws NotUnderstood for arguments that have no meaning here.
CallTerms termsOf(const OperationCall& operation, const CallSpec& call);

}  // namespace charglow
