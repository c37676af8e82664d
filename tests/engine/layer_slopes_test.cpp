// The vector-Jacobian products of layers that attend inside and of contractions against differences of what
// they compute, call by call: on what the call read in a run, with cotangents at all of its tensors,
// attention weights that Keras keeps to itself among them. gradient_test.cpp compares with TensorFlow; this
// one reaches what no loss over the outputs of a fixture depends on.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "feeding.h"
#include "fixtures.h"
#include "session.h"

namespace charglow {
namespace {

using testing::openFixture;

/// One call of a layer on the inputs of a run, which may be moved, and a loss over all that it computes.
class CalledAgain {
 public:
  CalledAgain(const Session& session, size_t index) : node_(session.model().graph().nodes[index]) {
    for (size_t k = 0; k < node_.inputs.size(); ++k) {
      inputs_.push_back(session.value(node_.inputs[k]));
      if (node_.masks.empty() || node_.masks[k].from == MaskSource::From::Input) continue;
      inputs_.back().mask.clear();
      if (node_.masks[k].from == MaskSource::From::Nowhere) continue;
      for (const float kept : session.value(node_.masks[k].node).data)
        inputs_.back().mask.push_back(kept != 0.0f ? 1 : 0);
    }
    for (size_t k = 0; k < node_.layer->tensorCount(); ++k) {
      outputs_.push_back(session.value(index + k));
      std::vector<float>& cotangent = cotangents_.emplace_back();
      for (size_t i = 0; i < outputs_[k].data.size(); ++i)
        cotangent.push_back(std::cos(1.0f + static_cast<float>(i) + 0.7f * static_cast<float>(k)));
    }
    for (const AttentionTensor& attention : node_.layer->attention()) leaveOutDrowned(attention);
  }

  /// Numbers that a layer reads as yes or no: no small step leads anywhere.
  [[nodiscard]] bool isFlags(size_t input) const {
    return std::all_of(inputs_[input].data.begin(), inputs_[input].data.end(),
                       [](float x) { return x == 0 || x == 1; });
  }

  [[nodiscard]] size_t sizeOf(size_t input) const { return inputs_[input].data.size(); }

  /// d(loss)/d(input) for each input. `shared`: added up in one place for inputs that are one tensor.
  std::vector<std::vector<float>> gradients(bool shared) {
    forward();
    std::vector<std::vector<float>> found;
    for (const Value& input : inputs_) found.emplace_back(input.data.size(), 0.0f);
    std::vector<std::span<float>> below;
    for (size_t k = 0; k < inputs_.size(); ++k) below.emplace_back(found[shared ? firstLike(k) : k]);
    std::vector<View> views;
    for (const Value& output : outputs_) views.push_back({output.shape, output.data, output.mask});
    const std::vector<std::span<const float>> above(cotangents_.begin(), cotangents_.end());
    node_.layer->backward({inputViews(), views, above, below}, scratch_);
    return found;
  }

  /// The first input that reads the tensor which `input` reads.
  [[nodiscard]] size_t firstLike(size_t input) const {
    const auto first = std::find(node_.inputs.begin(), node_.inputs.end(), node_.inputs[input]);
    return static_cast<size_t>(first - node_.inputs.begin());
  }

  /// The difference of the loss over twice `step`, to both sides of an input in `direction`.
  double slope(size_t input, std::span<const float> direction, float step) {
    const std::vector<float> kept = inputs_[input].data;
    const auto lossAt = [&](float distance) {
      for (size_t i = 0; i < kept.size(); ++i) inputs_[input].data[i] = kept[i] + distance * direction[i];
      return forward();
    };
    const double above = lossAt(step);
    const double difference = above - lossAt(-step);
    inputs_[input].data = kept;
    return difference / (2.0 * double{step});
  }

 private:
  /// The loss leaves out queries that may attend to nothing where a mask lowers scores by 1e9: in that the
  /// scores drown, so that their differences are 0, while TensorFlow derives the sum they are in.
  void leaveOutDrowned(const AttentionTensor& attention) {
    const std::vector<SignalAxis>& axes = attention.axes;
    if (std::find(axes.begin(), axes.end(), SignalAxis::Query) == axes.end()) return;
    const Value& weights = outputs_[attention.tensor];
    const size_t rank = weights.shape.size();
    const auto steps = static_cast<size_t>(weights.shape[rank - 1].size);
    const auto queries = static_cast<size_t>(weights.shape[rank - 2].size);
    const size_t heads = rank == 4 ? static_cast<size_t>(weights.shape[1].size) : 1;
    const size_t width = cotangents_[0].size() / (weights.data.size() / steps / heads);
    for (size_t row = 0; row < weights.data.size() / steps; ++row) {
      const auto first = weights.data.begin() + static_cast<ptrdiff_t>(row * steps);
      if (!std::all_of(first, first + static_cast<ptrdiff_t>(steps), [&](float w) { return w == *first; }))
        continue;
      std::fill_n(cotangents_[attention.tensor].begin() + static_cast<ptrdiff_t>(row * steps), steps, 0.0f);
      const size_t query = row / (queries * heads) * queries + row % queries;
      std::fill_n(cotangents_[0].begin() + static_cast<ptrdiff_t>(query * width), width, 0.0f);
    }
  }

  [[nodiscard]] std::vector<View> inputViews() const {
    std::vector<View> views;
    for (const Value& input : inputs_) views.push_back({input.shape, input.data, input.mask});
    return views;
  }

