// Gates and states of recurrent layers, and states that stateful layers carry from run to run.

#include "explain/states.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "fixtures.h"
#include "session.h"
#include "taken_apart.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::openFixture;
using testing::TakenApart;

const StateSite& siteOf(const Model& model, const std::string& id) {
  const auto found = std::find_if(model.states().begin(), model.states().end(),
                                  [&](const StateSite& site) { return site.id == id; });
  if (found == model.states().end()) throw std::runtime_error("no signal " + id);
  return *found;
}

const std::vector<int32_t> kIds = {3, 0, 7, 9, 4, 1, 10};

TEST(States, AreListedByLayerWithWhatTheyDo) {
  const auto model = openFixture("keras-2.15/classic");
  const json card = json::parse(model->card());
  std::vector<std::string> ids;
  for (const json& state : card["states"]) ids.push_back(state["id"]);
  EXPECT_EQ(ids,
            (std::vector<std::string>{"gru/update_gate", "gru/reset_gate", "gru/candidate", "gru/state"}));
  EXPECT_EQ(card["states"][0]["kind"], "gate");
  EXPECT_EQ(card["states"][3]["kind"], "state");
  EXPECT_EQ(card["states"][0]["axes"].dump(), R"(["unit","step"])");
  EXPECT_EQ(card["states"][0]["shape"].dump(), "[5,7]");
  EXPECT_EQ(card["states"][0]["steps"].dump(), R"({"input":0,"offset":0,"stride":1,"width":1})");
  EXPECT_NE(card["states"][0]["why"], "");
}

TEST(States, OfStackedCellsAreNumbered) {
  const auto model = openFixture("keras-2.15/rnn_stacked_cells");
  EXPECT_EQ(siteOf(*model, "stack/0/forget_gate").units, 5);
  EXPECT_EQ(siteOf(*model, "stack/1/update_gate").units, 3);
  EXPECT_EQ(siteOf(*model, "stack/2/state").units, 2);
}

TEST(States, OfTheLastOfStackedCellsIsWhatTheLayerPutsOut) {
  const auto model = openFixture("keras-2.15/rnn_stacked_cells");
  Session session(model);
  session.setIds(kIds, 1);
  EXPECT_EQ(session.recorded(siteOf(*model, "stack/2/state")).data,
            session.value(session.nodeOf("stack")).data);
}

TEST(States, LieByUnitInTheTextsOrder) {
  const auto model = openFixture("keras-2.15/lstm_options");
  Session session(model);
  session.setIds(kIds, 1);
  const std::vector<float>& output = session.value(session.nodeOf("backwards_sequence")).data;
  const SignalValues signal = session.state(siteOf(*model, "backwards_sequence/state"));
  EXPECT_EQ(signal.axes, (std::vector<SignalAxis>{SignalAxis::Unit, SignalAxis::Step}));
  ASSERT_EQ(signal.shape, (std::vector<int>{3, 7}));
  for (size_t unit = 0; unit < 3; ++unit) {
    for (size_t t = 0; t < 7; ++t) EXPECT_EQ(signal.values[unit * 7 + t], output[(6 - t) * 3 + unit]) << t;
  }
}

TEST(States, AreThoseOfTheLastRun) {
  const auto model = openFixture("keras-2.15/classic");
  const StateSite& site = siteOf(*model, "gru/update_gate");
  Session session(model);
  EXPECT_THROW((void)session.recorded(site), Error);
  session.setIds(kIds, 1);
  const std::vector<float> first = session.recorded(site).data;
  session.setIds(std::vector<int32_t>(7, 1), 1);
  EXPECT_NE(session.recorded(site).data, first);
  session.setIds(kIds, 1);
  EXPECT_EQ(session.recorded(site).data, first);
}

/// A stateful model of any length.
std::shared_ptr<const Model> stateful(const std::string& fixture) {
  TakenApart parts(fixture);
  for (json& layer : parts.config["config"]["layers"]) {
    if (layer["class_name"] == "InputLayer") layer["config"]["batch_input_shape"][1] = nullptr;
  }
  return parts.open();
}

std::vector<float> outputOf(Session& session) {
  return session.value(session.model().graph().outputs[0]).data;
}

TEST(CarryStates, TwoRunsAreOneLongOne) {
  const auto model = stateful("keras-2.15/stateful");
  std::vector<int32_t> all = kIds;
  all.insert(all.end(), {2, 5, 8});
  Session whole(model);
  whole.setIds(all, 1);
  Session parts(model);
  parts.carryStates(true);
  parts.setIds(kIds, 1);
  parts.setIds(std::vector<int32_t>{2, 5, 8}, 1);
  ASSERT_EQ(outputOf(parts).size(), 1u);
  EXPECT_NEAR(outputOf(parts)[0], outputOf(whole)[0], 1e-6);
  // Gates are those of the run, which began with what the one before left.
  const std::vector<float>& gates = whole.recorded(siteOf(*model, "lstm/forget_gate")).data;
  const std::vector<float>& last = parts.recorded(siteOf(*model, "lstm/forget_gate")).data;
  ASSERT_EQ(last.size(), 3u * 5u);
  for (size_t i = 0; i < last.size(); ++i) EXPECT_NEAR(last[i], gates[kIds.size() * 5 + i], 1e-6);
}

TEST(CarryStates, IsOffAtFirstAndEndsWithAReset) {
  const auto model = stateful("keras-2.15/stateful");
  Session session(model);
  session.setIds(kIds, 1);
  const std::vector<float> fresh = outputOf(session);
  session.setIds(kIds, 1);
  EXPECT_EQ(outputOf(session), fresh);
  session.carryStates(true);
  session.setIds(kIds, 1);
  EXPECT_EQ(outputOf(session), fresh) << "from zero when it is turned on";
  session.setIds(kIds, 1);
  EXPECT_NE(outputOf(session), fresh);
  session.resetStates();
  session.setIds(kIds, 1);
  EXPECT_EQ(outputOf(session), fresh);
}

TEST(CarryStates, ARefusedRunLeavesThemAsTheyWere) {
  const auto model = stateful("keras-2.15/stateful");
  Session session(model);
  session.carryStates(true);
  session.setIds(kIds, 1);
  std::vector<int32_t> rows = kIds;
  rows.insert(rows.end(), kIds.begin(), kIds.end());
  EXPECT_THROW(session.setIds(rows, 2), Error) << "as many rows as before";
  session.setIds(kIds, 1);
  Session other(model);
  other.carryStates(true);
  other.setIds(kIds, 1);
  other.setIds(kIds, 1);
  EXPECT_EQ(outputOf(session), outputOf(other));
}

TEST(CarryStates, LayersThatAreNotStatefulHaveNone) {
  const auto model = openFixture("keras-2.15/classic");
  Session session(model);
  session.carryStates(true);
  session.setIds(kIds, 1);
  const std::vector<float> first = outputOf(session);
  session.setIds(kIds, 1);
  EXPECT_EQ(outputOf(session), first);
}

}  // namespace
}  // namespace charglow
