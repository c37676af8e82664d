// Architectures that are damaged: every value of a real `model_config` replaced, every key removed, and many
// changes at once. Whatever comes of it must load and run, with no more memory than so small a model needs,
// or be refused in the engine's own words: no other exception, no crash.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <utility>

#include "session.h"
#include "taken_apart.h"

namespace charglow {
namespace {

using nlohmann::json;
using Pointer = json::json_pointer;

/// Values of the right and of the wrong kind, at the edges of what they may be.
const std::vector<json>& nastyValues() {
  static const std::vector<json> values = {nullptr,
                                           true,
                                           -1,
                                           0,
                                           1,
                                           1 << 30,
                                           int64_t{1} << 31,
                                           (int64_t{1} << 32) + 1,
                                           int64_t{1} << 53,
                                           std::numeric_limits<uint64_t>::max(),
                                           1e308,
                                           "",
                                           "x",
                                           json::array(),
                                           json::object(),
                                           json::array({json::array()}),
                                           json::array({nullptr, (1 << 16) + 1, 1 << 16})};
  return values;
}

/// The places of a JSON value, itself first.
void addPlaces(const json& value, const Pointer& at, std::vector<Pointer>& places) {
  places.push_back(at);
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) addPlaces(value[i], at / i, places);
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items()) addPlaces(member, at / key, places);
  }
}

std::vector<Pointer> placesOf(const json& value) {
  std::vector<Pointer> places;
  addPlaces(value, Pointer(), places);
  return places;
}

/// Takes out what is only of use in training: half of a configuration, and passed over by the name of its
/// key, so that to damage it would take long and show nothing.
void leaveOutTraining(json& value) {
  if (value.is_object()) {
    std::vector<std::string> keys;
    for (const auto& [key, member] : value.items()) {
      if (key.ends_with("_initializer") || key.ends_with("_regularizer") || key.ends_with("_constraint")) {
        keys.push_back(key);
      }
    }
    for (const std::string& key : keys) value.erase(key);
  }
  if (value.is_structured()) {
    for (json& member : value) leaveOutTraining(member);
  }
}

/// A fixture whose configuration is damaged again and again.
class DamagedConfig : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    fixture_.emplace(GetParam());
    fixture_->bundle.metadata.erase("text");  // ids are given
    leaveOutTraining(config());
    attempt();
    ASSERT_EQ(ran_, 1) << "the fixture itself must run";
  }

  json& config() { return fixture_->config; }

  /// Loads and runs the model with the configuration as it is now.
  void attempt() {
    try {
      run(fixture_->open());
      ++ran_;
    } catch (const Error& error) {
      ++refused_;
      for (const Problem& problem : error.problems()) {
        ASSERT_FALSE(problem.code.empty() || problem.where.empty() || problem.expected.empty())
            << problem.text() << "\n"
            << config();
      }
    } catch (const std::exception& other) {
      FAIL() << "not an Error: " << other.what() << "\n" << config();
    }
  }

  int ran_ = 0;
  int refused_ = 0;

 private:
  /// Runs a model on two inputs, the second a batch of three.
  static void run(const std::shared_ptr<const Model>& model) {
    Session session(model);
    for (const int batch : {1, 3}) {
      for (size_t input = 0; input < model->inputs().size(); ++input) {
        if (!feed(session, input, batch)) return;
      }
      session.run();
      size_t numbers = 0;
      for (size_t node = 0; node < model->graph().nodes.size(); ++node)
        numbers += session.value(node).data.size();
      ASSERT_LT(numbers, kMostNumbers);
      for (const size_t output : model->graph().outputs) {
        for (const float value : session.value(output).data) ASSERT_TRUE(std::isfinite(value));
      }
      if (batch > 1) continue;
      for (const AttentionSite& site : model->attention()) {
        for (const float weight : session.attention(site).values)
          ASSERT_TRUE(weight >= 0 && weight <= 1.0001f);
      }
    }
    ASSERT_FALSE(model->card().empty());
  }

  /// false where the input is right as it is, but slow.
  static bool feed(Session& session, size_t input, int batch) {
    const Model& model = session.model();
    if (model.inputs()[input].kind == InputKind::Values) {
      std::vector<int> shape = {batch};
      int count = batch;
      for (const Dim& dim : std::span(model.inputShape(input)).subspan(1)) {
        shape.push_back(dim.known() ? dim.size : 5);
        if (shape.back() > kMostSteps / count) return false;
        count *= shape.back();
      }
      session.feedInput(std::vector<float>(static_cast<size_t>(count), 0.25f), shape, input);
      return true;
    }
    const int steps = model.textLength(input) > 0 ? model.textLength(input) : 5;
    if (steps > kMostSteps) return false;
    std::vector<int32_t> ids(static_cast<size_t>(steps * batch));
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i) % model.inputs()[input].idCount;
    session.feedIds(ids, batch, input);
    return true;
  }

  static constexpr int kMostSteps = 1 << 12;
  /// More than the fixtures' few units need for that many timesteps; less than a damaged size promises.
  static constexpr size_t kMostNumbers = 1 << 22;

  std::optional<testing::TakenApart> fixture_;
};

