#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bundle/bundle.h"
#include "keras/blocks/sublayers.h"
#include "keras/choices.h"
#include "keras/config_reader.h"
#include "keras/graph_spec.h"

namespace charglow {

/// The layers that stand for one of several parts, in the order in which they are computed. Each tensor has
/// an index: those of the block's call come first, then one for each layer.
class Pieces {
 public:
  explicit Pieces(const LayerSpec& block)
      : block_(block), inputs_(block.calls.empty() ? 0 : block.calls[0].inputs.size()) {}

  /// Adds a layer of Keras's, called with the tensors `inputs`; answers with the index of what it gives.
  /// Indices in `weights` are in the layer's order.
  size_t add(std::string part, std::string className, nlohmann::json config, std::vector<size_t> inputs,
             std::vector<TensorView> weights = {});
  /// The same of an operation, layers/operations/operations.h, which knows no masks.
  size_t addOperation(std::string part, std::string className, nlohmann::json config,
                      std::vector<size_t> inputs);
  /// The same of a MultiHeadAttention of a query to a value.
  size_t addAttention(std::string part, const AttentionWeights& attention, size_t query, size_t value,
                      bool causal = false);

  /// The layers, called as often as the block. The last has the block's own name, the others
  /// "block/part".
  [[nodiscard]] std::vector<LayerSpec> layers() const;

 private:
  struct Piece {
    std::string part;
    LayerSpec spec;
    std::vector<size_t> inputs;
    bool apart = false;  ///< its inputs are arguments of their own
    nlohmann::json kwargs = nlohmann::json::object();
  };

  size_t push(Piece piece);
  [[nodiscard]] std::string nameOf(size_t piece) const;

  const LayerSpec& block_;
  size_t inputs_;
  std::vector<Piece> pieces_;
};

/// A layer that holds others, and what is known about it.
struct Block {
  const LayerSpec& layer;
  std::vector<Sublayer> sublayers;
  ConfigReader& config;
  Choices& choices;
  bool masked;     ///< whether a mask may reach it
  bool fileMasks;  ///< whether the file states who is given which mask, as Keras 3 does

  [[nodiscard]] std::string lowerClassName() const;
  /// The id of one of its choices: "transformer_block.epsilon".
  [[nodiscard]] std::string choiceId(const char* option) const { return layer.name + "." + option; }
  /// "Layer "x" (TransformerBlock) is none of Keras's, and the file does not hold how it computes. "
  [[nodiscard]] std::string about() const;
  /// How many tensors its first call has.
  [[nodiscard]] size_t inputs() const { return layer.calls.empty() ? 0 : layer.calls[0].inputs.size(); }
};

// What blocks there are. Each adds the layers that stand for the block to `pieces` and answers whether it is
// one of these; what it cannot do it notes with the block's config.
bool expandPositionEmbedding(Block& block, Pieces& pieces);
bool expandTransformer(Block& block, Pieces& pieces);

}  // namespace charglow
