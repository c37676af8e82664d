// How a text is read, where the vocabulary does not say: assumed, told, and chosen otherwise.

#include "text/text_choices.h"

#include <gtest/gtest.h>

#include <map>

namespace charglow {
namespace {

constexpr const char* kBare = R"({"a": 1, "b": 2})";

std::vector<std::string> ids(const std::vector<Assumption>& assumptions) {
  std::vector<std::string> all;
  for (const Assumption& assumption : assumptions) all.push_back(assumption.id + "=" + assumption.value);
  return all;
}

TextChoices choicesFrom(std::map<std::string, std::string, std::less<>> given) {
  Choices choices(std::move(given));
  TextChoices text(choices);
  EXPECT_TRUE(choices.problems().empty());
  return text;
}

TEST(TextChoices, WhatABareVocabularyLeavesOpenIsToldWithItsOptions) {
  const TextSpec spec = parseVocabulary(kBare, "vocab.json");
  const std::vector<Assumption> told = TextChoices().assumptions(spec);
  EXPECT_EQ(ids(told),
            (std::vector<std::string>{"text.padding=pre", "text.truncating=pre", "text.lower=true"}));
  for (const Assumption& assumption : told) {
    EXPECT_EQ(assumption.options.size(), 2u);
    EXPECT_FALSE(assumption.chosen);
  }
  // Each is told once: what is left has no choice.
  EXPECT_EQ(otherwiseAssumed(spec).size(), spec.assumed.size() - 3);
}

TEST(TextChoices, WhatIsChosenHolds) {
  const TextChoices choices =
      choicesFrom({{"text.padding", "post"}, {"text.truncating", "post"}, {"text.lower", "false"}});
  TextSpec spec = parseVocabulary(kBare, "vocab.json");
  choices.apply(spec);
  EXPECT_EQ(spec.padding, TextSpec::End::Post);
  EXPECT_EQ(spec.truncating, TextSpec::End::Post);
  EXPECT_EQ(spec.lower, TextSpec::Lower::No);
  const std::vector<Assumption> told = choices.assumptions(spec);
  EXPECT_EQ(ids(told),
            (std::vector<std::string>{"text.padding=post", "text.truncating=post", "text.lower=false"}));
  for (const Assumption& assumption : told) EXPECT_TRUE(assumption.chosen);
}

TEST(TextChoices, OneChoiceLeavesTheOthersAssumed) {
  const TextChoices choices = choicesFrom({{"text.truncating", "post"}});
  TextSpec spec = parseVocabulary(kBare, "vocab.json");
  choices.apply(spec);
  EXPECT_EQ(spec.padding, TextSpec::End::Pre);
  const std::vector<Assumption> told = choices.assumptions(spec);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_FALSE(told[0].chosen);
  EXPECT_TRUE(told[1].chosen);
}

TEST(TextChoices, WhatTheEncodingStatesIsNoAssumption) {
  const TextSpec spec = parseVocabulary(
      R"({"unit": "char", "vocabulary": {"a": 1}, "lower": false, "padding": "post", "truncating": "pre"})",
      "text.json");
  EXPECT_TRUE(TextChoices().assumptions(spec).empty());
}

TEST(TextChoices, NonsenseIsAProblem) {
  Choices choices(Choices::Given{{"text.padding", "left"}});
  const TextChoices text(choices);
  ASSERT_EQ(choices.problems().size(), 1u);
  EXPECT_EQ(choices.problems()[0].text(),
            "assumption \"text.padding\": expected one of pre, post, found \"left\".");
  EXPECT_TRUE(text.assumptions(TextSpec()).empty());
}

}  // namespace
}  // namespace charglow