/// The same with fewer fixtures, since it takes longest.
class ReplacedValues : public DamagedConfig {};

TEST_P(ReplacedValues, EachByEveryNastyOne) {
  for (const Pointer& place : placesOf(config())) {
    for (const json& nasty : nastyValues()) {
      const json original = std::exchange(config()[place], nasty);
      ASSERT_NO_FATAL_FAILURE(attempt()) << place << " = " << nasty;
      config()[place] = original;
    }
  }
  EXPECT_GT(refused_, 100);
  EXPECT_GT(ran_, 50);  // dropout rates, versions and the like
}

TEST_P(DamagedConfig, EveryKeyRemoved) {
  const json original = config();
  for (const Pointer& place : placesOf(original)) {
    if (place.empty()) continue;
    json& parent = config()[place.parent_pointer()];
    if (parent.is_object()) {
      parent.erase(place.back());
    } else {
      parent.erase(std::stoul(place.back()));
    }
    ASSERT_NO_FATAL_FAILURE(attempt()) << "without " << place;
    config() = original;
  }
  EXPECT_GT(refused_, 10);
  EXPECT_GT(ran_, 10);
}

/// One change: a place gets a nasty value, is left out, or gets what stands at another place.
template <class Random>
void damage(json& config, Random& random) {
  const auto below = [&](size_t count) { return static_cast<size_t>(random() % count); };
  const std::vector<Pointer> places = placesOf(config);
  if (places.size() < 2) return;
  const Pointer& place = places[1 + below(places.size() - 1)];
  json& parent = config[place.parent_pointer()];
  switch (below(4)) {
    case 0:
      config[place] = nastyValues()[below(nastyValues().size())];
      return;
    case 1:
      if (parent.is_object()) {
        parent.erase(place.back());
      } else {
        parent.erase(std::stoul(place.back()));
      }
      return;
    case 2:  // in place of it
      config[place] = json(config[places[1 + below(places.size() - 1)]]);
      return;
    default: {  // beside it
      json copy = config[places[1 + below(places.size() - 1)]];
      if (parent.is_array()) {
        parent.insert(parent.begin() + static_cast<ptrdiff_t>(below(parent.size())), std::move(copy));
      } else {
        parent["x"] = std::move(copy);
      }
    }
  }
}

TEST_P(DamagedConfig, ManyChangesAtOnce) {
  std::mt19937 random(250);
  const json original = config();
  for (int i = 0; i < 250; ++i) {
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int k = 0; k < changes; ++k) damage(config(), random);
    ASSERT_NO_FATAL_FAILURE(attempt()) << "attempt " << i;
    config() = original;
  }
  EXPECT_GT(refused_, 100);
  EXPECT_GT(ran_, 10);
}

// Small ones that between them have every kind of layer, both forms of model and all ways to write a call.
INSTANTIATE_TEST_SUITE_P(Fixtures, DamagedConfig,
                         ::testing::Values("keras-2.1/sequential_mask", "keras-2.2/classic",
                                           "keras-2.15/softmax_permute_dot",
                                           "keras-2.15/mask_add_concatenate",
                                           "keras-2.15/reduce_pooling_keepdims", "keras-3/shared_layer"),
                         testing::fixtureTestName<const char*>);
INSTANTIATE_TEST_SUITE_P(Fixtures, ReplacedValues,
                         ::testing::Values("keras-2.1/sequential_mask", "keras-2.2/classic",
                                           "keras-3/softmax_dot"),
                         testing::fixtureTestName<const char*>);

}  // namespace
}  // namespace charglow
