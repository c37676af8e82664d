#pragma once

#include <nlohmann/json.hpp>

namespace charglow {

/// Whether a model's architecture is in the words of Keras 1. Its weights-only files do not say which Keras
/// wrote them, so its options must.
bool speaksKeras1(const nlohmann::json& modelConfig);

/// Whether Theano and TensorFlow compute different numbers from the same file of Keras 1: convolutions, whose
/// kernels Theano turns round, and pooling with padding.
bool dependsOnBackend(const nlohmann::json& modelConfig);

/// An architecture of Keras 1 in the words of Keras 2: options and classes are renamed (output_dim → units,
/// Merge → Add …), and a Sequential that starts with a Merge of branches becomes a functional model. What it
/// does not know stays as it is, for the layers to refuse. Weights are as they were (layers/recurrent/cell.h,
/// takeGates).
nlohmann::json inKeras2(const nlohmann::json& modelConfig);

}  // namespace charglow
