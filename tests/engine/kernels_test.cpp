#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "kernels/activations.h"
#include "kernels/affine.h"
#include "kernels/attend.h"
#include "kernels/float4.h"
#include "kernels/reduce.h"
#include "kernels/row_products.h"
#include "kernels/strided.h"

namespace charglow {
namespace {

std::vector<float> randomFloats(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> range(-1.0f, 1.0f);
  std::vector<float> values(count);
  std::generate(values.begin(), values.end(), [&] { return range(random); });
  return values;
}

struct Size {
  int in;
  int out;
  int rows;
};

class AffineSizes : public ::testing::TestWithParam<Size> {};

TEST_P(AffineSizes, IsTheProductInDoubles) {
  const auto [in, out, rows] = GetParam();
  const std::vector<float> kernel = randomFloats(static_cast<size_t>(in * out), 1);
  const std::vector<float> bias = randomFloats(static_cast<size_t>(out), 2);
  const std::vector<float> x = randomFloats(static_cast<size_t>(in * rows), 3);
  for (const bool biased : {true, false}) {
    const Affine affine(kernel, in, out, biased ? bias : std::vector<float>{});
    // Room for a wrong kernel to write beyond its columns, and the mark it must leave alone.
    std::vector<float> y(static_cast<size_t>(out * rows) + 1, 77.0f);
    affine.apply(x.data(), rows, y.data());
    for (int r = 0; r < rows; ++r) {
      for (int j = 0; j < out; ++j) {
        double sum = biased ? bias[static_cast<size_t>(j)] : 0.0;
        for (int i = 0; i < in; ++i)
          sum +=
              double{x[static_cast<size_t>(r * in + i)]} * double{kernel[static_cast<size_t>(i * out + j)]};
        ASSERT_NEAR(y[static_cast<size_t>(r * out + j)], sum, 1e-5) << r << ", " << j;
      }
    }
    EXPECT_EQ(y.back(), 77.0f);
  }
}

TEST_P(AffineSizes, TakesGradientsBackThroughTheTransposed) {
  const auto [in, out, rows] = GetParam();
  constexpr int kApart = 3;  // between rows, which must be left alone
  const std::vector<float> kernel = randomFloats(static_cast<size_t>(in * out), 1);
  const std::vector<float> y = randomFloats(static_cast<size_t>((out + kApart) * rows), 2);
  const Affine affine(kernel, in, out, randomFloats(static_cast<size_t>(out), 3));
  std::vector<float> x(static_cast<size_t>((in + kApart) * rows), 0.5f);
  affine.addTransposed(y.data(), out + kApart, rows, x.data(), in + kApart);
  for (int r = 0; r < rows; ++r) {
    for (int i = 0; i < in + kApart; ++i) {
      double sum = 0.5;
      for (int j = 0; i < in && j < out; ++j)
        sum += double{y[static_cast<size_t>(r * (out + kApart) + j)]} *
               double{kernel[static_cast<size_t>(i * out + j)]};
      ASSERT_NEAR(x[static_cast<size_t>(r * (in + kApart) + i)], sum, 1e-5) << r << ", " << i;
    }
  }
}

TEST_P(AffineSizes, GivesARowTheSameBitsAloneAndAmongOthers) {
  const auto [in, out, rows] = GetParam();
  const Affine affine(randomFloats(static_cast<size_t>(in * out), 1), in, out,
                      randomFloats(static_cast<size_t>(out), 2));
  constexpr int kRows = 8;
  constexpr int kApart = 3;  // between rows, which must be left alone
  const std::vector<float> x = randomFloats(static_cast<size_t>((in + kApart) * kRows), 3);
  std::vector<float> y(static_cast<size_t>((out + kApart) * kRows), 77.0f);
  affine.apply(x.data(), in + kApart, kRows, y.data(), out + kApart);
  std::vector<float> alone(static_cast<size_t>(out));
  for (int r = 0; r < kRows; ++r) {
    affine.apply(x.data() + r * (in + kApart), 1, alone.data());
    const auto own = y.begin() + r * (out + kApart);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), own)) << "row " << r;
    EXPECT_EQ(std::count(own + out, own + out + kApart, 77.0f), kApart);
  }
}

