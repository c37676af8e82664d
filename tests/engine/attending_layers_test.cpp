// Layers that attend inside: what they tell of their attention, how custom ones are recognised, and what is
// refused. Their numbers are compared with Keras's in parity_test.cpp.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "explain/attention.h"
#include "fixtures.h"
#include "session.h"
#include "taken_apart.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::openFixture;
using testing::TakenApart;

using Axes = std::vector<SignalAxis>;
const Axes kSteps = {SignalAxis::Step};
const Axes kMatrix = {SignalAxis::Query, SignalAxis::Step};
const Axes kHeads = {SignalAxis::Head, SignalAxis::Query, SignalAxis::Step};

struct Expected {
  const char* fixture;
  std::vector<std::string> sites;
  Axes axes;
  bool queriesAreTimesteps;
  const char* why;  ///< part of the sentence
};

class AttendingLayers : public ::testing::TestWithParam<Expected> {};

TEST_P(AttendingLayers, TellOfTheirAttention) {
  const auto model = openFixture(GetParam().fixture);
  std::vector<std::string> ids;
  for (const AttentionSite& site : model->attention()) {
    ids.push_back(site.id);
    EXPECT_EQ(signalShape(site, model->graph().nodes[site.node].shape).axes, GetParam().axes);
    EXPECT_FALSE(site.degenerate);
    EXPECT_TRUE(site.steps.isTime()) << "or it could not be shown over the text";
    EXPECT_EQ(site.queries && site.queries->isTime(), GetParam().queriesAreTimesteps);
    EXPECT_NE(site.why.find(GetParam().why), std::string::npos) << site.why;
  }
  EXPECT_EQ(ids, GetParam().sites);
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, AttendingLayers,
    ::testing::Values(
        Expected{"keras-2.15/attention_self", {"attention"}, kMatrix, true, "products of query and key"},
        Expected{"keras-3/attention_causal", {"dot", "additive"}, kMatrix, true, "every query attends"},
        // The queries are three steps that a decoder made of the last state.
        Expected{"keras-2.15/additive_attention_options",
                 {"scaled", "unscaled", "with_key"},
                 kMatrix,
                 false,
                 "tanh(query + key)"},
        Expected{"keras-2.15/multi_head_self", {"attention"}, kHeads, true, "in each of 3 heads"},
        Expected{"keras-3/multi_head_cross", {"attention"}, kHeads, false, "in each of 3 heads"},
        Expected{"keras-3/group_query_attention", {"plain", "gate"}, kHeads, true, "in each of 6 heads"},
        Expected{"keras-2.15/attention_weighted_average", {"attention"}, kSteps, false, "softmax of h·W and"},
        Expected{"keras-2.2/step_dim_attention", {"attention"}, kSteps, false, "tanh(h·W + b) and sums"},
        Expected{"keras-2.2/attention_with_context", {"attention"}, kSteps, false, "tanh(h·W + b)·u"},
        Expected{"keras-2.15/registered_att_layer", {"attention"}, kSteps, false, "tanh(h·W + b)·u"},
        Expected{"keras-2.15/att_layer_2016", {"attention"}, kSteps, false, "tanh(h·W) and"},
        Expected{"keras-2.15/blog_attention_sequence", {"attention"}, kSteps, false, "tanh(h·W + b)"},
        Expected{"keras-2.15/seq_weighted_attention", {"attention"}, kSteps, false, "softmax of h·W + b"},
        Expected{"keras-2.15/seq_self_attention_additive", {"attention"}, kMatrix, true, "h_s·Wx"},
        Expected{"keras-2.2/seq_self_attention_multiplicative", {"attention"}, kMatrix, true, "h_t·Wa·h_s"},
        Expected{
            "keras-2.15/attention_package_luong", {"attention"}, kSteps, false, "its products with them"},
        Expected{"keras-2.15/attention_package_bahdanau", {"attention"}, kSteps, false, "v·tanh(h_T·W1"},
        Expected{"keras-2.15/bahdanau_attention", {"attention"}, kSteps, false, "values·W1 + query·W2"},
        Expected{"keras-2.15/attention_decoder",
                 {"attention_decoder_1"},
                 kMatrix,
                 false,
                 "every step of the output"}),
    [](const auto& each) { return std::to_string(each.index); });

