#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.h"

namespace charglow {

/// A layer within a layer, as far as the file shows it: weights that lie side by side.
struct Sublayer {
  enum class Kind {
    Embedding,   ///< (rows, features)
    Dense,       ///< (in, out), (out,)
    Norm,        ///< (features,), (features,)
    Projection,  ///< of a multi-head attention: (features, heads, size), (heads, size), or back
    Unknown,
  };

  std::string path;  ///< where the file holds them
  std::vector<TensorView> weights;
  Kind kind = Kind::Unknown;

  /// Whether its path, from where the layer around it ends, says `word` in any case.
  [[nodiscard]] bool says(std::string_view word) const;
  /// Axis `axis` of its first weight.
  [[nodiscard]] int size(size_t axis) const;

  size_t from = 0;  ///< where its own part of the path begins
};

/// Splits a layer's weights by where the file holds them: legacy names say `block/sublayer/kernel:0`, a tree
/// `block/sublayer/vars/0`. The order is the file's.
std::vector<Sublayer> sublayersOf(std::span<const TensorView* const> weights);

/// The weights of a multi-head attention: four projections, of query, key, value and output, or, as before
/// TensorFlow 2.4, four Dense layers, which hold the same numbers side by side.
struct AttentionWeights {
  int heads = 0;
  int keyDim = 0;
  int valueDim = 0;
  int width = 0;  ///< features in
  int output = 0;
  bool bias = false;
  std::vector<TensorView> weights;  ///< in Keras's order, and with the shapes of its projections
};

/// Of four Projections in order; nothing where they do not fit each other.
std::optional<AttentionWeights> attentionOf(std::span<const Sublayer> four);

/// The features of four Dense layers (features, features); nothing where they are not such.
std::optional<int> featuresOfDenseAttention(std::span<const Sublayer> four);
/// Of these, in `heads` equal parts.
AttentionWeights denseAttentionOf(std::span<const Sublayer> four, int heads);

}  // namespace charglow