TEST_P(AffineSizes, TakesAMatrixFromAnyLayout) {
  const auto [in, out, rows] = GetParam();
  const std::vector<float> kernel = randomFloats(static_cast<size_t>(in * out), 1);
  std::vector<float> turned(kernel.size());
  for (int i = 0; i < in; ++i) {
    for (int j = 0; j < out; ++j) {
      turned[static_cast<size_t>(j * in + i)] = kernel[static_cast<size_t>(i * out + j)];
    }
  }
  const std::vector<float> x = randomFloats(static_cast<size_t>(in), 3);
  std::vector<float> expected(static_cast<size_t>(out));
  Affine(kernel, in, out, {}).apply(x.data(), 1, expected.data());
  Affine affine(randomFloats(900, 4), 30, 30, {});  // another, to be replaced
  affine.assign(turned.data(), 1, in, in, out);
  std::vector<float> y(static_cast<size_t>(out));
  affine.apply(x.data(), 1, y.data());
  EXPECT_EQ(y, expected);
}

// Around the narrow limit (16) and whole panels (32), with one and several rows.
INSTANTIATE_TEST_SUITE_P(Sizes, AffineSizes,
                         ::testing::Values(Size{1, 1, 1}, Size{7, 1, 5}, Size{5, 15, 3}, Size{5, 16, 3},
                                           Size{3, 17, 2}, Size{9, 31, 1}, Size{9, 32, 4}, Size{9, 33, 1},
                                           Size{13, 48, 4}, Size{13, 49, 5}, Size{13, 64, 2},
                                           Size{100, 750, 3}),
                         [](const auto& each) {
                           return "in" + std::to_string(each.param.in) + "out" +
                                  std::to_string(each.param.out);
                         });

TEST(Activations, HaveTheNamesOfKeras) {
  EXPECT_EQ(activationNamed("hard_sigmoid", false), Activation::HardSigmoid2);
  EXPECT_EQ(activationNamed("hard_sigmoid", true), Activation::HardSigmoid3);
  EXPECT_EQ(activationNamed("swish", false), activationNamed("silu", true));
  EXPECT_EQ(activationNamed("sparsemax", true), std::nullopt);
  EXPECT_EQ(activationNamed("", true), std::nullopt);
}

TEST(Activations, TheTwoHardSigmoidsDiffer) {
  std::vector<float> old = {-4, -2.5, -1, 0, 1, 2.5, 4};
  std::vector<float> now = old;
  activate(Activation::HardSigmoid2, old);
  activate(Activation::HardSigmoid3, now);
  const std::vector<float> expectedOld = {0, 0, 0.3f, 0.5f, 0.7f, 1, 1};
  const std::vector<float> expectedNow = {0, 0.0833333f, 0.3333333f, 0.5f, 0.6666667f, 0.9166667f, 1};
  for (size_t i = 0; i < old.size(); ++i) {
    EXPECT_NEAR(old[i], expectedOld[i], 1e-6);
    EXPECT_NEAR(now[i], expectedNow[i], 1e-6);
  }
}

/// No activation may turn a finite number, however large, into NaN.
TEST(Activations, StandLargeNumbers) {
  for (int which = 0; which <= static_cast<int>(Activation::LogSoftmax); ++which) {
    const auto activation = static_cast<Activation>(which);
    std::vector<float> row = {-1e30f, -100.0f, -1e-30f, 0.0f, 1e-30f, 100.0f, 1e30f};
    activate(activation, row);
    for (const float value : row) EXPECT_FALSE(std::isnan(value)) << activationName(activation);
  }
}

TEST(Softmax, SumsToOneOverStrides) {
  std::vector<float> values = {1000, -5, 1001, 7, 999, 0};  // two interleaved rows
  softmax(values.data(), 3, 2);
  softmax(values.data() + 1, 3, 2);
  EXPECT_NEAR(values[0] + values[2] + values[4], 1.0, 1e-6);
  EXPECT_NEAR(values[0], 0.24472847, 1e-6);
  EXPECT_NEAR(values[3], 0.99908288, 1e-6);
}

TEST(Softmax, OfNothingIsNothing) { softmax(nullptr, 0, 1); }