TEST(AttendingLayer, IsReadHeadByHead) {
  const auto model = openFixture("keras-2.15/multi_head_cross");
  Session session(model);
  const json one = json::parse(model->parity())["cases"][0];
  session.setIds(one["ids"][0].get<std::vector<int32_t>>(), 1);
  const SignalValues signal = session.attention(model->attention()[0]);
  ASSERT_EQ(signal.shape, (std::vector<int>{3, 3, 7}));
  const auto keras = one["attention"]["attention"]["values"].get<std::vector<float>>();
  for (size_t i = 0; i < signal.values.size(); ++i) EXPECT_NEAR(signal.values[i], keras[i], 1e-6);
}

/// The fixture's model with the layer "attention" under another class, its own options left out but for
/// `keep`.
TakenApart disguised(const std::string& fixture, const std::vector<std::string>& keep = {}) {
  TakenApart parts(fixture);
  json& layer = parts.layer("attention");
  layer["class_name"] = "Custom>MyOwnThing";
  json config = {{"name", "attention"}, {"trainable", true}};
  for (const std::string& key : keep) config[key] = layer["config"][key];
  layer["config"] = config;
  return parts;
}

/// Values of the model's first output for the fixture's first case, and Keras's.
std::pair<std::vector<float>, std::vector<float>> outputs(const std::shared_ptr<const Model>& model,
                                                          const std::string& fixture) {
  const json parity = json::parse(openFixture(fixture)->parity());
  const json& one = parity["cases"][0];
  std::vector<int32_t> ids;
  for (const json& row : one["ids"]) {
    for (const json& id : row) ids.push_back(id.get<int32_t>());
  }
  Session session(model);
  session.setIds(ids, static_cast<int>(one["ids"].size()));
  const std::string output = model->graph().nodes[model->graph().outputs[0]].name();
  return {session.value(session.nodeOf(output)).data,
          one["outputs"][output]["values"].get<std::vector<float>>()};
}

bool agree(const std::pair<std::vector<float>, std::vector<float>>& both) {
  return std::equal(both.first.begin(), both.first.end(), both.second.begin(), both.second.end(),
                    [](float a, float b) { return std::abs(a - b) <= 1e-5f * std::max(1.0f, std::abs(b)); });
}

struct Disguise {
  const char* fixture;
  std::vector<std::string> keep;  ///< options without which the layer computes something else
};

class Recognition : public ::testing::TestWithParam<Disguise> {};

TEST_P(Recognition, GoesByTheWeights) {
  const auto model = disguised(GetParam().fixture, GetParam().keep).open();
  EXPECT_TRUE(agree(outputs(model, GetParam().fixture)));
  EXPECT_NE(model->card().find("(Custom>MyOwnThing) is none of Keras's"), std::string::npos) << model->card();
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, Recognition,
    ::testing::Values(Disguise{"keras-2.15/attention_weighted_average", {}},
                      Disguise{"keras-2.2/step_dim_attention", {}},
                      Disguise{"keras-2.15/attention_with_context_mask", {}},
                      Disguise{"keras-2.15/att_layer", {"attention_dim"}},
                      Disguise{"keras-2.15/att_layer_2016", {}}, Disguise{"keras-2.2/blog_attention", {}},
                      Disguise{"keras-2.15/blog_attention_sequence", {"return_sequences"}},
                      Disguise{"keras-2.15/seq_weighted_attention", {}},
                      Disguise{"keras-2.15/seq_self_attention_additive", {}},
                      Disguise{"keras-2.15/seq_self_attention_additive_no_bias", {}},
                      Disguise{"keras-2.15/seq_self_attention_multiplicative", {}},
                      Disguise{"keras-2.15/attention_package_luong", {"units"}},
                      Disguise{"keras-2.15/attention_package_bahdanau", {}},
                      Disguise{"keras-2.15/bahdanau_attention", {"units"}},
                      Disguise{"keras-2.15/bahdanau_attention_query_first", {"units"}}),
    [](const auto& each) { return std::to_string(each.index); });

