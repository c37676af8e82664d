#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "graph.h"
#include "tensor.h"

namespace charglow {

/// A place in a model where timesteps are weighed: a softmax whose values multiply a tensor along its
/// timesteps, or a layer that attends inside.
struct AttentionSite {
  std::string id;   ///< unique within the model, stable: the layer's name, "#1" at its second call
  size_t node = 0;  ///< the softmax, or the layer's tensor of attention weights
  std::vector<SignalAxis> axes;  ///< of that node's tensor, batch axis included; one is Step
  bool degenerate = false;       ///< a softmax over an axis of length 1: 1 everywhere
  Dim steps;                     ///< the timesteps that are weighed
  std::optional<Dim> queries;    ///< what the axis Query runs along
  std::string why;               ///< in a sentence: what it multiplies and where that is summed
};

/// Finds the attention of a model by graph and shapes, never by names.
///
/// From every product (Multiply) or contraction (Dot) of a tensor with timesteps, each other factor is
/// followed back through layers that only move values (Flatten, RepeatVector, Permute, Dropout …) along the
/// axis that meets the timesteps. Where that ends in a softmax over that very axis, it is attention: whether
/// the vector is repeated for each feature, one vector per feature (attention_3d_block), or summed by a
/// Lambda, a pooling or a Dot. A softmax over an axis of length 1 on that way is reported as degenerate.
/// Layers that attend inside tell of it themselves (Layer::attention).
std::vector<AttentionSite> findAttention(const Graph& graph);

/// Within a TimeDistributed every row of the batch is a timestep (a sentence), and attends by itself: the
/// axis of the rows is Query, or Feature where there are queries already.
void nameRows(const Shape& shape, std::vector<SignalAxis>& axes);

/// Values of a Signal: its axes without those of length 1 that say nothing, in the order of SignalAxis.
struct SignalValues {
  std::vector<SignalAxis> axes;
  std::vector<int> shape;
  std::vector<float> values;
};

/// "head", "feature", "unit", "query" or "step".
const char* axisName(SignalAxis axis);

/// The axes of a signal and their sizes (kUnknown where any length goes), from the shape of its node.
SignalValues signalShape(const AttentionSite& site, const Shape& shape);

/// The attention of one text, batch 1: steps, and queries that are timesteps, in the text's order. `weights`
/// is the output of the site's node.
SignalValues readAttention(const AttentionSite& site, const Value& weights);

}  // namespace charglow
