#pragma once

#include "bundle/bundle.h"
#include "keras/choices.h"
#include "keras/dialect.h"
#include "keras/graph_spec.h"

namespace charglow {

/// Writes layers that hold other layers out as these, so that the graph shows their attention and their parts
/// as if the model had been built of them: the transformer blocks and position embeddings of keras.io's text
/// examples, recognised by where their weights lie and by the weights' shapes. Nothing is executed. The last
/// part has the layer's own name, those before it are "NAME/attention", "NAME/dense_1" …
///
/// What the file does not tell (an activation, an epsilon) is a choice. A layer that is none of these stays
/// as it is.
GraphSpec expandBlocks(GraphSpec spec, const Bundle& bundle, const Dialect& dialect, Choices& choices);

}  // namespace charglow