TEST(RecognitionOfClasses, ToldByOptionsWhereKerasHasTheName) {
  EXPECT_EQ(openFixture("keras-2.15/step_dim_attention")->attention()[0].why.find("every query"),
            std::string::npos);
  EXPECT_NE(openFixture("keras-2.15/attention_self")->attention()[0].why.find("every query"),
            std::string::npos);
}

/// The assumption of that id on the card; null where there is none.
json assumption(const Model& model, const std::string& id) {
  const json card = json::parse(model.card());
  for (const json& one : card["assumptions"]) {
    if (one["id"] == id) return one;
  }
  return nullptr;
}

std::shared_ptr<const Model> openWith(TakenApart parts, const std::string& value) {
  parts.bundle.metadata["model_config"] = parts.config.dump();
  return Model::open(testing::bytesOf(parts.bundle.binary()), "m.safetensors",
                     {{"attention.attention", value}});
}

TEST(Ambiguity, OfTwoDenseLayersIsUpToTheUser) {
  const std::string fixture = "keras-2.15/bahdanau_attention";
  const TakenApart parts(fixture);
  const json told = assumption(*openWith(parts, "bahdanau"), "attention.attention");
  EXPECT_EQ(told["options"].size(), 2u) << told;
  EXPECT_EQ(told["chosen"], true);
  EXPECT_TRUE(agree(outputs(openWith(parts, "bahdanau"), fixture)));
  EXPECT_FALSE(agree(outputs(openWith(parts, "bahdanau-query-first"), fixture)));
  // Where query and values differ in width the weights tell, and nothing is left to choose.
  const auto sure = openFixture("keras-2.15/bahdanau_attention_query_first");
  EXPECT_TRUE(assumption(*sure, "attention.attention")["options"].empty());
}

TEST(Ambiguity, OfTheMaskRuleIsOneOnlyWhereThereAreMasks) {
  EXPECT_EQ(
      assumption(*openFixture("keras-2.15/seq_self_attention_additive"), "attention.attention")["options"]
          .size(),
      0u);
  TakenApart parts("keras-2.15/seq_self_attention_additive");
  parts.layer("embedding")["config"]["mask_zero"] = true;
  EXPECT_EQ(assumption(*parts.open(), "attention.attention")["value"], "seq-self");
  // Keras beside TensorFlow had ended when the rule changed.
  parts.bundle.metadata["keras_version"] = "2.2.4";
  EXPECT_EQ(assumption(*parts.open(), "attention.attention")["value"], "seq-self-2019");
}

TEST(Ambiguity, OfTheScoreCanBeOverridden) {
  const std::string fixture = "keras-2.15/attention_weighted_average";
  EXPECT_TRUE(agree(outputs(openWith(TakenApart(fixture), "weighted-average"), fixture)));
  EXPECT_FALSE(agree(outputs(openWith(TakenApart(fixture), "tanh"), fixture)));
}

TEST(AttendingRefusal, AnUnknownLayerSaysWhichWeightsItHas) {
  TakenApart parts("keras-2.15/attention_package_bahdanau");
  parts.layer("attention")["class_name"] = "Capsule";
  for (testing::TestLayer& layer : parts.bundle.layers) {
    if (layer.name == "attention") layer.weights.erase(layer.weights.begin());
  }
  std::erase_if(parts.bundle.tensors,
                [](const auto& tensor) { return tensor.name.ends_with("bahdanau_v/kernel:0"); });
  EXPECT_NE(
      parts.refusal().find("unsupported-layer | layer \"attention\": expected a class of layer the engine "
                           "runs, found Capsule. The README lists those it runs. The layer's weights are "
                           "kernel (5, 5), kernel (5, 5), kernel (10, 6)."),
      std::string::npos)
      << parts.refusal();
}

