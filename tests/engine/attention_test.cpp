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
  const std::vector<float> ours = session.attention(model->attention()[0]);
  ASSERT_EQ(ours.size(), keras.size());
  for (size_t t = 0; t < ours.size(); ++t) EXPECT_NEAR(ours[t], keras[t], 1e-6);
}

TEST(ReadAttention, IsTheMeanOverFeaturesWhereEachHasItsOwn) {
  const auto model = openFixture("keras-2.15/attention_3d_block");
  Session session(model);
  const auto parity = nlohmann::json::parse(model->parity());
  const auto& one = parity["cases"][0];
  session.setIds(one["ids"][0].get<std::vector<int32_t>>(), 1);
  const std::vector<float> ours = session.attention(model->attention()[0]);
  const int steps = one["attention"]["attention_vec"]["shape"][1].get<int>();
  const int features = one["attention"]["attention_vec"]["shape"][2].get<int>();
  ASSERT_NE(steps, features) << "or a transposed mean would pass";
  ASSERT_EQ(ours.size(), static_cast<size_t>(steps));
  for (int t = 0; t < steps; ++t) {
    double mean = 0;
    for (int f = 0; f < features; ++f) {
      mean +=
          one["attention"]["attention_vec"]["values"][static_cast<size_t>(t * features + f)].get<double>() /
          features;
    }
    EXPECT_NEAR(ours[static_cast<size_t>(t)], mean, 1e-6) << t;
  }
}

TEST(ReadAttention, IsOneEverywhereWhereDegenerate) {
  const auto model = openFixture("keras-2.15/degenerate_softmax");
  Session session(model);
  session.setIds(std::vector<int32_t>{1, 2, 3, 4, 5, 6, 7}, 1);
  EXPECT_EQ(session.attention(model->attention()[0]), std::vector<float>(7, 1.0f));
}

TEST(ReadAttention, RunsInTheTextsOrderAfterGoBackwards) {
  AttentionSite site;
  site.softmaxAxis = 1;
  site.reversed = true;
  Value softmax;
  softmax.reshape({{1}, {3, Along::ReversedTime}});
  softmax.data = {0.5f, 0.3f, 0.2f};  // the last timestep comes first
  std::vector<float> values(3);
  readAttention(site, softmax, values);
  EXPECT_EQ(values, (std::vector<float>{0.2f, 0.3f, 0.5f}));
}

}  // namespace
}  // namespace charglow
