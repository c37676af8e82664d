#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tensor.h"

namespace charglow {

/// A product of two tensors that is summed over axes they share, in Einstein's notation: each axis has a
/// label, and axes of one label are the same. A label of both inputs that the output lacks is summed over;
/// one that all three have is a batch of such products; the others come from one input. No label stands twice
/// in one tensor, and every label of one input alone is in the output.
///
///     out[b, i, j] = Σ_k first[b, i, k] · second[b, j, k]        {b, i, k}, {b, j, k} → {b, i, j}
struct Contraction {
  std::vector<int> first;
  std::vector<int> second;
  std::vector<int> output;
  bool normalise = false;  ///< each input is divided by its Euclidean norm along what is summed over
};

/// What K.batch_dot and Dot compute: one axis of each is summed over; what is left of the first comes before
/// what is left of the second.
Contraction batchDot(size_t firstRank, size_t firstAxis, size_t secondRank, size_t secondAxis);

/// The output's shape; axes of length 1 are repeated where the other input's axis is longer, but for those
/// that are summed over. Nothing where lengths differ.
std::optional<Shape> contractedShape(const Contraction& contraction, const Shape& first, const Shape& second);

/// The labels that are summed over.
std::vector<int> summedLabels(const Contraction& contraction);

/// Computes it. `output` has the shape that contractedShape gives; `room` is working memory of
/// contractionRoom(…) floats.
void contract(const Contraction& contraction, const View& first, const View& second, const Output& output,
              float* room);
size_t contractionRoom(const Contraction& contraction, const Shape& first, const Shape& second);

/// The way back of `contract`: adds to the gradients of both inputs, each empty where nobody asks for it,
/// what `gradient`, that of the output of shape `output`, comes to there. `room` is working memory of twice
/// contractionRoom(…) floats.
void contractBackward(const Contraction& contraction, const View& first, const View& second,
                      const Shape& output, std::span<const float> gradient, std::span<float> firstGradient,
                      std::span<float> secondGradient, float* room);

}  // namespace charglow