/// Weights like those of a Dense layer, in a layer that nothing calls attention.
TakenApart unnamed() {
  TakenApart parts("keras-2.15/attention_weighted_average");
  const std::string config = parts.config.dump();
  std::string renamed;
  for (size_t at = 0; at < config.size();) {
    const bool here = config.compare(at, 11, "\"attention\"") == 0;
    renamed += here ? "\"pooling\"" : std::string(1, config[at]);
    at += here ? 11 : 1;
  }
  parts.config = json::parse(renamed);
  parts.layer("pooling")["class_name"] = "Pool";
  parts.layer("pooling")["config"].erase("return_attention");
  for (testing::TestTensor& tensor : parts.bundle.tensors) {
    if (tensor.name.ends_with("attention_W:0")) tensor.name = "w:0";
  }
  for (testing::TestLayer& layer : parts.bundle.layers) {
    if (layer.name == "attention") layer = {"pooling", {"w:0"}};
  }
  return parts;
}

TEST(AttendingRefusal, WeightsThatOtherLayersHaveAsWell) {
  TakenApart parts = unnamed();
  EXPECT_NE(
      parts.refusal().find("found Pool. The README lists those it runs. The layer's weights are w (5, 1). If "
                           "it is attention, say which: pooling.attention=weighted-average, "),
      std::string::npos)
      << parts.refusal();
  const auto model = Model::open(testing::bytesOf(parts.bundle.binary()), "m.safetensors",
                                 {{"pooling.attention", "weighted-average"}});
  EXPECT_TRUE(agree(outputs(model, "keras-2.15/attention_weighted_average")));
}

TEST(AttendingRefusal, OptionsThatNobodyKnows) {
  TakenApart parts("keras-2.15/att_layer");
  parts.layer("attention")["config"]["temperature"] = 0.5;
  EXPECT_NE(
      parts.refusal().find("layer \"attention\" (AttLayer), temperature: expected an option this engine "
                           "knows, found 0.5"),
      std::string::npos)
      << parts.refusal();
  // One that only repeats a size of the weights changes nothing.
  parts.layer("attention")["config"].erase("temperature");
  parts.layer("attention")["config"]["hidden"] = 6;
  EXPECT_EQ(parts.refusal(), "accepted");
  parts.layer("attention")["config"]["hidden"] = 3;
  EXPECT_NE(parts.refusal(), "accepted");
}

TEST(AttendingRefusal, InputsThatDoNotFit) {
  TakenApart parts("keras-2.15/step_dim_attention");
  parts.layer("attention")["config"]["step_dim"] = 8;
  EXPECT_NE(parts.refusal().find("an input of shape of 8 timesteps"), std::string::npos) << parts.refusal();
  TakenApart heads("keras-2.15/multi_head_self");
  heads.layer("attention")["config"]["attention_axes"] = {1, 2};
  EXPECT_NE(heads.refusal().find("attention_axes: expected the timesteps, [1], found [1,2]"),
            std::string::npos)
      << heads.refusal();
  TakenApart queries("keras-2.15/attention_self");
  queries.layer("attention")["inbound_nodes"][0].erase(1);
  EXPECT_NE(
      queries.refusal().find("layer \"attention\" (Attention): expected another number of inputs, found 1"),
      std::string::npos)
      << queries.refusal();
}

TEST(AttendingRefusal, CallsThatAreNotUnderstood) {
  TakenApart parts("keras-2.15/multi_head_self");
  parts.layer("attention")["inbound_nodes"][0][0][3]["query_mask"] = true;
  EXPECT_NE(
      parts.refusal().find("layer \"attention\" (MultiHeadAttention), call argument query_mask: expected "
                           "none, found true"),
      std::string::npos)
      << parts.refusal();
  TakenApart alone("keras-2.15/multi_head_self");
  alone.layer("attention")["inbound_nodes"][0][0][3].erase("value");
  EXPECT_NE(alone.refusal().find("call argument value: expected a tensor, found none"), std::string::npos)
      << alone.refusal();
}

}  // namespace
}  // namespace charglow
