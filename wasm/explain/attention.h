#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "graph.h"
#include "tensor.h"

namespace charglow {

/// A place in a model where timesteps are weighed: a softmax whose values multiply a tensor along its
/// timesteps.
struct AttentionSite {
  std::string id;           ///< unique within the model, stable: the softmax layer's name
  size_t node = 0;          ///< the softmax
  size_t softmaxAxis = 0;   ///< axis of its output over which it is normalised: the timesteps
  bool reversed = false;    ///< its timesteps run last first (after a go_backwards layer)
  bool degenerate = false;  ///< a softmax over an axis of length 1: 1 everywhere
  size_t weighed = 0;       ///< node of what it weighs
  size_t weighedAxis = 0;   ///< the timesteps there
  std::string why;          ///< in a sentence: what it multiplies and where that is summed
};

/// Finds the attention of a model by graph and shapes, never by names.
///
/// From every product (Multiply) or contraction (Dot) of a tensor with timesteps, each other factor is
/// followed back through layers that only move values (Flatten, RepeatVector, Permute, Dropout …) along the
/// axis that meets the timesteps. Where that ends in a softmax over that very axis, it is attention: whether
/// the vector is repeated for each feature, one vector per feature (attention_3d_block), or summed by a
/// Lambda, a pooling or a Dot. A softmax over an axis of length 1 on that way is reported as degenerate.
std::vector<AttentionSite> findAttention(const Graph& graph);

/// The attention of one text: `timesteps` values in the text's order. Attention per feature is averaged over
/// features. `softmax` is the output of the site's node, batch 1; `values` has as many elements as its
/// softmax axis.
void readAttention(const AttentionSite& site, const Value& softmax, std::span<float> values);

}  // namespace charglow
