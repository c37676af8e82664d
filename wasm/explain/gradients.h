#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "explain/attention.h"
#include "graph.h"

namespace charglow {

/// An element of what a model puts out: what gradients are taken of.
struct OutputElement {
  size_t output = 0;       ///< which of the model's outputs
  std::vector<int> index;  ///< its place there, without the batch axis; empty: the largest element

  bool operator==(const OutputElement&) const = default;
};

/// What an output reacts to, a number for each timestep: d(an element of the output)/d(embedded input)
/// brought down to one for each vector. Its values are no node's; they are computed on request
/// (Session::backward).
struct GradientSite : AttentionSite {
  enum class Measure {
    TimesInput,  ///< Σ_f gradient_f · input_f: to first order, what the output would lose without the vector
    Norm,        ///< the gradient's Euclidean norm: how much the output can change
  };
  Measure measure = Measure::TimesInput;

  /// (batch, steps), as far as known at load.
  [[nodiscard]] Shape shape(const Graph& graph) const;
  /// `vectors`: what the site's node computed, (batch, steps, features); `gradient`: of the same shape, or
  /// empty where the output does not depend on it.
  [[nodiscard]] Value measured(const Value& vectors, std::span<const float> gradient) const;
};

/// Two for every place where a text has become vectors, "LAYER/gradient_x_input" and "LAYER/gradient_norm":
/// the embedding that reads an input's ids, or the input itself where it is fed numbers.
std::vector<GradientSite> findGradients(const Graph& graph);

}  // namespace charglow
