#pragma once

#include "keras/choices.h"
#include "keras/dialect.h"
#include "keras/graph_spec.h"

namespace charglow {

/// Writes functions out as the operations they are made of, so that the graph shows a softmax, a product or a
/// reduction as if layers had been used: Lambda layers, tf.keras's operation layers of TF 2.4 on (TFOpLambda
/// and SlicingOpLambda) and Keras 3's Operation nodes. The operation that gives the result has the layer's
/// own name, those before it are "NAME/1", "NAME/2" …
///
/// What any layer computes can also be given as a choice, "lambda:NAME" (keras/python_text.h); that goes
/// before what the file says. A layer that is not understood keeps its place, with its problems: the codes of
/// keras/lambda.h, "lambda-function" (a readable function that cannot be computed), "operation-function" (an
/// operation that is not known), "lambda-text" (a choice that is not understood). All of them name the choice
/// that would settle them.
GraphSpec expandOperations(GraphSpec spec, const Dialect& dialect, Choices& choices);

}  // namespace charglow
