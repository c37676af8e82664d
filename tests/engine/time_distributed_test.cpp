// TimeDistributed around a whole model: what runs on each sentence is what the model gives for it alone.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fixtures.h"
#include "session.h"
#include "taken_apart.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::openFixture;
using testing::TakenApart;

constexpr const char* kInner = "keras-2.15/classic";

/// Input (2, 7) → TimeDistributed(the classic model), whose weights the file lists as those of one layer.
TakenApart sentences() {
  TakenApart parts(kInner);
  const json inner = parts.config;
  testing::TestLayer weights{"sentences", {}};
  for (const testing::TestLayer& layer : parts.bundle.layers)
    weights.weights.insert(weights.weights.end(), layer.weights.begin(), layer.weights.end());
  parts.bundle.layers = {weights};
  parts.bundle.metadata.erase("text");
  parts.config = json::parse(R"({"class_name":"Functional","config":{"name":"outer","layers":[
      {"class_name":"InputLayer","name":"text","config":{"name":"text","batch_input_shape":[null,2,7]},
       "inbound_nodes":[]},
      {"class_name":"TimeDistributed","name":"sentences","config":{"name":"sentences"},
       "inbound_nodes":[[["text",0,0,{}]]]}],
      "input_layers":[["text",0,0]],"output_layers":[["sentences",0,0]]}})");
  parts.config["config"]["layers"][1]["config"]["layer"] = inner;
  return parts;
}

const std::vector<float> kTwo = {1, 2, 3, 4, 5, 6, 7, 10, 0, 9, 0, 8, 2, 2};

/// The classic model by itself on one of them.
Session alone(size_t sentence) {
  Session session(openFixture(kInner));
  std::vector<int32_t> ids;
  for (size_t t = 0; t < 7; ++t) ids.push_back(static_cast<int32_t>(kTwo[sentence * 7 + t]));
  session.setIds(ids, 1);
  return session;
}

TEST(TimeDistributed, RunsAModelOnEverySentence) {
  const auto model = sentences().open();
  Session session(model);
  session.setInput(kTwo, std::vector<int>{1, 2, 7});
  const Value& output = session.value(session.nodeOf("sentences"));
  ASSERT_EQ(shapeText(output.shape), "(1, 2, 1)");
  for (size_t sentence = 0; sentence < 2; ++sentence) {
    Session one = alone(sentence);
    EXPECT_NEAR(output.data[sentence], one.value(one.model().graph().outputs[0]).data[0], 1e-6);
  }
}

TEST(TimeDistributed, ShowsTheAttentionWithinEverySentence) {
  const auto model = sentences().open();
  ASSERT_EQ(model->attention().size(), 1u);
  const AttentionSite& site = model->attention()[0];
  EXPECT_EQ(site.id, "sentences/attention_vec");
  Session session(model);
  session.setInput(kTwo, std::vector<int>{1, 2, 7});
  const SignalValues signal = session.attention(site);
  EXPECT_EQ(signal.axes, (std::vector<SignalAxis>{SignalAxis::Query, SignalAxis::Step}));
  ASSERT_EQ(signal.shape, (std::vector<int>{2, 7}));
  for (size_t sentence = 0; sentence < 2; ++sentence) {
    Session one = alone(sentence);
    const SignalValues expected = one.attention(one.model().attention()[0]);
    for (size_t t = 0; t < 7; ++t) EXPECT_NEAR(signal.values[sentence * 7 + t], expected.values[t], 1e-6);
  }
  // Words are timesteps of no input; the sentences are.
  const json card = json::parse(model->card());
  EXPECT_TRUE(card["attention"][0]["steps"].is_null());
  EXPECT_EQ(card["attention"][0]["queries"]["stride"], 1);
}

TEST(TimeDistributed, NamesWhatItWrapsWhereThatIsUnknown) {
  TakenApart parts = sentences();
  parts.config["config"]["layers"][1]["config"]["layer"] =
      json::parse(R"({"class_name":"Sorcery","config":{"name":"spell"}})");
  EXPECT_NE(parts.refusal().find(
                "layer \"sentences/spell\": expected a class of layer the engine runs, found Sorcery"),
            std::string::npos)
      << parts.refusal();
}

}  // namespace
}  // namespace charglow