  /// Gives the loss.
  double forward() {
    std::vector<Output> outputs;
    for (Value& output : outputs_) {
      output.mask.clear();
      outputs.push_back({output.shape, output.data, output.mask});
    }
    node_.layer->forwardAll(inputViews(), outputs, scratch_);
    double loss = 0;
    for (size_t k = 0; k < outputs_.size(); ++k) {
      for (size_t i = 0; i < cotangents_[k].size(); ++i)
        loss += double{outputs_[k].data[i]} * double{cotangents_[k][i]};
    }
    return loss;
  }

  const Node& node_;
  std::vector<Value> inputs_, outputs_;
  std::vector<std::vector<float>> cotangents_;
  Scratch scratch_;
};

double normOf(std::span<const float> values) {
  double squares = 0;
  for (const float x : values) squares += double{x} * double{x};
  return std::sqrt(squares);
}

/// How far the gradient of an input is from the slopes in a random direction, relative to its norm: the
/// nearest of some steps, of which small ones drown in rounding and large ones leave the tangent.
double distance(CalledAgain& call, size_t input, std::span<const float> gradient, std::mt19937& random) {
  std::vector<float> direction(gradient.size());
  double expected = 0;
  for (size_t i = 0; i < direction.size(); ++i) {
    direction[i] = random() % 2 == 0 ? 1.0f : -1.0f;
    expected += double{gradient[i]} * double{direction[i]};
  }
  double nearest = std::numeric_limits<double>::infinity();
  for (const float step : {1e-2f, 3e-3f, 3e-2f, 1e-3f}) {
    if (nearest < 0.01) break;
    const double off = std::abs(call.slope(input, direction, step) - expected);
    nearest = std::min(nearest, off / std::max(normOf(gradient), 1e-2));
  }
  return nearest;
}

bool isMeant(const Layer& layer) {
  return !layer.attention().empty() || layer.part() == Part::Contraction || layer.className() == "Merge";
}

class LayerSlopes : public ::testing::TestWithParam<const char*> {};

TEST_P(LayerSlopes, AreTheProductsOfBackward) {
  const auto model = openFixture(GetParam());
  Session session(model);
  testing::feed(session, nlohmann::json::parse(model->parity())["cases"][0]);
  const std::vector<Node>& nodes = model->graph().nodes;
  std::mt19937 random(7);
  size_t compared = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].output != 0 || !isMeant(*nodes[i].layer)) continue;
    const std::string what = nodes[i].callName() + " (" + nodes[i].layer->className() + "), input ";
    CalledAgain call(session, i);
    const std::vector<std::vector<float>> gradients = call.gradients(false);
    std::vector<std::vector<float>> sums(gradients.size());
    for (size_t k = 0; k < gradients.size(); ++k) {
      std::vector<float>& sum = sums[call.firstLike(k)];
      sum.resize(gradients[k].size());
      addGradient(gradients[k], sum);
      if (call.isFlags(k)) continue;
      ++compared;
      for (int direction = 0; direction < 3; ++direction)
        EXPECT_LE(distance(call, k, gradients[k], random), 0.01) << what << k;
    }
    const std::vector<std::vector<float>> shared = call.gradients(true);
    for (size_t k = 0; k < sums.size(); ++k) {
      for (size_t j = 0; j < sums[k].size(); ++j)
        ASSERT_NEAR(shared[k][j], sums[k][j], 1e-5 * std::max(1.0, normOf(sums[k]))) << what << k;
    }
  }
  EXPECT_GT(compared, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, LayerSlopes,
    ::testing::Values(
        "keras-1.2/merge_modes", "keras-2.15/additive_attention_mask",
        "keras-2.15/additive_attention_options", "keras-2.15/att_layer_2016", "keras-2.15/att_layer_mask",
        "keras-2.15/attention_causal_mask", "keras-2.15/attention_decoder",
        "keras-2.15/attention_decoder_probabilities", "keras-2.15/attention_mask",
        "keras-2.15/attention_options", "keras-2.15/attention_package_bahdanau",
        "keras-2.15/attention_package_luong", "keras-2.15/attention_self",
        "keras-2.15/attention_weighted_average_returned_mask", "keras-2.15/attention_with_context_mask",
        "keras-2.15/bahdanau_attention", "keras-2.15/bahdanau_attention_query_first",
        "keras-2.15/blog_attention_sequence", "keras-2.15/dot", "keras-2.15/dot_axes",
        "keras-2.15/multi_head_causal_mask", "keras-2.15/multi_head_cross",
        "keras-2.15/multi_head_given_mask", "keras-2.15/multi_head_key", "keras-2.15/multi_head_mask",
        "keras-2.15/multi_head_options", "keras-2.15/multi_head_scores_output",
        "keras-2.15/operation_dot_product_attention", "keras-2.15/seq_self_attention_activation",
        "keras-2.15/seq_self_attention_additive", "keras-2.15/seq_self_attention_before_2020_mask",
        "keras-2.15/seq_self_attention_before_2020_width_3", "keras-2.15/seq_self_attention_history",
        "keras-2.15/seq_self_attention_mask", "keras-2.15/seq_self_attention_multiplicative_mask",
        "keras-2.15/seq_weighted_attention_mask", "keras-2.15/seq_weighted_attention_mask_before_2020",
        "keras-2.15/step_dim_attention_mask", "keras-3/attention_options", "keras-3/group_query_attention",
        "keras-3/multi_head_blocks_mask", "keras-3/multi_head_gate_window", "keras-3/multi_head_given_mask",
        "keras-3/multi_head_mask", "keras-3/multi_head_scores_output", "keras-2.15/lambda_two_inputs",
        "keras-3/operation_arithmetic"),
    testing::fixtureTestName<const char*>);

}  // namespace
}  // namespace charglow
