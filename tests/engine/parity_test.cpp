// The engine's numbers against Keras's own, over every fixture: each output, each attention and each
// intermediate layer of each case. Compared here, not by verify(), which is itself under test below.

#include "parity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "feeding.h"
#include "fixtures.h"
#include "session.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::allFixtures;
using testing::feed;
using testing::openFixture;

/// Compares a layer's values with Keras's: |x - y| <= tolerance · max(1, |y|), or absolutely.
void expectNear(const Value& value, const json& expected, double tolerance, bool relative,
                const std::string& what) {
  std::vector<int> shape;
  for (const Dim& dim : value.shape) shape.push_back(dim.size);
  ASSERT_EQ(shape, expected["shape"].get<std::vector<int>>()) << what;
  ASSERT_EQ(value.data.size(), expected["values"].size()) << what;
  for (size_t i = 0; i < value.data.size(); ++i) {
    const double keras = expected["values"][i].get<double>();
    const double scale = relative ? std::max(1.0, std::abs(keras)) : 1.0;
    ASSERT_LE(std::abs(static_cast<double>(value.data[i]) - keras), tolerance * scale)
        << what << ", value " << i;
  }
}

class Parity : public ::testing::TestWithParam<std::string> {};

TEST_P(Parity, EveryNumberIsKerass) {
  const auto model = openFixture(GetParam());
  const json parity = json::parse(model->parity());
  ASSERT_FALSE(parity["cases"].empty());
  Session session(model);
  session.carryStates(true);
  for (const json& one : parity["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    feed(session, one);
    ASSERT_FALSE(one["outputs"].empty());
    for (const char* kind : {"outputs", "layers", "attention"}) {
      if (!one.contains(kind)) continue;
      const bool attention = std::string(kind) == "attention";
      for (const auto& [layer, expected] : one[kind].items()) {
        const size_t node = attention ? session.attentionNodeOf(layer) : session.nodeOf(layer);
        expectNear(session.value(node), expected, attention ? 1e-6 : 1e-5, !attention, layer + " in " + kind);
      }
    }
    const json signals = one.value("signals", json::object());
    for (const auto& [id, expected] : signals.items()) {
      const auto site = std::find_if(model->states().begin(), model->states().end(),
                                     [&name = id](const StateSite& each) { return each.id == name; });
      ASSERT_NE(site, model->states().end()) << id;
      expectNear(session.recorded(*site), expected, 1e-5, true, id);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Parity, ::testing::ValuesIn(allFixtures()),
                         testing::fixtureTestName<std::string>);

TEST(ParityFixtures, AreThere) {
  // Each generation that the README names; an empty folder must not pass as green.
  for (const char* generation : {"keras-1.2", "keras-2.1", "keras-2.2", "tf-1.15", "keras-2.15", "keras-3"}) {
    const std::vector<std::string> names = allFixtures();
    const auto count = std::count_if(names.begin(), names.end(),
                                     [&](const std::string& name) { return name.starts_with(generation); });
    EXPECT_GE(count, 8) << generation;
  }
}

TEST(Verify, AgreesWithKeras) {
  const ParityReport report = verify(openFixture("keras-2.15/classic"), testing::lowerAscii);
  EXPECT_EQ(report.madeWith, "Keras 2.15.0, tensorflow 2.15.1");
  EXPECT_GE(report.cases.size(), 7u);
  EXPECT_TRUE(report.agrees());
  EXPECT_LE(report.outputDifference(), 1e-5);
  EXPECT_GT(report.outputDifference(), 0.0) << "float arithmetic in another order is never exactly Keras's";
}

TEST(Verify, SeesIdsThatDiffer) {
  // Without lower-casing, the capitals of the fixture's texts are other characters.
  const LowerCase none = [](std::u32string_view text) {
    LoweredText same{std::u32string(text), {}};
    for (uint32_t i = 0; i < text.size(); ++i) same.origin.push_back(i);
    return same;
  };
  const ParityReport report = verify(openFixture("keras-2.15/text_non_ascii"), none);
  EXPECT_FALSE(report.agrees());
  EXPECT_TRUE(std::any_of(report.cases.begin(), report.cases.end(),
                          [](const ParityCase& one) { return !one.idsAgree; }));
}

TEST(ParityCase, AgreesWithinTheFormatsTolerancesOnly) {
  ParityCase one;
  one.outputDifference = 1e-5;
  one.attentionDifference = 1e-6;
  EXPECT_TRUE(one.agrees());
  one.outputDifference = 1.1e-5;
  EXPECT_FALSE(one.agrees());
  one.outputDifference = 0;
  one.attentionDifference = 1.1e-6;
  EXPECT_FALSE(one.agrees());
  one.attentionDifference = 0;
  one.problem = "a layer that is not there";
  EXPECT_FALSE(one.agrees());
}

TEST(CountParityCases, CountsWhatTheListHolds) {
  EXPECT_EQ(countParityCases(""), 0U);
  EXPECT_EQ(countParityCases(R"({"made_with": {"cases": [1, 2]}, "cases": []})"), 0U);
  EXPECT_EQ(countParityCases(R"({"cases":[{}]})"), 1U);
  EXPECT_EQ(countParityCases("{ \"cases\" :\n[ {\"ids\": [[1, 2], [3]], \"cases\": [1, 2, 3]} , {} "
                             ",\t{\"a\": \"],[\\\"}\"} ] , \"more\": [1, 2] }"),
            3U);
}

TEST(CountParityCases, FindsNoneWhereThereIsNoSuchList) {
  for (const char* text : {"[1, 2]", "{\"cases\": 3}", "{\"cases\": {\"a\": 1}}", "{\"other\": [1, 2]}", "]]",
                           "\"cases\"", "\"\\"})
    EXPECT_EQ(countParityCases(text), 0U) << text;
}

TEST(CountParityCases, AgreesWithTheParserOnEveryFixture) {
  size_t compared = 0;
  for (const std::string& name : allFixtures()) {
    const std::string parity = openFixture(name)->parity();
    if (parity.empty()) continue;
    EXPECT_EQ(countParityCases(parity), nlohmann::json::parse(parity)["cases"].size()) << name;
    ++compared;
  }
  EXPECT_GT(compared, 100U);
}

}  // namespace
}  // namespace charglow
