// Layers made of layers: what they are recognised by, what is told and asked, and that nothing is guessed in
// silence.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "taken_apart.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::TakenApart;

constexpr const char* kTransformer = "keras-2.15/text_transformer";
constexpr const char* kTranslation = "keras-2.15/translation";

json assumptionsOf(const Model& model) { return json::parse(model.card())["assumptions"]; }

std::vector<std::string> idsOf(const json& assumptions) {
  std::vector<std::string> ids;
  for (const json& one : assumptions) ids.push_back(one["id"]);
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(Blocks, TellWhatIsAssumed) {
  const auto model = TakenApart(kTransformer).open();
  EXPECT_EQ(idsOf(assumptionsOf(*model)),
            (std::vector<std::string>{"block.activation", "block.causal", "block.epsilon", "block.normalise",
                                      "embedding.mask"}));
}

/// With heads, queries and steps, as that of a MultiHeadAttention which stands in the model itself.
TEST(Blocks, AttendAsMultiHeadAttentionDoes) {
  const auto model = TakenApart(kTransformer).open();
  ASSERT_EQ(model->attention().size(), 1u);
  const AttentionSite& site = model->attention()[0];
  EXPECT_EQ(site.id, "block/attention");
  EXPECT_EQ(site.axes, (std::vector<SignalAxis>{SignalAxis::None, SignalAxis::Head, SignalAxis::Query,
                                                SignalAxis::Step}));
  EXPECT_TRUE(site.steps.isTime());
}

TEST(Blocks, ADecoderAttendsToItselfAndToTheOtherText) {
  const auto model = TakenApart(kTranslation).open();
  std::vector<std::string> ids;
  for (const AttentionSite& site : model->attention()) ids.push_back(site.id);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids,
            (std::vector<std::string>{"decoder/attention_1", "decoder/attention_2", "encoder/attention"}));
}

/// The class's name is not what decides.
TEST(Blocks, AreRecognisedWhateverTheirClassIsCalled) {
  TakenApart parts(kTransformer);
  parts.layer("block")["class_name"] = "MyVeryOwn";
  EXPECT_EQ(parts.open()->attention().size(), 1u);
}

TEST(Blocks, TakeWhatTheFileStates) {
  TakenApart parts(kTransformer);
  parts.layer("block")["config"].update(
      {{"activation", "relu"}, {"layer_norm_epsilon", 1e-6}, {"normalize_first", false}});
  EXPECT_EQ(idsOf(assumptionsOf(*parts.open())),
            (std::vector<std::string>{"block.causal", "embedding.mask"}));
}

TEST(Blocks, RefuseAnOptionThatNobodyKnows) {
  TakenApart parts(kTransformer);
  parts.layer("block")["config"]["gated"] = true;
  EXPECT_NE(parts.refusal().find("(TransformerBlock), gated: expected an option this engine knows"),
            std::string::npos)
      << parts.refusal();
}

TEST(Blocks, RefuseANumberOfHeadsThatTheWeightsDoNotHave) {
  TakenApart parts(kTransformer);
  parts.layer("block")["config"]["num_heads"] = 3;
  EXPECT_NE(parts.refusal().find("num_heads: expected 2, as its weights have, found 3."), std::string::npos)
      << parts.refusal();
}

/// A call argument of the author's own may change anything.
TEST(Blocks, RefuseACallArgumentThatNobodyKnows) {
  TakenApart parts(kTransformer);
  parts.layer("block")["inbound_nodes"][0][0][3]["causal"] = true;
  EXPECT_NE(parts.refusal().find("call argument causal: expected none"), std::string::npos)
      << parts.refusal();
}

/// A weight less than such a block has: whatever it does, it is not this.
TEST(Blocks, AreNotWhatHasOtherWeights) {
  TakenApart parts(kTransformer);
  const std::string beta = "model_weights/block/block/layer_normalization_1/beta:0";
  std::erase_if(parts.bundle.tensors, [&](const auto& tensor) { return tensor.name == beta; });
  for (testing::TestLayer& layer : parts.bundle.layers) std::erase(layer.weights, beta);
  EXPECT_NE(parts.refusal().find("unsupported-layer | layer \"block\""), std::string::npos)
      << parts.refusal();
}

/// A text longer than the table of positions has no answer in Keras either.
TEST(Blocks, RefuseMoreTimestepsThanPositions) {
  TakenApart parts(kTransformer);
  parts.layer("input_1")["config"]["batch_input_shape"][1] = 10;
  EXPECT_NE(parts.refusal().find("at most 9 timesteps"), std::string::npos) << parts.refusal();
}

}  // namespace
}  // namespace charglow
