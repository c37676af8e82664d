#include "explain/attention.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fixtures.h"
#include "session.h"

namespace charglow {
namespace {

using testing::openFixture;

struct Expected {
  const char* fixture;
  const char* site;  ///< "" where the model has no attention
  bool degenerate;
  const char* weighed;    ///< what `why` must name
  const char* reducedBy;  ///< likewise; "" where nothing reduces it
};

class Sites : public ::testing::TestWithParam<Expected> {};

TEST_P(Sites, AreFoundByGraphAndShapes) {
  const auto model = openFixture(GetParam().fixture);
  const std::vector<AttentionSite>& sites = model->attention();
  if (std::string(GetParam().site).empty()) {
    EXPECT_TRUE(sites.empty());
    return;
  }
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].id, GetParam().site);
  EXPECT_EQ(sites[0].degenerate, GetParam().degenerate);
  EXPECT_NE(sites[0].why.find("\"" + std::string(GetParam().weighed) + "\""), std::string::npos)
      << sites[0].why;
  EXPECT_NE(sites[0].why.find(GetParam().reducedBy), std::string::npos) << sites[0].why;
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, Sites,
    ::testing::Values(Expected{"keras-2.15/classic", "attention_vec", false, "gru", "\"lambda\""},
                      Expected{"keras-2.2/classic", "attention_vec", false, "gru_1", "\"lambda_1\""},
                      Expected{"keras-3/classic", "attention_vec", false, "gru", ""},
                      Expected{"keras-2.15/reshape", "attention_vec", false, "gru", ""},
                      Expected{"keras-2.15/score_dense", "attention_vec", false, "gru", ""},
                      Expected{"keras-2.15/score_two_layers", "attention_vec", false, "gru", ""},
                      Expected{"keras-2.15/reduce_average_pooling", "attention_vec", false, "gru",
                               "\"global_average_pooling1d\""},
                      Expected{"keras-2.15/dot", "attention_vec", false, "gru", "which also sums it"},
                      Expected{"keras-2.15/softmax_permute_dot", "attention_vec", false, "gru",
                               "which also sums it"},
                      Expected{"keras-2.15/scaled_then_flattened", "attention_vec", false, "gru", ""},
                      // The softmax is the Dense's own; the layer named attention_vec only permutes it.
                      Expected{"keras-2.15/attention_3d_block", "dense", false, "gru", ""},
                      Expected{"keras-2.15/degenerate_softmax", "attention_vec", true, "gru", "\"lambda\""},
                      // A softmax as the model's output, or a product of two sequences, is no attention.
                      Expected{"keras-2.15/dense_activations", "", false, "", ""},
                      Expected{"keras-2.15/sequential", "", false, "", ""},
                      Expected{"keras-2.15/dot_axes", "", false, "", ""}),
    [](const auto& each) { return std::to_string(each.index); });

/// Values of a fixture's attention layer in its last case, as Keras computed them.
std::vector<float> kerasAttention(const Model& model, const std::string& layer) {
  const auto parity = nlohmann::json::parse(model.parity());
  return parity["cases"].back()["attention"][layer]["values"].get<std::vector<float>>();
}

void runLastCase(Session& session) {
  const auto parity = nlohmann::json::parse(session.model().parity());
  session.setIds(parity["cases"].back()["ids"][0].get<std::vector<int32_t>>(), 1);
}

TEST(ReadAttention, IsTheSoftmaxStepByStep) {
  const auto model = openFixture("keras-2.15/classic");
  Session session(model);
  runLastCase(session);
  const std::vector<float> keras = kerasAttention(*model, "attention_vec");
  const SignalValues signal = session.attention(model->attention()[0]);
  EXPECT_EQ(signal.axes, std::vector<SignalAxis>{SignalAxis::Step});
  const std::vector<float>& ours = signal.values;
  ASSERT_EQ(ours.size(), keras.size());
  for (size_t t = 0; t < ours.size(); ++t) EXPECT_NEAR(ours[t], keras[t], 1e-6);
}

