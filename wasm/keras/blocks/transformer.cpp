// Transformer blocks: attention and a feed-forward network of two Dense layers, each added to what it reads
// and normalised, as keras.io's text examples and KerasHub write them.

#include <algorithm>
#include <array>
#include <utility>

#include "keras/blocks/block.h"

namespace charglow {
namespace {

using nlohmann::json;

/// What a block is made of, in the order of computation.
struct Parts {
  std::vector<AttentionWeights> attentions;
  std::vector<Sublayer> dense;
  std::vector<Sublayer> norms;  ///< one after each attention, and one after the Dense layers
};

/// The number of heads of an attention made of Dense layers, whose weights do not tell.
int chooseHeads(Block& block, int features) {
  if (const std::optional<int> stated = wholeNumber(block.config.raw("num_heads"));
      stated && *stated > 0 && features % *stated == 0)
    return *stated;
  std::vector<Assumption::Option> options;
  for (int heads = 1; heads <= features && options.size() < 16; ++heads) {
    if (features % heads == 0) options.push_back({std::to_string(heads), ""});
  }
  const std::string usual = features % 8 == 0 ? "8" : options.size() > 1 ? options[1].value : "1";
  return std::stoi(block.choices.choose(block.choiceId("num_heads"),
                                        block.about() + "Its number of heads is not told by its weights.",
                                        options, usual));
}

/// Takes a block's sublayers apart; nothing where they are no such block's.
std::optional<Parts> partsOf(Block& block) {
  Parts parts;
  std::vector<Sublayer> projections;
  for (const Sublayer& sublayer : block.sublayers) {
    switch (sublayer.kind) {
      case Sublayer::Kind::Projection:
        projections.push_back(sublayer);
        break;
      case Sublayer::Kind::Dense:
        parts.dense.push_back(sublayer);
        break;
      case Sublayer::Kind::Norm:
        parts.norms.push_back(sublayer);
        break;
      case Sublayer::Kind::Embedding:
      case Sublayer::Kind::Unknown:
        return std::nullopt;
    }
  }
  const bool ofDense = projections.empty() && parts.dense.size() == 6 && parts.norms.size() == 2;
  if (ofDense) {
    const std::span<const Sublayer> four = std::span(parts.dense).first(4);
    const std::optional<int> features = featuresOfDenseAttention(four);
    if (!features) return std::nullopt;
    parts.attentions.push_back(denseAttentionOf(four, chooseHeads(block, *features)));
    parts.dense.erase(parts.dense.begin(), parts.dense.begin() + 4);
  }
  for (size_t i = 0; i + 4 <= projections.size(); i += 4) {
    std::optional<AttentionWeights> attention = attentionOf(std::span(projections).subspan(i, 4));
    if (!attention) return std::nullopt;
    parts.attentions.push_back(*std::move(attention));
  }
  const size_t count = parts.attentions.size();
  if (projections.size() % 4 != 0 || count == 0 || count > 2 || count != block.inputs() ||
      parts.dense.size() != 2 || parts.norms.size() != count + 1)
    return std::nullopt;
  // The norm of the feed-forward network is the last, unless the file calls it otherwise.
  std::stable_partition(parts.norms.begin(), parts.norms.end(), [](const Sublayer& norm) {
    return !norm.says("feedforward") && !norm.says("feed_forward") && !norm.says("ffn");
  });
  const int width = parts.attentions[0].width;
  const bool fits =
      parts.dense[0].size(0) == width && parts.dense[1].size(0) == parts.dense[0].size(1) &&
      parts.dense[1].size(1) == width &&
      std::all_of(parts.norms.begin(), parts.norms.end(),
                  [&](const Sublayer& norm) { return norm.size(0) == width; }) &&
      std::all_of(parts.attentions.begin(), parts.attentions.end(), [&](const AttentionWeights& attention) {
        return attention.width == width && attention.output == width;
      });
  return fits ? std::optional(std::move(parts)) : std::nullopt;
}

/// What of a block the weights do not tell.
struct Ways {
  json activation;  ///< of the first Dense layer
  float epsilon = 1e-3f;
  bool before = false;  ///< normalises what an attention reads, not what its sum gives
  bool keepsMask = true;
  bool causal = false;  ///< the first attention of each step sees no step behind it
};

json chooseActivation(Block& block) {
  for (const char* key : {"activation", "hidden_act", "hidden_activation"}) {
    const json& stated = block.config.raw(key);
    if (!stated.is_null()) return stated;
  }
  return block.choices.choose(
      block.choiceId("activation"),
      block.about() + "The activation of the first of its two Dense layers is not told by the file.",
      {{"relu", ""}, {"gelu", ""}, {"silu", ""}, {"tanh", ""}, {"elu", ""}, {"linear", "none"}}, "relu");
}

float chooseEpsilon(Block& block) {
  for (const char* key : {"layer_norm_epsilon", "epsilon", "layernorm_epsilon", "norm_epsilon"}) {
    if (block.config.has(key)) return block.config.number(key, 1e-3f);
  }
  const bool ofExample = block.lowerClassName() == "transformerblock";
  return std::stof(block.choices.choose(
      block.choiceId("epsilon"),
      block.about() + "The epsilon of its LayerNormalization layers is not told by the file.",
      {{"1e-3", "Keras's default"}, {"1e-6", "keras.io's TransformerBlock"}, {"1e-5", ""}, {"1e-12", ""}},
      ofExample ? "1e-6" : "1e-3"));
}

bool chooseBefore(Block& block) {
  for (const char* key : {"normalize_first", "norm_first", "pre_norm"}) {
    if (block.config.has(key)) return block.config.boolean(key, false);
  }
  return block.choices.choose(block.choiceId("normalise"),
                              block.about() + "Where it normalises is not told by the file.",
                              {{"after", "what each sum gives, as in keras.io's examples"},
                               {"before", "what the attention and the first Dense layer read"}},
                              "after") == "before";
}

bool chooseKeepsMask(Block& block) {
  if (!block.masked) return true;
  const bool dropped = block.lowerClassName() == "transformerblock";
  return block.choices.choose(block.choiceId("mask"),
                              block.about() + "Whether it hands masks on is not told by the file.",
                              {{"kept", "it hands its input's mask on"}, {"dropped", "it does not"}},
                              dropped ? "dropped" : "kept") == "kept";
}

/// keras.io's miniature GPT calls its block as its text classification does.
bool chooseCausal(Block& block, bool decodes) {
  const bool named = decodes || block.lowerClassName().find("decoder") != std::string::npos;
  return block.choices.choose(block.choiceId("causal"),
                              block.about() + "Which steps its first attention sees is not told by the file.",
                              {{"no", "all"}, {"yes", "none behind the step that attends"}},
                              named ? "yes" : "no") == "yes";
}

class Writer {
 public:
  Writer(Pieces& pieces, Parts parts, Ways ways)
      : pieces_(pieces), parts_(std::move(parts)), ways_(std::move(ways)) {}

