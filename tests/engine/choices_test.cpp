// Decisions where a file is silent: each is told, each can be overridden, and none that decides nothing goes
// unnoticed.

#include "keras/choices.h"

#include <gtest/gtest.h>

namespace charglow {
namespace {

const std::vector<Assumption::Option> kYesNo = {{"true", "yes"}, {"false", "no"}};

TEST(Choices, FallsBackAndTells) {
  Choices choices;
  EXPECT_EQ(choices.choose("gru.mask", "The file does not say.", kYesNo, "false"), "false");
  ASSERT_EQ(choices.assumptions().size(), 1u);
  EXPECT_EQ(choices.assumptions()[0].id, "gru.mask");
  EXPECT_EQ(choices.assumptions()[0].options.size(), 2u);
  EXPECT_FALSE(choices.assumptions()[0].chosen);
  EXPECT_TRUE(choices.problems().empty());
}

TEST(Choices, TakesWhatIsGivenAndAnswersTheSameTwice) {
  Choices choices(Choices::Given{{"gru.mask", "true"}});
  EXPECT_EQ(choices.choose("gru.mask", "The file does not say.", kYesNo, "false"), "true");
  EXPECT_EQ(choices.choose("gru.mask", "The file does not say.", kYesNo, "false"), "true");
  ASSERT_EQ(choices.assumptions().size(), 1u);
  EXPECT_TRUE(choices.assumptions()[0].chosen);
  EXPECT_TRUE(choices.problems().empty());
}

TEST(Choices, RefusesWhatIsNoOption) {
  Choices choices(Choices::Given{{"gru.mask", "perhaps"}});
  EXPECT_EQ(choices.choose("gru.mask", "The file does not say.", kYesNo, "false"), "false");
  ASSERT_EQ(choices.problems().size(), 1u);
  EXPECT_EQ(choices.problems()[0].text(),
            "assumption \"gru.mask\": expected one of true, false, found \"perhaps\".");
}

TEST(Choices, RefusesWhatDecidesNothing) {
  Choices choices(Choices::Given{{"gru.maks", "true"}});
  choices.choose("gru.mask", "The file does not say.", kYesNo, "false");
  ASSERT_EQ(choices.problems().size(), 1u);
  EXPECT_EQ(choices.problems()[0].text(),
            "assumption \"gru.maks\": expected something this model leaves open, found nothing of that name. "
            "It can be one "
            "of gru.mask.");
}

TEST(Choices, WhatOnlySomeUsesLeaveOpenIsTickedOffAndToldElsewhere) {
  Choices choices(Choices::Given{{"text.padding", "post"}, {"text.lower", "maybe"}});
  EXPECT_EQ(choices.given("text.padding", {{"pre", ""}, {"post", ""}}), "post");
  EXPECT_EQ(choices.given("text.lower", kYesNo), std::nullopt);
  EXPECT_EQ(choices.given("text.other", kYesNo), std::nullopt);
  EXPECT_TRUE(choices.assumptions().empty());
  ASSERT_EQ(choices.problems().size(), 1u);
  EXPECT_EQ(choices.problems()[0].text(),
            "assumption \"text.lower\": expected one of true, false, found \"maybe\".");
}

TEST(Choices, FreeTextIsTickedOff) {
  Choices choices(Choices::Given{{"lambda:sum", "sum(axis=1)"}});
  EXPECT_EQ(choices.given("lambda:sum"), "sum(axis=1)");
  EXPECT_EQ(choices.given("lambda:other"), std::nullopt);
  EXPECT_TRUE(choices.problems().empty());
}

}  // namespace
}  // namespace charglow
