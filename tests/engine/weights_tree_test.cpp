// Which group of a Keras 3 tree is which layer's: real fixtures with one thing about them changed. That real
// files are read right is for parity_test.cpp to show.

#include "keras/weights_tree.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "keras/dialect.h"
#include "taken_apart.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::TestLayer;
using Parts = testing::TakenApart;

constexpr const char* kArchive = "keras-3/format_classic_keras";
constexpr const char* kWeights = "keras-3/format_classic_weights";
constexpr char kApart[] = " The file's weights and its architecture do not belong together.";

TestLayer& groupOf(Parts& parts, const std::string& path) {
  for (TestLayer& layer : parts.bundle.layers) {
    if (layer.name == path) return layer;
  }
  throw std::runtime_error("no group " + path);
}

/// Gives a group another path, and its tensors with it.
void move(Parts& parts, const std::string& from, const std::string& to) {
  TestLayer& group = groupOf(parts, from);
  group.name = to;
  for (std::string& weight : group.weights) {
    const std::string moved = to + weight.substr(from.size());
    for (testing::TestTensor& tensor : parts.bundle.tensors) {
      if (tensor.name == weight) tensor.name = moved;
    }
    weight = moved;
  }
}

bool notesOrder(Parts parts) {
  return parts.open()->card().find("given out by class and order") != std::string::npos;
}

TEST(WeightsTree, NamesOfClassesAreKerass) {
  struct Named {
    const char* className;
    const char* keras3;
    const char* keras2;
  };
  // Computed by to_snake_case of keras/src/utils/naming.py 3.15 and keras/src/utils/generic_utils.py 2.15.
  for (const auto& [className, keras3, keras2] : std::vector<Named>{
           {"Dense", "dense", "dense"},
           {"GRU", "gru", "gru"},
           {"GRUCell", "gru_cell", "gru_cell"},
           {"StackedRNNCells", "stacked_rnn_cells", "stacked_rnn_cells"},
           {"MultiHeadAttention", "multi_head_attention", "multi_head_attention"},
           {"GlobalMaxPooling1D", "global_max_pooling1d", "global_max_pooling1d"},
           {"PReLU", "p_re_lu", "p_re_lu"},
           {"CuDNNGRU", "cu_dnngru", "cu_dnngru"},
           {"TFOpLambda", "tf_op_lambda", "tf_op_lambda"},
           {"SeqSelfAttention", "seq_self_attention", "seq_self_attention"},
           {"HTTPServerX", "http_server_x", "http_server_x"},
           {"AttentionV2", "attention_v2", "attention_v2"},
           {"A1B2", "a1b2", "a1_b2"},
           {"GRU2Layer", "gru2_layer", "gr_u2layer"},
           {"XMLParser2Go", "xml_parser2_go", "xml_parser2go"},
           {"aB", "a_b", "a_b"},
           {"V2", "v2", "v2"},
           {"", "", ""},
           {"package>AttLayer", "att_layer", "att_layer"},
       }) {
    EXPECT_EQ(snakeCase(className, false), keras3);
    EXPECT_EQ(snakeCase(className, true), keras2);
  }
}

TEST(WeightsTree, NothingWhereNothingIsWrong) {
  EXPECT_EQ(Parts(kArchive).refusal(), "accepted");
  EXPECT_EQ(Parts(kWeights).refusal(), "accepted");
  EXPECT_FALSE(notesOrder(Parts(kWeights)));
}

TEST(WeightsTree, AMissingGroupAndOneTooMany) {
  Parts parts(kArchive);
  move(parts, "layers/gru/cell", "layers/lstm/cell");
  std::erase_if(parts.bundle.layers, [](const TestLayer& layer) { return layer.name == "layers/gru"; });
  const std::string refusal = parts.refusal();
  EXPECT_EQ(
      refusal.rfind("unexpected-tensor | group \"layers/lstm/cell\" of the file: expected a layer for its "
                    "weights in the architecture, found none." +
                        std::string(kApart) +
                        "\nmissing-tensor | layer \"gru\", kernel: expected a tensor of shape "
                        "(4, 15), found none left in the file, group \"layers/gru\"." +
                        kApart + "\n",
                    0),
      0u)
      << refusal;
  EXPECT_EQ(std::count(refusal.begin(), refusal.end(), '\n'), 3) << refusal;
}