  void write() {
    size_t x = 0;
    const bool decodes = parts_.attentions.size() == 2;
    for (size_t i = 0; i < parts_.attentions.size(); ++i) {
      const std::string name = decodes ? "attention_" + std::to_string(i + 1) : "attention";
      const size_t read = ways_.before ? normalised(name, i, x) : x;
      const size_t value = i == 0 ? read : 1;
      const size_t attended =
          pieces_.addAttention(name, parts_.attentions[i], read, value, ways_.causal && i == 0);
      x = sum(name, x, attended, false);
      if (!ways_.before) x = normalised(name, i, x);
    }
    const size_t last = parts_.attentions.size();
    const size_t read = ways_.before ? normalised("dense", last, x) : x;
    const size_t hidden = dense("dense_1", parts_.dense[0], ways_.activation, read);
    const size_t out = dense("dense_2", parts_.dense[1], "linear", hidden);
    x = sum("dense", x, out, true);
    if (!ways_.before) normalised("dense", last, x);
  }

 private:
  size_t normalised(const std::string& of, size_t which, size_t x) {
    return pieces_.add(of + "_norm", "LayerNormalization", {{"epsilon", ways_.epsilon}}, {x},
                       parts_.norms[which].weights);
  }

  size_t dense(const char* part, const Sublayer& layer, json activation, size_t x) {
    return pieces_.add(part, "Dense",
                       {{"units", layer.size(1)},
                        {"activation", std::move(activation)},
                        {"use_bias", layer.weights.size() == 2}},
                       {x}, layer.weights);
  }

  /// The last sum decides whether the block's output has the mask of its input.
  size_t sum(const std::string& of, size_t x, size_t y, bool last) {
    if (!last || ways_.keepsMask) return pieces_.add(of + "_sum", "Add", json::object(), {x, y});
    return pieces_.addOperation(of + "_sum", "Elementwise",
                                {{"function", "add"}, {"operands", {{{"tensor", 0}}, {{"tensor", 1}}}}},
                                {x, y});
  }

  Pieces& pieces_;
  Parts parts_;
  Ways ways_;
};

}  // namespace

bool expandTransformer(Block& block, Pieces& pieces) {
  std::optional<Parts> parts = partsOf(block);
  if (!parts) return false;
  const Ways ways{.activation = chooseActivation(block),
                  .epsilon = chooseEpsilon(block),
                  .before = chooseBefore(block),
                  .keepsMask = chooseKeepsMask(block),
                  .causal = chooseCausal(block, parts->attentions.size() == 2)};
  const int heads = parts->attentions[0].heads;
  if (const std::optional<int> stated = wholeNumber(block.config.raw("num_heads"));
      stated && *stated != heads)
    block.config.refuse("num_heads", std::to_string(heads) + ", as its weights have",
                        std::to_string(*stated));
  Writer(pieces, *std::move(parts), ways).write();
  // Sizes of the weights, and what matters in training only.
  for (const char* key : {"embed_dim", "ff_dim", "dense_dim", "latent_dim", "intermediate_dim", "key_dim",
                          "hidden_dim", "head_size", "rate", "dropout_rate", "dropout"}) {
    block.config.ignore(key);
  }
  return true;
}

}  // namespace charglow