TEST(Reduce, EveryKindOverEveryAxis) {
  const Shape shape = {{1}, {2}, {3}};
  const std::vector<float> values = {1, 2, 3, 4, 5, 7};
  const auto reduced = [&](ReduceKind kind, std::vector<size_t> axes) {
    const Shape left = reducedShape(shape, axes, false);
    std::vector<float> out(static_cast<size_t>(elementCount(left)));
    reduce(kind, values, shape, axes, out);
    return out;
  };
  EXPECT_EQ(reduced(ReduceKind::Sum, {1}), (std::vector<float>{5, 7, 10}));
  EXPECT_EQ(reduced(ReduceKind::Sum, {2}), (std::vector<float>{6, 16}));
  EXPECT_EQ(reduced(ReduceKind::Sum, {1, 2}), (std::vector<float>{22}));
  EXPECT_EQ(reduced(ReduceKind::Mean, {1}), (std::vector<float>{2.5f, 3.5f, 5}));
  EXPECT_EQ(reduced(ReduceKind::Max, {1}), (std::vector<float>{4, 5, 7}));
  EXPECT_EQ(reduced(ReduceKind::Min, {2}), (std::vector<float>{1, 4}));
  EXPECT_EQ(reduced(ReduceKind::Prod, {2}), (std::vector<float>{6, 140}));
  EXPECT_EQ(shapeText(reducedShape(shape, std::vector<size_t>{1}, true)), "(1, 1, 3)");
}

/// The activation of one number, at each of four places.
float activated(Activation activation, float x) {
  std::vector<float> row = {0.5f, -3.0f, x, 7.0f, x};
  activate(activation, row);
  EXPECT_TRUE(row[2] == row[4] || std::isnan(row[2])) << x << ": the place makes a difference";
  return row[2];
}

TEST(Activations, SigmoidAndTanhAreExactToSomeUnitsInTheLastPlace) {
  for (float x = -87.0f; x < 90.0f; x += 0.00173f) {
    const double wide = x;
    const double sigmoid = 1.0 / (1.0 + std::exp(-wide));
    ASSERT_LE(std::abs(activated(Activation::Sigmoid, x) - sigmoid), 3e-7 * sigmoid) << x;
    ASSERT_LE(std::abs(activated(Activation::Tanh, x) - std::tanh(wide)), 3e-7 * std::abs(std::tanh(wide)))
        << x;
  }
}

TEST(Activations, SigmoidAndTanhAtTheEnds) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(activated(Activation::Sigmoid, -kInfinity), 0.0f);
  EXPECT_EQ(activated(Activation::Sigmoid, kInfinity), 1.0f);
  EXPECT_EQ(activated(Activation::Tanh, -kInfinity), -1.0f);
  EXPECT_EQ(activated(Activation::Tanh, 1e30f), 1.0f);
  for (const Activation activation : {Activation::Sigmoid, Activation::Tanh, Activation::Silu})
    EXPECT_TRUE(std::isnan(activated(activation, std::nanf("")))) << activationName(activation);
}

TEST(RowProducts, ComputesTheRowsThatHaveChanged) {
  constexpr int kIn = 50;
  constexpr int kOut = 45;
  const Affine affine(randomFloats(kIn * kOut, 1), kIn, kOut, randomFloats(kOut, 2));
  RowProducts products;
  std::mt19937 random(9);
  std::vector<float> x = randomFloats(12 * kIn, 3);
  for (int round = 0; round < 60; ++round) {
    const int rows = 1 + static_cast<int>(random() % 12);
    for (unsigned edits = random() % 3; edits > 0; --edits) x[random() % x.size()] += 1.0f;
    std::vector<float> expected(static_cast<size_t>(rows * kOut));
    affine.apply(x.data(), rows, expected.data());
    std::vector<float> y(expected.size());
    products.apply(affine, x.data(), rows, y.data());
    ASSERT_EQ(y, expected) << "round " << round;
  }
}

TEST(Strided, WalksInCOrderWhateverTheStrides) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Shape shape;
    std::vector<size_t> stride;
    for (unsigned rank = random() % 5; rank > 0; --rank) {
      shape.push_back({1 + static_cast<int>(random() % 4)});
      // Often those that let axes be walked as one.
      stride.push_back(random() % 3 == 0 || stride.empty()
                           ? random() % 7
                           : stride.back() / std::max(1u, static_cast<unsigned>(shape.back().size)));
    }
    std::vector<size_t> expected;
    for (int element = 0; element < elementCount(shape); ++element) {
      int rest = element;
      size_t offset = 0;
      for (size_t axis = shape.size(); axis-- > 0;) {
        offset += static_cast<size_t>(rest % shape[axis].size) * stride[axis];
        rest /= shape[axis].size;
      }
      expected.push_back(offset);
    }
    std::vector<size_t> walked;
    StridedWalk(shape, stride).elements([&](size_t offset) { walked.push_back(offset); });
    ASSERT_EQ(walked, expected) << shapeText(shape);
  }
}

