#pragma once

#include <string>

#include "keras/graph_spec.h"

namespace charglow {

/// Puts the layers of models that are layers of `spec` in their place: "encoder/gru" for the layer "gru" of
/// the model "encoder". A model called twice has its layers called twice; weights stay shared. Layers keep
/// the file's order. Throws Error naming the model whose configuration is not understood, or
/// "config-structure" where the layers or calls would be more than any model has (models within models
/// multiply).
GraphSpec inlineModels(GraphSpec spec, const std::string& where);

}  // namespace charglow