TEST(ReadAttention, HasAnAxisForFeaturesWhereEachHasItsOwn) {
  const auto model = openFixture("keras-2.15/attention_3d_block");
  Session session(model);
  const auto parity = nlohmann::json::parse(model->parity());
  const auto& one = parity["cases"][0];
  session.setIds(one["ids"][0].get<std::vector<int32_t>>(), 1);
  const SignalValues signal = session.attention(model->attention()[0]);
  const int steps = one["attention"]["attention_vec"]["shape"][1].get<int>();
  const int features = one["attention"]["attention_vec"]["shape"][2].get<int>();
  ASSERT_NE(steps, features) << "or a transposed one would pass";
  EXPECT_EQ(signal.axes, (std::vector<SignalAxis>{SignalAxis::Feature, SignalAxis::Step}));
  ASSERT_EQ(signal.shape, (std::vector<int>{features, steps}));
  for (int t = 0; t < steps; ++t) {
    for (int f = 0; f < features; ++f) {
      const auto keras = one["attention"]["attention_vec"]["values"][static_cast<size_t>(t * features + f)];
      EXPECT_NEAR(signal.values[static_cast<size_t>(f * steps + t)], keras.get<double>(), 1e-6)
          << t << " " << f;
    }
  }
}

TEST(ReadAttention, IsOneEverywhereWhereDegenerate) {
  const auto model = openFixture("keras-2.15/degenerate_softmax");
  Session session(model);
  session.setIds(std::vector<int32_t>{1, 2, 3, 4, 5, 6, 7}, 1);
  const SignalValues signal = session.attention(model->attention()[0]);
  EXPECT_EQ(signal.axes, std::vector<SignalAxis>{SignalAxis::Step});
  EXPECT_EQ(signal.values, std::vector<float>(7, 1.0f));
}

TEST(ReadAttention, RunsInTheTextsOrderAfterGoBackwards) {
  const Dim backwards{3, Along::ReversedTime};
  AttentionSite site;
  site.axes = {SignalAxis::None, SignalAxis::Step};
  site.steps = backwards;
  Value softmax;
  softmax.reshape({{1}, backwards});
  softmax.data = {0.5f, 0.3f, 0.2f};  // the last timestep comes first
  EXPECT_EQ(readAttention(site, softmax).values, (std::vector<float>{0.2f, 0.3f, 0.5f}));
}

TEST(ReadAttention, OrdersHeadsQueriesAndSteps) {
  // (batch, steps, heads, queries), the queries last first.
  AttentionSite site;
  site.axes = {SignalAxis::None, SignalAxis::Step, SignalAxis::Head, SignalAxis::Query};
  site.steps = {2, Along::Time};
  site.queries = Dim{3, Along::ReversedTime};
  Value weights;
  weights.reshape({{1}, {2, Along::Time}, {2}, {3, Along::ReversedTime}});
  weights.data = {0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112};
  const SignalValues signal = readAttention(site, weights);
  EXPECT_EQ(signal.axes, (std::vector<SignalAxis>{SignalAxis::Head, SignalAxis::Query, SignalAxis::Step}));
  EXPECT_EQ(signal.shape, (std::vector<int>{2, 3, 2}));
  EXPECT_EQ(signal.values, (std::vector<float>{2, 102, 1, 101, 0, 100, 12, 112, 11, 111, 10, 110}));
}

TEST(ReadAttention, AveragesAxesThatSayNothing) {
  AttentionSite site;
  site.axes = {SignalAxis::None, SignalAxis::None, SignalAxis::Step};
  site.steps = {2, Along::Time};
  Value weights;
  weights.reshape({{1}, {2}, {2, Along::Time}});
  weights.data = {0.25f, 0.75f, 0.75f, 0.25f};
  EXPECT_EQ(readAttention(site, weights).values, (std::vector<float>{0.5f, 0.5f}));
}

}  // namespace
}  // namespace charglow
