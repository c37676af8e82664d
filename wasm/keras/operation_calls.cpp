#include "keras/operation_calls.h"

#include "keras/functions/table.h"

namespace charglow {
namespace {

using nlohmann::json;

constexpr const char* kGetItem = "tf.__operators__.getitem";

/// "LogSoftmax" → "log_softmax", as keras.ops has it.
std::string functionName(const std::string& className) {
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::string name;
  for (size_t i = 0; i < className.size(); ++i) {
    if (capital(className[i]) && i > 0) name += '_';
    name += capital(className[i]) ? static_cast<char>(className[i] - 'A' + 'a') : className[i];
  }
  return name;
}

/// Operations of Keras 3 that are no layers: their configuration is their arguments and nothing else.
bool isKeras3Operation(const LayerSpec& layer, const Dialect& dialect) {
  if (dialect.major < 3 || layer.config.contains("trainable") || layer.className == "InputLayer")
    return false;
  return layer.className == "GetItem" || findFunction(kOps, functionName(layer.className)) != nullptr;
}

}  // namespace

std::optional<OperationCall> operationOf(const LayerSpec& layer, const Dialect& dialect) {
  if (!layer.config.is_object()) return std::nullopt;
  if (layer.className == "SlicingOpLambda") return OperationCall{kGetItem, json::object()};
  if (layer.className == "TFOpLambda") {
    const json function = layer.config.value("function", json());
    return OperationCall{"tf." + (function.is_string() ? function.get<std::string>() : "?"), json::object()};
  }
  if (!isKeras3Operation(layer, dialect)) return std::nullopt;
  if (layer.className == "GetItem") return OperationCall{kGetItem, json::object()};
  OperationCall operation{"keras.ops." + functionName(layer.className), layer.config};
  operation.options.erase("name");
  return operation;
}

CallTerms termsOf(const OperationCall& operation, const CallSpec& call) {
  CallTerms terms;
  for (const json& argument : call.args) terms.places.push_back(termOf(argument));
  for (const auto& [key, value] : call.kwargs.items()) terms.names.emplace_back(key, termOf(value));
  for (const auto& [key, value] : operation.options.items()) {
    if (operation.function == "keras.ops.einsum" && key == "subscripts") {
      terms.places.insert(terms.places.begin(), termOf(value));  // before the tensors
    } else {
      terms.names.emplace_back(key, termOf(value));
    }
  }
  return terms;
}

}  // namespace charglow
