// Texts that go through a model together get what each would get by itself, bit for bit.

#include "corpus.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "error.h"
#include "fixtures.h"
#include "layers/recurrent/shared_steps.h"
#include "session.h"

namespace charglow {
namespace {

using testing::openFixture;

/// Rows that begin alike, part, and go on with the same again: each has the first steps of the one before.
template <class Number, class Draw>
std::vector<Number> rowsThatBeginAlike(int batch, int steps, int width, std::mt19937& random, Draw draw) {
  std::vector<Number> rows;
  for (int b = 0; b < batch; ++b) {
    const int shared = b == 0 ? 0 : static_cast<int>(random() % static_cast<unsigned>(steps + 1)) * width;
    for (int i = 0; i < steps * width; ++i)
      rows.push_back(i < shared ? rows[rows.size() - static_cast<size_t>(steps * width)] : draw());
  }
  return rows;
}

/// What the rows of a batch are fed, input by input.
struct Fed {
  std::vector<int32_t> ids;
  std::vector<float> values;
  std::vector<int> shape;  ///< of one row, batch axis included
};

Fed drawRows(const Model& model, size_t input, int batch, std::mt19937& random) {
  Fed fed;
  int width = 1;
  for (const Dim& dim : model.inputShape(input)) fed.shape.push_back(dim.known() ? dim.size : 6);
  fed.shape[0] = 1;
  for (size_t axis = 2; axis < fed.shape.size(); ++axis) width *= fed.shape[axis];
  if (model.inputs()[input].kind == InputKind::Values) {
    // Whole numbers, since some inputs are ids of words within sentences.
    fed.values = rowsThatBeginAlike<float>(batch, fed.shape[1], width, random,
                                           [&] { return static_cast<float>(random() % 4); });
  } else {
    const auto most = static_cast<unsigned>(model.inputs()[input].idCount);
    fed.ids = rowsThatBeginAlike<int32_t>(batch, fed.shape[1], 1, random,
                                          [&] { return static_cast<int32_t>(random() % most); });
  }
  return fed;
}

/// Rows [first, first + count) of what was drawn for `batch` of them.
void feed(Session& session, size_t input, const Fed& fed, int batch, int first, int count) {
  const auto rowsOf = [&](const auto& all) {
    return std::span(all).subspan(all.size() / static_cast<size_t>(batch) * static_cast<size_t>(first),
                                  all.size() / static_cast<size_t>(batch) * static_cast<size_t>(count));
  };
  if (fed.values.empty()) return session.feedIds(rowsOf(fed.ids), count, input);
  std::vector<int> shape = fed.shape;
  shape[0] = count;
  session.feedInput(rowsOf(fed.values), shape, input);
}

void expectRowsAsAlone(const std::shared_ptr<const Model>& model) {
  constexpr int kRows = 7;  // neither a multiple of the rows that are multiplied together nor less than them
  std::mt19937 random(11);
  std::vector<Fed> fed;
  for (size_t input = 0; input < model->inputs().size(); ++input)
    fed.push_back(drawRows(*model, input, kRows, random));
  const auto run = [&](Session& session, int first, int count) {
    for (size_t input = 0; input < fed.size(); ++input) feed(session, input, fed[input], kRows, first, count);
    session.run();
  };
  Session together(model);
  run(together, 0, kRows);
  for (int b = 0; b < kRows; ++b) {
    Session alone(model);
    run(alone, b, 1);
    for (size_t node = 0; node < model->graph().nodes.size(); ++node) {
      const Value& all = together.value(node);
      const Value& one = alone.value(node);
      if (all.data.size() != one.data.size() * kRows) continue;  // a constant, the same for all rows
      const auto own = all.data.begin() + b * static_cast<ptrdiff_t>(one.data.size());
      ASSERT_TRUE(std::equal(one.data.begin(), one.data.end(), own))
          << model->graph().nodes[node].name() << ", row " << b;
    }
  }
}

/// A generation of Keras, all fixtures of which are one test.
class Batches : public ::testing::TestWithParam<std::string> {};

TEST_P(Batches, GiveEveryRowWhatItGetsByItself) {
  for (const std::string& fixture : testing::allFixtures()) {
    if (fixture.rfind(GetParam() + "/", 0) != 0) continue;
    SCOPED_TRACE(fixture);
    expectRowsAsAlone(openFixture(fixture));
  }
}

INSTANTIATE_TEST_SUITE_P(Generations, Batches,
                         ::testing::Values("keras-1.2", "keras-2.1", "keras-2.2", "tf-1.15", "keras-2.13",
                                           "keras-2.15", "keras-3"),
                         testing::fixtureTestName<std::string>);

/// A text of ASCII as the host hands it over.
struct Ascii {
  std::u32string text;
  std::vector<uint32_t> origin;

