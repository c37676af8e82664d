#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.h"
#include "keras/dialect.h"

namespace charglow {

/// What a weights-only file shows of a layer.
struct SeenLayer {
  std::string name;   ///< what Keras calls it
  std::string group;  ///< what the file calls it: the name, or in a tree the class with a number, "dense_1"
  std::string stem;   ///< the group in small letters, without "_" and the number: "repeatvector"
  std::vector<const TensorView*> tensors;
  bool keras1 = false;  ///< the weights have Keras 1's names

  /// What Keras calls a weight, as far as the file says so: "kernel" of "gru/gru_cell/kernel:0". Keras 1's W,
  /// U and b are called as in Keras 2, but for those of a single gate, "U_z" of "gru_1_U_z".
  [[nodiscard]] std::string_view role(size_t tensor) const;
  [[nodiscard]] const std::vector<int64_t>& shape(size_t tensor) const { return tensors[tensor]->shape; }
  /// Whether a word is part of what it is called, in small letters and without "_".
  [[nodiscard]] bool has(std::string_view word) const;
  /// "attention_weighted_average_1" → "AttentionWeightedAverage", the class that Keras named the group by.
  [[nodiscard]] std::string groupClass() const;
  /// The number at the end of the group, 0 where there is none.
  [[nodiscard]] size_t groupNumber() const;
  /// `att_weight (5, 1), att_bias (7, 1)`
  [[nodiscard]] std::string weightsText() const;
};

/// The layers of a weights-only file, those without weights included, in the order of the file. A tree of
/// Keras 3 says no order but that among layers of a class. Throws Error "no-architecture" where a tree has
/// models within the model.
std::vector<SeenLayer> seenLayers(const Bundle& bundle, const Dialect& dialect);

/// Whether the weights of a file without architecture are named as Keras 1 named them: "dense_1_W", and not
/// "dense_1/kernel:0".
bool namesWeightsAsKeras1(const Bundle& bundle);

}  // namespace charglow
