// Embeddings of ids and of where they stand, added up, as keras.io's text examples and KerasHub write them.

#include "keras/blocks/block.h"
#include "layers/registry.h"

namespace charglow {
namespace {

/// Which of the two tables is that of the places: as the file calls it, or as the options say how long it is.
std::optional<bool> placesFirst(const Block& block) {
  const bool first = block.sublayers[0].says("pos");
  const bool second = block.sublayers[1].says("pos");
  if (first != second) return first;
  for (const char* key : {"maxlen", "max_len", "sequence_length", "max_length", "seq_len"}) {
    const auto stated = block.layer.config.find(key);
    if (stated == block.layer.config.end()) continue;
    const std::optional<int> length = wholeNumber(*stated);
    const bool ofFirst = length == block.sublayers[0].size(0);
    if (ofFirst != (length == block.sublayers[1].size(0))) return ofFirst;
  }
  return std::nullopt;
}

bool choosePlacesFirst(Block& block) {
  if (const std::optional<bool> known = placesFirst(block)) return *known;
  const std::string value = block.choices.choose(
      block.choiceId("positions"),
      block.about() + "Which of its two embeddings is that of the positions is not told by the file.",
      {{"second", "the second, " + block.sublayers[1].weights[0].shapeText()},
       {"first", "the first, " + block.sublayers[0].weights[0].shapeText()}},
      "second");
  return value == "first";
}

/// Whether ids of 0 are masked. Keras 3 writes masks into the file of a functional model: where there is
/// none, the layer makes none.
bool chooseMask(Block& block) {
  const nlohmann::json& stated = block.config.raw("mask_zero");
  if (stated.is_boolean()) return stated.get<bool>();
  const bool byName = block.lowerClassName() == "positionalembedding";
  const bool keras3 = block.config.dialect().major >= 3;
  const bool usual = keras3 ? block.fileMasks : byName;
  return block.choices.choose(
             block.choiceId("mask"), block.about() + "Whether it has a compute_mask is not told by the file.",
             {{"none", "no mask"}, {"zero", "ids of 0 are masked"}}, usual ? "zero" : "none") == "zero";
}

}  // namespace

bool expandPositionEmbedding(Block& block, Pieces& pieces) {
  const std::vector<Sublayer>& parts = block.sublayers;
  const bool fits = block.inputs() == 1 && parts.size() == 2 && parts[0].kind == Sublayer::Kind::Embedding &&
                    parts[1].kind == Sublayer::Kind::Embedding && parts[0].size(1) == parts[1].size(1);
  const bool named = block.lowerClassName().find("pos") != std::string::npos ||
                     (fits && (parts[0].says("pos") || parts[1].says("pos")));
  if (!fits || !named) return false;
  const bool first = choosePlacesFirst(block);
  const Sublayer& places = parts[first ? 0 : 1];
  const Sublayer& ids = parts[first ? 1 : 0];
  const bool masks = chooseMask(block);
  const size_t tokens = pieces.add(
      "tokens", "Embedding", {{"input_dim", ids.size(0)}, {"output_dim", ids.size(1)}, {"mask_zero", masks}},
      {0}, ids.weights);
  const size_t positions =
      pieces.add("positions", kPositions, {{"sequence_length", places.size(0)}}, {tokens}, places.weights);
  if (masks) {
    pieces.add("sum", "Add", nlohmann::json::object(), {tokens, positions});
  } else {
    pieces.addOperation("sum", "Elementwise",
                        {{"function", "add"}, {"operands", {{{"tensor", 0}}, {{"tensor", 1}}}}},
                        {tokens, positions});
  }
  for (const char* key :
       {"tie_weights", "vocab_size", "vocabulary_size", "embed_dim", "embedding_dim", "maxlen", "max_len",
        "sequence_length", "max_length", "seq_len", "input_dim", "output_dim", "rate", "dropout"}) {
    block.config.ignore(key);  // sizes of the weights, and what matters in training
  }
  return true;
}

}  // namespace charglow
