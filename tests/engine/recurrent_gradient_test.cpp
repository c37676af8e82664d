// The way back through recurrent layers, where tf.GradientTape's numbers (gradient_test.cpp) do not reach:
// against finite differences, under masks of every length, and of a batch against its rows alone.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "bundle_writer.h"
#include "model.h"
#include "session.h"

namespace charglow {
namespace {

using nlohmann::json;

constexpr int kSteps = 5;
constexpr int kFeatures = 3;
constexpr int kUnits = 2;
/// Which steps of a row are not masked: none, one, all but the first, all but the last, all, and with a hole.
const std::vector<std::string> kRows = {".....", "...x.", ".xxxx", "xxxx.", "xxxxx", "xx.xx"};

struct Case {
  std::string name;
  std::string className;
  json config;
  int gates = 1;
  int states = 1;          ///< of a cell
  bool twoBiases = false;  ///< reset_after
  bool initial = false;    ///< whether it is given its initial states
};

/// What a test of a failed case is called.
std::string nameOf(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

bool isBidirectional(const Case& one) { return one.className == "Bidirectional"; }
int statesOf(const Case& one) { return one.states * (isBidirectional(one) ? 2 : 1); }
const json& innermost(const Case& one) {
  return isBidirectional(one) ? one.config["layer"]["config"] : one.config;
}

/// Input (steps, 3) → Masking → the layer, whose outputs are the model's. With initial states those are
/// inputs, too.
std::shared_ptr<const Model> modelOf(const Case& one) {
  testing::TestBundle bundle;
  std::mt19937 random(5);
  std::normal_distribution<double> normal(0, 0.5);
  testing::TestLayer weights{"rnn", {}};
  const auto add = [&](std::vector<int64_t> shape) {
    size_t count = 1;
    for (const int64_t size : shape) count *= static_cast<size_t>(size);
    testing::TestTensor tensor{"rnn/w" + std::to_string(weights.weights.size()), DType::F32, shape, {}};
    for (size_t i = 0; i < count; ++i) tensor.values.push_back(normal(random));
    weights.weights.push_back(tensor.name);
    bundle.tensors.push_back(std::move(tensor));
  };
  const int width = one.gates * kUnits;
  const auto addCell = [&](int features) {
    add({features, width});
    add({kUnits, width});
    if (one.twoBiases) {
      add({2, width});
    } else {
      add({width});
    }
  };
  const bool stacked = one.className == "RNN" && one.config["cell"]["class_name"] == "StackedRNNCells";
  addCell(kFeatures);
  if (stacked) addCell(kUnits);
  if (isBidirectional(one)) addCell(kFeatures);
  bundle.layers = {weights};
  bundle.metadata = {{"keras_version", "2.15.0"}, {"backend", "tensorflow"}};

  json layers = json::array();
  layers.push_back({{"class_name", "InputLayer"},
                    {"name", "x"},
                    {"config", {{"name", "x"}, {"batch_input_shape", {nullptr, kSteps, kFeatures}}}},
                    {"inbound_nodes", json::array()}});
  layers.push_back({{"class_name", "Masking"},
                    {"name", "mask"},
                    {"config", {{"name", "mask"}, {"mask_value", 0.0}}},
                    {"inbound_nodes", json::parse(R"([[["x",0,0,{}]]])")}});
  json inputs = json::parse(R"([["x",0,0]])");
  json read = json::parse(R"([["mask",0,0,{}]])");
  for (int i = 0; one.initial && i < statesOf(one); ++i) {
    const std::string name = "s" + std::to_string(i);
    layers.push_back({{"class_name", "InputLayer"},
                      {"name", name},
                      {"config", {{"name", name}, {"batch_input_shape", {nullptr, kUnits}}}},
                      {"inbound_nodes", json::array()}});
    inputs.push_back({name, 0, 0});
    read.push_back({name, 0, 0, json::object()});
  }
  json config = one.config;
  config["name"] = "rnn";
  layers.push_back({{"class_name", one.className},
                    {"name", "rnn"},
                    {"config", config},
                    {"inbound_nodes", json::array({read})}});
  json outputs = json::array();
  const bool unmerged = isBidirectional(one) && one.config["merge_mode"].is_null();
  const int count = (unmerged ? 2 : 1) + (innermost(one).value("return_state", false) ? statesOf(one) : 0);
  for (int k = 0; k < count; ++k) outputs.push_back({"rnn", 0, k});
  bundle.metadata["model_config"] =
      json{{"class_name", "Functional"},
           {"config",
            {{"name", "m"}, {"layers", layers}, {"input_layers", inputs}, {"output_layers", outputs}}}}
          .dump();
  return Model::open(testing::bytesOf(bundle.binary()), "m.safetensors");
}

/// The numbers of all inputs, for each a row of the batch after the other. Rows are alike where they are not
/// masked, so that those that begin alike are computed as one (shared_steps.h).
using Numbers = std::vector<std::vector<float>>;

Numbers numbersOf(const Model& model, const std::vector<std::string>& rows) {
  Numbers numbers(model.inputs().size());
  for (const std::string& row : rows) {
    std::mt19937 random(11);
    std::normal_distribution<float> normal(0, 1);
    for (const char step : row) {
      for (int i = 0; i < kFeatures; ++i) numbers[0].push_back(normal(random) * (step == 'x' ? 1.0f : 0.0f));
    }
    for (size_t k = 1; k < numbers.size(); ++k) {
      for (int i = 0; i < kUnits; ++i) numbers[k].push_back(normal(random));
    }
  }
  return numbers;
}

void run(Session& session, const Numbers& numbers) {
  const int batch = static_cast<int>(numbers[0].size()) / (kSteps * kFeatures);
  for (size_t k = 0; k < numbers.size(); ++k) {
    const std::vector<int> shape =
        k == 0 ? std::vector<int>{batch, kSteps, kFeatures} : std::vector<int>{batch, kUnits};
    session.feedInput(numbers[k], shape, k);
  }
  session.run();
}

std::vector<Session::Seed> seedsOf(const Session& session) {
  std::vector<Session::Seed> seeds;
  for (const size_t node : session.model().graph().outputs) {
    Session::Seed& seed = seeds.emplace_back();
    seed.node = node;
    for (size_t i = 0; i < session.value(node).data.size(); ++i)
      seed.gradient.push_back(static_cast<float>(std::cos(1.0 + static_cast<double>(i + 3 * seeds.size()))));
  }
  return seeds;
}

double lossOf(const Session& session) {
  double loss = 0;
  for (const Session::Seed& seed : seedsOf(session)) {
    const std::vector<float>& output = session.value(seed.node).data;
    for (size_t i = 0; i < output.size(); ++i)
      loss += static_cast<double>(output[i]) * static_cast<double>(seed.gradient[i]);
  }
  return loss;
}

std::vector<size_t> inputNodes(const Session& session) {
  std::vector<size_t> nodes;
  for (const ModelInput& input : session.model().inputs()) nodes.push_back(input.node);
  return nodes;
}

class RecurrentGradients : public ::testing::TestWithParam<Case> {};

TEST_P(RecurrentGradients, AreFiniteDifferences) {
  constexpr float kStep = 1e-2f;
  const auto model = modelOf(GetParam());
  Session session(model);
  Numbers numbers = numbersOf(*model, kRows);
  run(session, numbers);
  const std::vector<size_t> nodes = inputNodes(session);
  session.backward(seedsOf(session), nodes);
  double largest = 0;
  for (size_t k = 0; k < numbers.size(); ++k) {
    const std::span<const float> found = session.gradient(nodes[k]);
    const std::vector<float> gradient(found.begin(), found.end());
    ASSERT_EQ(gradient.size(), numbers[k].size());
    for (size_t i = 0; i < gradient.size(); ++i) {
      if (k == 0 && kRows[i / (kSteps * kFeatures)][i / kFeatures % kSteps] == '.') {
        EXPECT_EQ(gradient[i], 0.0f) << "masked, value " << i;
        continue;
      }
      const float x = numbers[k][i];
      const auto lossAt = [&](float value) {
        numbers[k][i] = value;
        run(session, numbers);
        numbers[k][i] = x;
        return lossOf(session);
      };
      const double difference = (lossAt(x + kStep) - lossAt(x - kStep)) / (2.0 * static_cast<double>(kStep));
      EXPECT_NEAR(static_cast<double>(gradient[i]), difference, 1e-3 + 5e-3 * std::abs(difference))
          << "input " << k << ", value " << i;
      largest = std::max(largest, std::abs(difference));
    }
  }
  EXPECT_GT(largest, 0.03) << "all so small that nothing could be wrong";
}

/// One row's part of what belongs to a batch.
std::vector<float> part(std::span<const float> all, size_t row) {
  const size_t size = all.size() / kRows.size();
  const std::span<const float> one = all.subspan(row * size, size);
  return {one.begin(), one.end()};
}

TEST_P(RecurrentGradients, OfABatchAreThoseOfItsRows) {
  const auto model = modelOf(GetParam());
  Session together(model);
  const Numbers numbers = numbersOf(*model, kRows);
  run(together, numbers);
  const std::vector<size_t> nodes = inputNodes(together);
  const std::vector<Session::Seed> seeds = seedsOf(together);
  together.backward(seeds, nodes);
  std::vector<std::vector<float>> first;
  for (const size_t node : nodes)
    first.emplace_back(together.gradient(node).begin(), together.gradient(node).end());
  const auto expectTheSame = [&] {
    together.backward(seeds, nodes);
    for (size_t k = 0; k < nodes.size(); ++k)
      EXPECT_TRUE(std::equal(first[k].begin(), first[k].end(), together.gradient(nodes[k]).begin()));
  };
  // A run after a gradient was asked for keeps what the next gradient takes.
  run(together, numbers);
  expectTheSame();
  // Here that is another's, and the run after it has kept nothing.
  Numbers others = numbers;
  for (float& number : others[0]) number *= 0.5f;
  run(together, others);
  run(together, numbers);
  expectTheSame();
  Session alone(model);
  for (size_t row = 0; row < kRows.size(); ++row) {
    Numbers one;
    for (const std::vector<float>& all : numbers) one.push_back(part(all, row));
    std::vector<Session::Seed> own;
    for (const Session::Seed& seed : seeds) own.push_back({seed.node, part(seed.gradient, row)});
    run(alone, one);
    // Twice: the second time finds what the first has left.
    for (int time = 0; time < 2; ++time) {
      alone.backward(own, nodes);
      for (const size_t node : nodes) {
        const std::vector<float> expected = part(together.gradient(node), row);
        ASSERT_EQ(alone.gradient(node).size(), expected.size());
        for (size_t i = 0; i < expected.size(); ++i)
          EXPECT_NEAR(alone.gradient(node)[i], expected[i], 1e-6f) << kRows[row] << ", value " << i;
      }
    }
  }
}

TEST(MaskingGradients, AreThoseOfTheStepsThatAreNotMasked) {
  testing::TestBundle bundle;
  bundle.metadata = {{"keras_version", "2.15.0"}, {"backend", "tensorflow"}, {"model_config", R"({
      "class_name":"Functional","config":{"name":"m","layers":[
        {"class_name":"InputLayer","name":"x","config":{"name":"x","batch_input_shape":[null,3,2]},
         "inbound_nodes":[]},
        {"class_name":"Masking","name":"mask","config":{"name":"mask","mask_value":2.0},
         "inbound_nodes":[[["x",0,0,{}]]]}],
      "input_layers":[["x",0,0]],"output_layers":[["mask",0,0]]}})"}};
  Session session(Model::open(testing::bytesOf(bundle.binary()), "m.safetensors"));
  session.setInput(std::vector<float>{1, 2, 2, 2, 2, 0}, std::vector<int>{1, 3, 2});
  const size_t input = session.nodeOf("x");
  session.backward(std::vector<Session::Seed>{{session.nodeOf("mask"), {1, 2, 3, 4, 5, 6}}},
                   std::vector{input});
  const std::span<const float> gradient = session.gradient(input);
  EXPECT_EQ(std::vector<float>(gradient.begin(), gradient.end()), (std::vector<float>{1, 2, 0, 0, 5, 6}));
}

json options(json own, json others = json::object()) {
  own["units"] = kUnits;
  own.update(others);
  return own;
}
const json kSequences = {{"return_sequences", true}};
json gru(const char* activation, const char* gates, bool after, json others = kSequences) {
  return options({{"activation", activation}, {"recurrent_activation", gates}, {"reset_after", after}},
                 std::move(others));
}
json lstm(const char* activation, const char* gates, json others = kSequences) {
  return options({{"activation", activation}, {"recurrent_activation", gates}}, std::move(others));
}
json both(const char* className, json config, json merge) {
  return {{"layer", {{"class_name", className}, {"config", std::move(config)}}},
          {"merge_mode", std::move(merge)}};
}
json stacked() {
  json cells = json::array();
  for (const char* activation : {"tanh", "gelu"})
    cells.push_back({{"class_name", "LSTMCell"}, {"config", lstm(activation, "sigmoid", json::object())}});
  return {{"cell", {{"class_name", "StackedRNNCells"}, {"config", {{"cells", cells}}}}},
          {"return_sequences", true},
          {"return_state", true}};
}

const json kLast = {{"return_sequences", false}};
const json kBackwards = {{"return_sequences", true}, {"go_backwards", true}};
const json kZero = {{"return_sequences", true}, {"zero_output_for_mask", true}};
const json kStates = {{"return_sequences", true}, {"return_state", true}};
const json kLastZero = {{"return_state", true}, {"zero_output_for_mask", true}, {"go_backwards", true}};

INSTANTIATE_TEST_SUITE_P(
    Layers, RecurrentGradients,
    ::testing::Values(
        Case{"SimpleRNN", "SimpleRNN", options({{"activation", "tanh"}}, kSequences)},
        Case{"SimpleRNNOfSums", "SimpleRNN", options({{"activation", "gelu"}}, kLast)},
        Case{"SimpleRNNSoftmax", "SimpleRNN", options({{"activation", "softmax"}}, kStates), 1, 1, false,
             true},
        Case{"GRU", "GRU", gru("tanh", "sigmoid", true), 3, 1, true},
        Case{"GRULast", "GRU", gru("tanh", "sigmoid", true, kLast), 3, 1, true},
        Case{"GRUOfSums", "GRU", gru("gelu", "swish", true, kBackwards), 3, 1, true},
        Case{"GRUInitialState", "GRU", gru("tanh", "sigmoid", true, kStates), 3, 1, true, true},
        Case{"GRUResetBefore", "GRU", gru("tanh", "sigmoid", false), 3},
        Case{"GRUResetBeforeOfSums", "GRU", gru("swish", "gelu", false, kZero), 3},
        Case{"GRUResetBeforeInitialState", "GRU", gru("tanh", "sigmoid", false, kLastZero), 3, 1, false,
             true},
        Case{"LSTM", "LSTM", lstm("tanh", "sigmoid"), 4, 2},
        Case{"LSTMOfSums", "LSTM", lstm("gelu", "swish", kBackwards), 4, 2},
        Case{"LSTMInitialState", "LSTM", lstm("tanh", "sigmoid", kStates), 4, 2, false, true},
        Case{"LSTMZeroOutput", "LSTM", lstm("softsign", "sigmoid", kLastZero), 4, 2, false, true},
        Case{"StackedCells", "RNN", stacked(), 4, 4},
        Case{"StackedCellsInitialState", "RNN", stacked(), 4, 4, false, true},
        Case{"BidirectionalConcat", "Bidirectional", both("GRU", gru("tanh", "sigmoid", true), "concat"), 3,
             1, true},
        Case{"BidirectionalSum", "Bidirectional", both("LSTM", lstm("tanh", "sigmoid"), "sum"), 4, 2},
        Case{"BidirectionalMul", "Bidirectional", both("GRU", gru("tanh", "sigmoid", true), "mul"), 3, 1,
             true},
        Case{"BidirectionalMulLast", "Bidirectional", both("LSTM", lstm("tanh", "sigmoid", kLast), "mul"), 4,
             2},
        Case{"BidirectionalAve", "Bidirectional", both("LSTM", lstm("tanh", "sigmoid", kStates), "ave"), 4, 2,
             false, true},
        Case{"BidirectionalUnmerged", "Bidirectional",
             both("LSTM", lstm("tanh", "sigmoid", kStates), nullptr), 4, 2, false, true}),
    nameOf);

TEST(StatefulGradients, AreThoseFromTheStatesThatWereCarried) {
  json config = lstm("tanh", "sigmoid", kStates);
  const auto given = modelOf(Case{"Given", "LSTM", config, 4, 2, false, true});
  config["stateful"] = true;
  const auto stateful = modelOf(Case{"Stateful", "LSTM", config, 4, 2});
  for (const std::vector<std::string>& rows : {std::vector<std::string>{"xxx.x"}, kRows}) {
    Session carrying(stateful);
    carrying.carryStates(true);
    const Numbers numbers = numbersOf(*stateful, rows);
    run(carrying, numbers);
    Numbers all = numbers;
    for (const size_t k : {1u, 2u}) all.push_back(carrying.value(stateful->graph().outputs[k]).data);
    run(carrying, numbers);
    Session session(given);
    run(session, all);
    const size_t from = inputNodes(carrying)[0];
    const size_t also = inputNodes(session)[0];
    carrying.backward(seedsOf(carrying), std::vector{from});
    session.backward(seedsOf(session), std::vector{also});
    const std::span<const float> a = carrying.gradient(from);
    const std::span<const float> b = session.gradient(also);
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i], b[i]) << "value " << i;
    Session fresh(stateful);
    run(fresh, numbers);
    fresh.backward(seedsOf(fresh), std::vector{from});
    EXPECT_FALSE(std::equal(a.begin(), a.end(), fresh.gradient(from).begin())) << "the states do not matter";
    // A run that carries begins from zeros, too, but what is remembered is that of the one before.
    Session begun(stateful);
    Numbers others = numbers;
    for (float& number : others[0]) number *= 0.5f;
    run(begun, others);
    begun.carryStates(true);
    run(begun, numbers);
    begun.backward(seedsOf(begun), std::vector{from});
    EXPECT_TRUE(
        std::equal(fresh.gradient(from).begin(), fresh.gradient(from).end(), begun.gradient(from).begin()));
  }
}

}  // namespace
}  // namespace charglow
