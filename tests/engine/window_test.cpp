// Which timesteps of the text a step behind a convolution or a pooling stands for.

#include "layers/window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "fixtures.h"
#include "session.h"

namespace charglow {
namespace {

using Padding = Window::Padding;

Dim time(int size) { return {size, Along::Time, {}}; }

TEST(Window, TakesAsManyPlacesAsTensorFlowSays) {
  // keras/utils/conv_utils.py (2.15), conv_output_length
  EXPECT_EQ((Window{3, 1, Padding::Valid}.count(7)), 5);
  EXPECT_EQ((Window{3, 2, Padding::Valid}.count(8)), 3);
  EXPECT_EQ((Window{3, 1, Padding::Valid}.count(2)), 0);
  EXPECT_EQ((Window{3, 2, Padding::Same}.count(7)), 4);
  EXPECT_EQ((Window{3, 2, Padding::Causal}.count(8)), 4);
}

TEST(Window, DividesPaddingInHalvesTheSmallerInFront) {
  EXPECT_EQ((Window{3, 1, Padding::Same}.before(7)), 1);
  EXPECT_EQ((Window{4, 1, Padding::Same}.before(7)), 1);
  EXPECT_EQ((Window{3, 2, Padding::Same}.before(8)), 0);
  EXPECT_EQ((Window{3, 2, Padding::Same}.before(7)), 1);
  EXPECT_EQ((Window{2, 3, Padding::Same}.before(7)), 0);
  EXPECT_EQ((Window{4, 1, Padding::Same, 2}.before(7)), 2)
      << "Theano: half of the kernel, whatever the length";
  EXPECT_EQ((Window{5, 1, Padding::Causal}.before(7)), 4);
}

/// The timesteps of an input of `size` that each place stands for, by following the windows one by one.
std::vector<std::vector<int>> followed(const std::vector<std::vector<int>>& below, const Window& window,
                                       int from, int width) {
  const int size = static_cast<int>(below.size());
  std::vector<std::vector<int>> places;
  for (int place = 0; place < window.count(size); ++place) {
    std::vector<int> covered;
    for (int k = from; k < from + width; ++k) {
      const int step = place * window.stride - window.before(size) + k;
      if (step < 0 || step >= size) continue;
      covered.insert(covered.end(), below[static_cast<size_t>(step)].begin(),
                     below[static_cast<size_t>(step)].end());
    }
    std::sort(covered.begin(), covered.end());
    covered.erase(std::unique(covered.begin(), covered.end()), covered.end());
    places.push_back(covered);
  }
  return places;
}

/// What `dim` says, of the timesteps that the steps of the layer below stand for: those it left over at the
/// end are nobody's, and a padded window above may count them in.
std::vector<std::vector<int>> told(const Dim& dim, const std::vector<std::vector<int>>& below) {
  std::set<int> seen;
  for (const std::vector<int>& covered : below) seen.insert(covered.begin(), covered.end());
  std::vector<std::vector<int>> places;
  for (int i = 0; i < dim.size; ++i) {
    std::vector<int> covered;
    for (int k = 0; k < dim.steps.width; ++k) {
      const int t = dim.steps.offset + i * dim.steps.stride + k;
      if (seen.contains(t)) covered.push_back(t);
    }
    places.push_back(covered);
  }
  if (dim.along == Along::ReversedTime) std::reverse(places.begin(), places.end());
  return places;
}

/// Follows two windows, one upon the other, along a text of `length`.
void expectFollowed(Along along, int length, const std::vector<Window>& windows) {
  Dim dim{length, along, {}};
  std::vector<std::vector<int>> truth;
  for (int t = 0; t < length; ++t) truth.push_back({along == Along::Time ? t : length - 1 - t});
  for (const Window& window : windows) {
    dim = windowed(dim, window, 0, window.size);
    const auto below = std::exchange(truth, followed(truth, window, 0, window.size));
    ASSERT_EQ(told(dim, below), truth) << length << ": " << window.size << "/" << window.stride;
  }
}

TEST(Windowed, SaysWhatFollowingTheWindowsFinds) {
  const std::vector<Window> windows = {{2, 2, Padding::Valid}, {3, 2, Padding::Same},
                                       {3, 1, Padding::Valid}, {4, 3, Padding::Same},
                                       {3, 2, Padding::Valid}, {2, 1, Padding::Causal}};
  for (const Along along : {Along::Time, Along::ReversedTime}) {
    for (int length = 17; length < 24; ++length) {
      for (const Window& first : windows) {
        for (const Window& second : windows) expectFollowed(along, length, {first, second});
      }
    }
  }
}

TEST(Windowed, StandsForAPartOfTheWindowFromEitherEnd) {
  const Window window{5, 1, Padding::Valid};
  EXPECT_EQ(windowed(time(9), window, 1, 1).steps.offset, 1);
  EXPECT_EQ(windowed({9, Along::ReversedTime, {}}, window, 1, 1).steps.offset, 3);
}

TEST(Cropped, CountsFromTheTextsStart) {
  EXPECT_EQ(cropped(time(9), 2, 1), (Dim{6, Along::Time, {0, 1, 2, 1}}));
  EXPECT_EQ(cropped({9, Along::ReversedTime, {}}, 2, 1), (Dim{6, Along::ReversedTime, {0, 1, 1, 1}}));
  EXPECT_EQ(cropped(time(9), -3, -1).steps.offset, -3) << "padding stands for no timestep of the text";
}

TEST(Repeated, DividesTheTimestepsOfAStepOrTellsOfNone) {
  EXPECT_EQ(repeated({5, Along::Time, {0, 4, 1, 4}}, 2), (Dim{10, Along::Time, {0, 2, 1, 2}}));
  EXPECT_FALSE(repeated(time(5), 2).isTime());
}

TEST(Windowed, StaysWithinWhatAnIntHolds) {
  Dim dim{kUnknown, Along::Time, {}};
  for (int i = 0; i < 4; ++i) dim = windowed(dim, {1 << 24, 1 << 24, Padding::Same}, 0, 1 << 24);
  EXPECT_EQ(dim.steps.stride, kMaxElements);
}

struct Map {
  const char* fixture;
  Steps steps;
};

class StepsOfAttention : public ::testing::TestWithParam<Map> {};

TEST_P(StepsOfAttention, AreThoseOfTheLayersBelow) {
  const auto model = testing::openFixture(GetParam().fixture);
  ASSERT_EQ(model->attention().size(), 1u);
  EXPECT_EQ(model->attention()[0].steps.steps, GetParam().steps);
  EXPECT_EQ(model->attention()[0].steps.along, Along::Time);
}

// input, stride, offset and width, in a text of 15 characters
INSTANTIATE_TEST_SUITE_P(Fixtures, StepsOfAttention,
                         ::testing::Values(
                             // A kernel of 3, whose middle counts; then pairs.
                             Map{"keras-2.15/convolution_attention", {0, 2, 1, 2}},
                             // Every second, then pairs of those: four characters each.
                             Map{"keras-2.15/convolution_attention_same", {0, 4, 0, 4}},
                             Map{"keras-2.15/convolution_attention_stacked", {0, 4, 0, 7}}),
                         [](const auto& each) { return std::to_string(each.index); });

}  // namespace
}  // namespace charglow