TEST(WeightsTree, AGroupOfALayerWithoutWeights) {
  Parts parts(kArchive);
  const std::string name = "layers/flatten/vars/0";
  groupOf(parts, "layers/flatten").weights = {name};
  std::vector<std::string> order;
  for (const TestLayer& layer : parts.bundle.layers)
    order.insert(order.end(), layer.weights.begin(), layer.weights.end());
  parts.bundle.tensors.push_back({name, DType::F32, {1}, {1}});
  std::sort(parts.bundle.tensors.begin(), parts.bundle.tensors.end(), [&](const auto& a, const auto& b) {
    return std::find(order.begin(), order.end(), a.name) < std::find(order.begin(), order.end(), b.name);
  });
  EXPECT_EQ(parts.refusal(), std::string("unexpected-tensor | layer \"layers/flatten\", tensor \"") + name +
                                 "\": expected no further tensor, found (1,)." + kApart);
}

TEST(WeightsTree, AMissingArray) {
  Parts parts(kArchive);
  groupOf(parts, "layers/dense").weights.pop_back();
  std::erase_if(parts.bundle.tensors,
                [](const auto& tensor) { return tensor.name == "layers/dense/vars/1"; });
  EXPECT_EQ(parts.refusal(),
            std::string("missing-tensor | layer \"dense_1\", bias: expected a tensor of shape (1,), "
                        "found none left in the file, group \"layers/dense\".") +
                kApart);
}

TEST(WeightsTree, NamesMustAgreeWithinAnArchive) {
  Parts parts(kArchive);
  groupOf(parts, "layers/gru").kerasName = "gru_7";
  EXPECT_EQ(parts.refusal(),
            "weight-order | layer \"gru\", group \"layers/gru\" of the file: expected weights of a layer of "
            "that name, "
            "found those of \"gru_7\". The archive's weights and its architecture do not belong together.");
  // Keras up to 3.5 writes none.
  for (TestLayer& layer : parts.bundle.layers) layer.kerasName.clear();
  EXPECT_EQ(parts.refusal(), "accepted");
}

TEST(WeightsTree, NamesOfAModelBuiltAgainAreNoted) {
  Parts parts(kWeights);
  groupOf(parts, "layers/gru").kerasName = "gru_7";
  EXPECT_TRUE(notesOrder(std::move(parts)));
}

TEST(WeightsTree, APathWithoutEndLeadsNowhere) {
  Parts parts(kArchive);
  std::string path = "layers/gru";
  for (int i = 0; i < 100000; ++i) path += "/a";
  move(parts, "layers/gru/cell", path);
  EXPECT_NE(parts.refusal().find("unexpected-tensor | group \"layers/gru/a/a/"), std::string::npos);
}

TEST(WeightsTree, TheArchitectureTellsTheVersionWhereTheWeightsDoNot) {
  const std::string card = Parts(kWeights).open()->card();
  EXPECT_EQ(json::parse(card)["keras_version"], "3");
  EXPECT_EQ(card.find("Keras 2 is assumed"), std::string::npos);

  EXPECT_EQ(Dialect::versionOf(json::parse(R"({"class_name":"Model","config":{},"keras_version":"2.2.4"})")),
            "2.2.4");
  const json inner = {{"class_name", "InputLayer"}, {"config", {{"batch_shape", {nullptr, 7}}}}};
  const json older = {{"class_name", "InputLayer"}, {"config", {{"batch_input_shape", {nullptr, 7}}}}};
  for (const auto& [input, version] : {std::pair(inner, "3"), std::pair(older, "")}) {
    const json model3 = {{"class_name", "Functional"}, {"config", {{"layers", json::array({input})}}}};
    EXPECT_EQ(Dialect::versionOf(model3), version);
    EXPECT_EQ(
        Dialect::versionOf({{"class_name", "Sequential"}, {"config", {{"layers", json::array({model3})}}}}),
        version);
  }
  for (const char* odd : {"[]", "3", R"({"config":3})", R"({"class_name":3,"config":{"layers":[3,{}]}})"})
    EXPECT_EQ(Dialect::versionOf(json::parse(odd)), "");
}

}  // namespace
}  // namespace charglow