TEST(Strided, GathersATransposedMatrix) {
  for (const int rows : {1, 3, 4, 9}) {
    for (const int columns : {1, 2, 4, 7, 8}) {
      constexpr int kApart = 11;
      const std::vector<float> from = randomFloats(static_cast<size_t>(columns * kApart), 5);
      std::vector<float> to(static_cast<size_t>(rows * columns) + 1, 77.0f);
      const std::vector<size_t> stride = {1, kApart};
      gather(StridedWalk({{rows}, {columns}}, stride), from.data(), to.data());
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < columns; ++j)
          EXPECT_EQ(to[static_cast<size_t>(i * columns + j)], from[static_cast<size_t>(i + j * kApart)]);
      }
      EXPECT_EQ(to.back(), 77.0f);
    }
  }
}

TEST(Reduce, FindsTheFirstNumberThatIsNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> values = randomFloats(11, 1);
    values[0] = std::numeric_limits<float>::max();
    EXPECT_EQ(firstNotFinite(values), nullptr);
    for (size_t place = values.size(); place-- > 0;) {
      values[place] = bad;
      EXPECT_EQ(firstNotFinite(values), values.data() + place);
    }
  }
  EXPECT_EQ(firstNotFinite({}), nullptr);
}

TEST(Float4, ComparesBits) {
  std::vector<float> x = randomFloats(11, 1);
  std::vector<float> y = x;
  for (size_t count = 0; count <= x.size(); ++count) EXPECT_TRUE(sameBits(x.data(), y.data(), count));
  for (size_t place = 0; place < x.size(); ++place) {
    y = x;
    y[place] += 1.0f;
    for (size_t count = 0; count <= x.size(); ++count)
      EXPECT_EQ(sameBits(x.data(), y.data(), count), count <= place) << place << " of " << count;
  }
  x = {0.0f, std::numeric_limits<float>::quiet_NaN()};
  y = {-0.0f, x[1]};
  EXPECT_FALSE(sameBits(x.data(), y.data(), 1));
  EXPECT_TRUE(sameBits(x.data() + 1, y.data() + 1, 1));
}

TEST(Strided, WalksWhatIsInOnePieceAsOneRun) {
  int runs = 0;
  const std::vector<size_t> stride = {12, 4, 1};
  StridedWalk({{2}, {3}, {4}}, stride).runs([&](size_t offset, size_t count, size_t apart) {
    ++runs;
    EXPECT_EQ(offset, 0u);
    EXPECT_EQ(count, 24u);
    EXPECT_EQ(apart, 1u);
  });
  EXPECT_EQ(runs, 1);
}

TEST(Attend, IsTheSameForOneQueryAndForMany) {
  constexpr int kSteps = 19;
  constexpr int kFeatures = 6;
  constexpr int kStride = 11;
  const std::vector<float> memory = randomFloats(kSteps * kStride, 1);
  const std::vector<float> queries = randomFloats(3 * kFeatures, 2);
  const Rows rows{memory.data(), kSteps, kFeatures, kStride};
  Affine packed;
  std::vector<float> scores(3 * kSteps);
  dotScores({queries.data(), 3, kFeatures, kFeatures}, rows, 0.5f, scores.data(), packed);
  std::vector<float> sums(3 * kFeatures);
  attend(scores.data(), 3, rows, sums.data(), kFeatures, packed);
  for (int q = 0; q < 3; ++q) {
    std::vector<float> own(kSteps);
    dotScores(queries.data() + q * kFeatures, rows, 0.5f, own.data());
    std::vector<float> sum(kFeatures);
    attend(scores.data() + q * kSteps, rows, sum.data());
    for (int s = 0; s < kSteps; ++s) {
      double expected = 0;
      for (int f = 0; f < kFeatures; ++f)
        expected += 0.5 * double{queries[static_cast<size_t>(q * kFeatures + f)]} * double{rows.row(s)[f]};
      EXPECT_NEAR(own[static_cast<size_t>(s)], expected, 1e-6);
      EXPECT_NEAR(scores[static_cast<size_t>(q * kSteps + s)], expected, 1e-6);
    }
    for (int f = 0; f < kFeatures; ++f) {
      EXPECT_NEAR(sums[static_cast<size_t>(q * kFeatures + f)], sum[static_cast<size_t>(f)], 1e-5);
    }
  }
}

}  // namespace
}  // namespace charglow