  explicit Ascii(const std::string& from) : text(from.begin(), from.end()) {
    for (uint32_t i = 0; i < text.size(); ++i) origin.push_back(i);
  }
  [[nodiscard]] SourceText source() const { return {text.size(), text, origin}; }
};

std::vector<SourceText> sourcesOf(const std::vector<Ascii>& texts) {
  std::vector<SourceText> sources;
  for (const Ascii& text : texts) sources.push_back(text.source());
  return sources;
}

void expectAsAlone(const std::shared_ptr<const Model>& model, const std::vector<Ascii>& texts) {
  const std::vector<Value> outputs = runTexts(model, sourcesOf(texts));
  ASSERT_EQ(outputs.size(), model->graph().outputs.size());
  Session alone(model);
  for (size_t i = 0; i < texts.size(); ++i) {
    alone.setText(texts[i].source());
    for (size_t k = 0; k < outputs.size(); ++k) {
      const Value& one = alone.value(model->graph().outputs[k]);
      EXPECT_EQ(static_cast<size_t>(outputs[k].shape[0].size), texts.size());
      const auto own = outputs[k].data.begin() + static_cast<ptrdiff_t>(i * one.data.size());
      EXPECT_TRUE(std::equal(one.data.begin(), one.data.end(), own)) << "text " << i;
    }
  }
}

TEST(Corpus, GivesEveryTextWhatItGetsByItself) {
  // More than one batch; in an order that is not the one they are computed in; some twice, one empty.
  std::mt19937 random(5);
  std::vector<Ascii> texts = {Ascii("dad"), Ascii(""), Ascii("abcabc"), Ascii("dad")};
  while (texts.size() < 150) {
    std::string text;
    for (unsigned i = random() % 9; i > 0; --i) text += static_cast<char>('a' + random() % 4);
    texts.emplace_back(text);
  }
  expectAsAlone(openFixture("keras-2.15/classic"), texts);
}

TEST(Corpus, OfNothingIsNothing) {
  const std::vector<Value> outputs = runTexts(openFixture("keras-2.15/classic"), {});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_TRUE(outputs[0].data.empty());
}

TEST(Corpus, NamesTheTextThatIsRefused) {
  const auto model = openFixture("keras-2.15/classic");
  const std::vector<uint32_t> origin = {0, 7};  // beyond the text
  std::vector<Ascii> texts = {Ascii("ab"), Ascii("cd")};
  texts[1].origin = origin;
  try {
    runTexts(model, sourcesOf(texts));
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.problems()[0].code, "text-map");
    EXPECT_EQ(error.problems()[0].where.rfind("text 2 of 2, ", 0), 0u) << error.what();
  }
}

TEST(SharedSteps, PartWhereInputsDiffer) {
  SharedSteps shared;
  shared.begin(4, true);
  const auto step = [&](const std::vector<int>& inputs) {
    std::vector<std::pair<size_t, size_t>> parted;
    shared.step([&](size_t a, size_t b) { return inputs[a] == inputs[b]; },
                [&](size_t from, size_t to) { parted.emplace_back(from, to); });
    return parted;
  };
  using Parted = std::vector<std::pair<size_t, size_t>>;
  EXPECT_EQ(step({5, 5, 5, 5}), Parted{});
  EXPECT_EQ(step({5, 6, 5, 6}), (Parted{{0, 1}}));
  EXPECT_EQ(shared.leader(2), 0u);
  EXPECT_EQ(shared.leader(3), 1u);
  // Rows that parted stay apart, whatever comes.
  EXPECT_EQ(step({7, 7, 7, 7}), Parted{});
  EXPECT_EQ(shared.leader(1), 1u);
  EXPECT_EQ(step({1, 2, 3, 4}), (Parted{{0, 2}, {1, 3}}));
  for (size_t row = 0; row < 4; ++row) EXPECT_TRUE(shared.leads(row));
  shared.begin(2, false);
  EXPECT_TRUE(shared.leads(1));
}

}  // namespace
}  // namespace charglow
