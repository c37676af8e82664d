// What a recurrent layer reuses of its last run changes no bit of the next.

#include "layers/recurrent/step_memory.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "fixtures.h"
#include "session.h"

namespace charglow {
namespace {

using testing::openFixture;

/// Keeps the text's ids padded in front or behind to the model's timesteps, as texts are.
std::vector<int32_t> padded(const std::vector<int32_t>& text, size_t steps, bool front) {
  std::vector<int32_t> ids(steps, 0);
  const size_t count = std::min(text.size(), steps);
  for (size_t i = 0; i < count; ++i)
    ids[front ? steps - count + i : i] = text[front ? text.size() - count + i : i];
  return ids;
}

void edit(std::vector<int32_t>& text, std::mt19937& random) {
  const auto below = [&](size_t count) { return static_cast<ptrdiff_t>(random() % count); };
  const auto id = static_cast<int32_t>(random() % 11);
  switch (random() % 4) {
    case 0:
      text.push_back(id);
      return;
    case 1:
      text.insert(text.begin() + below(text.size() + 1), id);
      return;
    case 2:
      if (text.size() > 1) text.erase(text.begin() + below(text.size()));
      return;
    default:
      if (!text.empty()) text[static_cast<size_t>(below(text.size()))] = id;
  }
}

void expectSameBits(const Session& edited, const Session& fresh, size_t nodes) {
  for (size_t node = 0; node < nodes; ++node) {
    ASSERT_EQ(edited.value(node).data, fresh.value(node).data) << "node " << node;
    ASSERT_EQ(edited.value(node).mask, fresh.value(node).mask) << "node " << node;
  }
}

/// Takes a gradient back through every recurrent layer, each by itself.
void expectSameGradients(Session& edited, Session& fresh) {
  const Graph& graph = edited.model().graph();
  for (size_t node = 0; node < graph.nodes.size(); ++node) {
    if (graph.nodes[node].layer->stepSignals().empty() || graph.nodes[node].output != 0) continue;
    const std::vector<Session::Seed> seeds = {
        {node, std::vector<float>(edited.value(node).data.size(), 1.0f)}};
    const size_t input = graph.nodes[node].inputs[0];
    edited.backward(seeds, std::vector{input});
    fresh.backward(seeds, std::vector{input});
    ASSERT_EQ(edited.gradient(input).size(), edited.value(input).data.size());
    for (size_t i = 0; i < edited.gradient(input).size(); ++i)
      ASSERT_EQ(edited.gradient(input)[i], fresh.gradient(input)[i]) << "node " << node << ", value " << i;
  }
}

class Edits : public ::testing::TestWithParam<std::string> {};

TEST_P(Edits, EndWhereAFreshRunDoes) {
  const auto model = openFixture(GetParam());
  const Shape shape = model->inputShape();
  const bool anyLength = !shape[1].known();
  Session session(model);
  std::mt19937 random(7);
  std::vector<int32_t> text = {3, 1};
  for (int i = 0; i < 400; ++i) {
    edit(text, random);
    if (text.size() > 12) text.resize(4);
    const std::vector<int32_t> ids =
        anyLength ? text : padded(text, static_cast<size_t>(shape[1].size), i % 50 < 40);
    if (ids.empty()) continue;
    session.setIds(ids, 1);
    Session fresh(model);
    fresh.setIds(ids, 1);
    expectSameBits(session, fresh, model->graph().nodes.size());
    // For a while after every run, for a while now and then.
    if (i % 100 < 30 || i % 7 == 0) expectSameGradients(session, fresh);
    if (i % 97 == 0) session.setIds(std::vector<int32_t>(2 * ids.size(), 1), 2);  // a batch in between
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Edits,
                         ::testing::Values("keras-2.15/classic", "keras-2.15/gates_gru",
                                           "keras-2.15/gates_lstm", "keras-2.15/gates_bidirectional",
                                           "keras-2.15/gates_mask", "keras-2.15/rnn_stacked_cells",
                                           "keras-2.2/weights_only", "keras-3/gates_gru"),
                         testing::fixtureTestName<std::string>);

TEST(StepMemory, CountsTheStepsThatAreAsTheyWere) {
  using Rows = std::vector<float>;
  using Kept = std::vector<uint8_t>;
  StepMemory memory;
  const Kept all(3, 1);
  EXPECT_EQ(memory.begin(Rows{1, 2, 3, 4, 5, 6}, all, 2, 1), 0u);
  memory.end();
  EXPECT_EQ(memory.begin(Rows{1, 2, 3, 4, 5, 6}, all, 2, 1), 3u);
  memory.end();
  EXPECT_EQ(memory.begin(Rows{1, 2, 3, 5, 5, 6}, all, 2, 1), 1u);
  memory.end();
  // Masked steps do not count, so padding may come and go.
  EXPECT_EQ(memory.begin(Rows{9, 9, 1, 2, 3, 5, 9, 9, 5, 6}, Kept{0, 1, 1, 0, 1}, 2, 1), 3u);
  memory.end();
  EXPECT_EQ(memory.begin(Rows{1, 2, 3, 5, 5, 6}, Kept{1, 0, 1}, 2, 1), 1u);
  // That run did not come to its end: only what was known before it is.
  EXPECT_EQ(memory.begin(Rows{1, 2, 3, 5, 5, 6}, Kept{1, 0, 1}, 2, 1), 1u);
  memory.end();
  EXPECT_EQ(memory.begin(Rows{1, 2, 5, 6}, Kept(2, 1), 2, 3), 0u) << "other states";
}

TEST(StepMemory, ComputesAProductOnceForEachRow) {
  StepMemory memory;
  int computed = 0;
  const auto compute = [&](const float* row, float* to) {
    ++computed;
    to[0] = 10 * row[0];
  };
  float product = 0;
  for (const float x : {1.0f, 2.0f, 1.0f, -0.0f, 0.0f, 2.0f}) {
    memory.product(&x, 1, 1, &product, compute);
    EXPECT_EQ(product, 10 * x);
  }
  EXPECT_EQ(computed, 4);
}

}  // namespace
}  // namespace charglow
