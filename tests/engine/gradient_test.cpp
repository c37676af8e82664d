// The backward pass against tf.GradientTape, over every fixture that has gradients
// (scripts/fixtures/README.md): at the output of each layer, so that a layer whose vector-Jacobian product is
// wrong is the first one whose input's gradient differs.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "error.h"
#include "feeding.h"
#include "fixtures.h"
#include "session.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::openFixture;

std::filesystem::path gradientsOf(const std::string& fixture) {
  return std::filesystem::path(FIXTURES_DIR) / fixture / "gradients.json";
}

json truthOf(const std::string& fixture) {
  std::ifstream file(gradientsOf(fixture));
  return json::parse(file);
}

/// Those that have gradients of some tensor: where all layers are in models of the model, there is none to
/// name.
std::vector<std::string> fixturesWithGradients() {
  std::vector<std::string> names = testing::allFixtures();
  std::erase_if(names, [](const std::string& name) {
    return !std::filesystem::exists(gradientsOf(name)) || truthOf(name)["gradients"].empty();
  });
  return names;
}

/// The loss is Σ_k Σ_i o_k[i] · cos(1 + i + 0.7 k) over the model's outputs o_k.
std::vector<Session::Seed> seedsOf(const Session& session) {
  std::vector<Session::Seed> seeds;
  const std::vector<size_t>& outputs = session.model().graph().outputs;
  for (size_t k = 0; k < outputs.size(); ++k) {
    Session::Seed& seed = seeds.emplace_back();
    seed.node = outputs[k];
    const size_t count = session.value(outputs[k]).data.size();
    for (size_t i = 0; i < count; ++i)
      seed.gradient.push_back(
          static_cast<float>(std::cos(1.0 + static_cast<double>(i) + 0.7 * static_cast<double>(k))));
  }
  return seeds;
}

/// |x - y| <= 1e-4 · max(|y|, the largest |y| of the tensor): the numbers of one gradient are sums of others
/// that cancel, and float32 knows the sums only as well as what was added.
void expectNear(std::span<const float> gradient, const json& expected, const std::string& what) {
  const auto keras = expected["values"].get<std::vector<double>>();
  double largest = 0;
  for (const double y : keras) largest = std::max(largest, std::abs(y));
  ASSERT_TRUE(gradient.size() == keras.size() || (gradient.empty() && largest == 0)) << what;
  for (size_t i = 0; i < gradient.size(); ++i)
    ASSERT_LE(std::abs(static_cast<double>(gradient[i]) - keras[i]), 1e-4 * largest)
        << what << ", value " << i << " of " << keras.size() << ": " << gradient[i] << ", Keras " << keras[i];
}

/// A tensor that a call is given as its mask. Keras 2 makes numbers of it and adds 1 less them, times
/// -1e9, to the scores: TensorFlow derives that. To the engine a mask is yes or no, and a constant.
bool isMask(const std::string& fixture, const std::string& layer) {
  return (fixture == "keras-2.15/multi_head_given_mask" || fixture == "keras-2.15/softmax_given_mask") &&
         (layer == "allowed" || layer == "allowed_keys");
}

class Gradients : public ::testing::TestWithParam<std::string> {};

TEST_P(Gradients, AreKerass) {
  const auto model = openFixture(GetParam());
  const json truth = truthOf(GetParam());
  Session session(model);
  session.carryStates(true);
  testing::feed(session, json::parse(model->parity())["cases"][0]);

  std::vector<size_t> wanted;
  for (const auto& [layer, expected] : truth["gradients"].items()) wanted.push_back(session.nodeOf(layer));
  ASSERT_FALSE(wanted.empty());
  session.backward(seedsOf(session), wanted);
  // From the loss on: the first that differs is the layer whose product is wrong.
  std::vector<std::pair<size_t, std::string>> nodes;
  for (const auto& [layer, expected] : truth["gradients"].items())
    nodes.emplace_back(session.nodeOf(layer), layer);
  std::sort(nodes.rbegin(), nodes.rend());
  for (const auto& [node, layer] : nodes) {
    json expected = truth["gradients"][layer];
    if (isMask(GetParam(), layer)) std::fill(expected["values"].begin(), expected["values"].end(), 0);
    expectNear(session.gradient(node), expected, "d(loss)/d(" + layer + ")");
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Gradients, ::testing::ValuesIn(fixturesWithGradients()),
                         testing::fixtureTestName<std::string>);

TEST(GradientFixtures, AreThere) {
  const std::vector<std::string> names = fixturesWithGradients();
  for (const auto& [generation, least] : {std::pair{"keras-2.15", 240}, {"keras-3", 150}, {"keras-2.2", 5}}) {
    const auto count =
        std::count_if(names.begin(), names.end(),
                      [&, of = generation](const std::string& name) { return name.starts_with(of); });
    EXPECT_GE(count, least) << generation;
  }
}

}  // namespace
}  // namespace charglow
