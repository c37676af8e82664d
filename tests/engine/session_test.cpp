#include "session.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "taken_apart.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::openFixture;
using testing::TakenApart;

std::string codeOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.problems()[0].code;
  }
  return "accepted";
}

TEST(Session, AnswersOnlyWhatWasRun) {
  Session session(openFixture("keras-2.15/classic"));
  EXPECT_EQ(codeOf([&] { (void)session.value(0); }), "no-run");
  session.setIds(std::vector<int32_t>{1, 2, 3, 4, 5, 6, 7}, 1);
  EXPECT_EQ(session.value(session.nodeOf("dense_1")).data.size(), 1u);
  EXPECT_EQ(codeOf([&] { session.setIds(std::vector<int32_t>{1, 2}, 1); }), "input-shape");
  EXPECT_EQ(codeOf([&] { (void)session.value(0); }), "no-run")
      << "the values of the run before are half overwritten";
}

TEST(Session, RefusesInputsThatAreTooLarge) {
  Session session(openFixture("keras-2.15/any_length"));
  const std::vector<int32_t> ids(3, 1);
  EXPECT_EQ(codeOf([&] { session.setIds(ids, 0); }), "input-shape");
  EXPECT_EQ(codeOf([&] { session.setIds(ids, 2); }), "input-shape");
  Session numbers(openFixture("keras-2.15/number_inputs"));
  EXPECT_EQ(codeOf([&] { numbers.setInput({}, std::vector<int>{1 << 16, 7, 3}); }), "input-shape");
  EXPECT_EQ(codeOf([&] { numbers.setInput({}, std::vector<int>{1 << 30, 7, 3}); }), "too-large");
}

TEST(Session, GivesTheSameWhateverRanBefore) {
  const auto model = openFixture("keras-2.15/any_length");
  Session used(model);
  used.setIds(std::vector<int32_t>(40, 3), 1);
  used.setIds(std::vector<int32_t>{5, 1, 2, 0, 7, 7}, 2);
  used.setIds(std::vector<int32_t>{4, 2}, 1);
  Session fresh(model);
  fresh.setIds(std::vector<int32_t>{4, 2}, 1);
  EXPECT_EQ(used.value(used.nodeOf("dense")).data, fresh.value(fresh.nodeOf("dense")).data);
}

TEST(Limits, SizesThatMultiplyToTooMuchAreRefused) {
  TakenApart parts("keras-2.15/classic");
  parts.layer("repeat_vector")["config"]["n"] = 1 << 24;
  parts.layer("input_1")["config"]["batch_input_shape"][1] = 1 << 24;
  EXPECT_NE(parts.refusal().find("too-large | "), std::string::npos) << parts.refusal();
  TakenApart bomb("keras-2.15/classic");
  bomb.layer("gru")["config"]["units"] = (1 << 24) + 1;
  EXPECT_NE(bomb.refusal().find(
                "layer \"gru\" (GRU), units: expected a whole number from 1 to 16777216, found 16777217."),
            std::string::npos)
      << bomb.refusal();
}

TEST(Limits, VeryManyProblemsAreCounted) {
  std::vector<Problem> problems(60, Problem{"code", "here", "one", "two", ""});
  const Error error(problems);
  EXPECT_EQ(error.problems().size(), Error::kMostProblems + 1);
  EXPECT_EQ(error.problems().back().actual, "10 more");
}

TEST(Arity, AnInputTooManyIsNotIgnored) {
  TakenApart parts("keras-2.15/classic");
  json& nodes = parts.layer("flatten")["inbound_nodes"][0];
  nodes.push_back(nodes[0]);
  EXPECT_NE(parts.refusal().find(
                "layer-input | layer \"flatten\" (Flatten): expected another number of inputs, found 2."),
            std::string::npos)
      << parts.refusal();
}

/// Puts layers between the softmax of the classic fixture and what reads it.
void insertAfterSoftmax(TakenApart& parts, const std::vector<json>& layers) {
  std::string previous = "attention_vec";
  json& reader = parts.layer("repeat_vector")["inbound_nodes"];
  for (json layer : layers) {
    layer["inbound_nodes"] = json::array({json::array({json::array({previous, 0, 0, json::object()})})});
    previous = layer["config"]["name"].get<std::string>();
    layer["name"] = previous;
    parts.config["config"]["layers"].push_back(layer);
  }
  reader[0][0][0] = previous;
}

TEST(Attention, IsFoundBehindLayersThatMoveOrAverage) {
  TakenApart parts("keras-2.15/classic");
  insertAfterSoftmax(
      parts, {{{"class_name", "RepeatVector"}, {"config", {{"name", "again"}, {"n", 3}}}},
              {{"class_name", "TimeDistributed"},
               {"config",
                {{"name", "drop"},
                 {"layer", {{"class_name", "Dropout"}, {"config", {{"name", "d"}, {"rate", 0.5}}}}}}}},
              {{"class_name", "GlobalAveragePooling1D"}, {"config", {{"name", "mean"}}}}});
  const auto model = parts.open();
  ASSERT_EQ(model->attention().size(), 1u);
  EXPECT_EQ(model->attention()[0].id, "attention_vec");
}

TEST(Attention, IsNotClaimedBehindAMaximum) {
  TakenApart parts("keras-2.15/classic");
  insertAfterSoftmax(parts, {{{"class_name", "RepeatVector"}, {"config", {{"name", "again"}, {"n", 3}}}},
                             {{"class_name", "GlobalMaxPooling1D"}, {"config", {{"name", "max"}}}}});
  EXPECT_TRUE(parts.open()->attention().empty());
}

}  // namespace
}  // namespace charglow
