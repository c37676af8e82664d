// What the engine refuses to run, and in which words: real fixtures with one thing about them changed.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "bundle_writer.h"
#include "taken_apart.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::TestBundle;
using Parts = testing::TakenApart;

constexpr const char* kClassic = "keras-2.15/classic";

TEST(Refusal, NothingWhereNothingIsWrong) { EXPECT_EQ(Parts(kClassic).refusal(), "accepted"); }

TEST(Refusal, EverythingAtOnce) {
  Parts parts(kClassic);
  parts.layer("gru")["config"]["time_major"] = true;
  parts.layer("gru")["config"]["a_new_option"] = 3;
  parts.layer("flatten")["class_name"] = "FlattenFancy";
  parts.layer("dense_1")["config"]["activation"] = "my_activation";
  const std::string refusal = parts.refusal();
  EXPECT_EQ(std::count(refusal.begin(), refusal.end(), '\n'), 3) << refusal;
  EXPECT_NE(refusal.find("unsupported-option | layer \"gru\" (GRU), time_major: expected false, found true."),
            std::string::npos)
      << refusal;
  EXPECT_NE(refusal.find("unsupported-option | layer \"gru\" (GRU), a_new_option: expected an option this "
                         "engine knows, found 3."),
            std::string::npos)
      << refusal;
  EXPECT_NE(refusal.find("unsupported-layer | layer \"flatten\": expected a class of layer the engine runs, "
                         "found FlattenFancy."),
            std::string::npos)
      << refusal;
  EXPECT_NE(refusal.find("unsupported-option | layer \"dense_1\" (Dense), activation: expected the name of a "
                         "Keras activation, found \"my_activation\"."),
            std::string::npos)
      << refusal;
}

/// What the README says is refused.
TEST(Refusal, AsTheReadmeSays) {
  const json refused = json::parse(std::ifstream(REFUSED));
  ASSERT_FALSE(refused.empty());
  for (const json& one : refused) {
    const std::string layer = one["layer"];
    Parts parts(one["fixture"].get<std::string>());
    auto& layers = parts.config["config"]["layers"];
    if (!one.contains("option")) {
      std::vector<std::string> classes = one.value("also", std::vector<std::string>());
      classes.push_back(layer);
      for (const std::string& name : classes) {
        layers[2]["class_name"] = name;
        EXPECT_NE(parts.refusal().find("found " + name + "."), std::string::npos) << name << parts.refusal();
      }
      continue;
    }
    const auto entry = std::find_if(layers.begin(), layers.end(),
                                    [&](const json& each) { return each["class_name"] == layer; });
    ASSERT_NE(entry, layers.end()) << one;
    const std::string option = one["option"];
    (*entry)["config"][option] = one["value"];
    EXPECT_NE(parts.refusal().find("(" + layer + "), " + option + ":"), std::string::npos) << one << "\n"
                                                                                           << parts.refusal();
  }
}

TEST(Refusal, AnActivationIsNotIgnored) {
  Parts parts(kClassic);
  parts.layer("gru")["config"].erase("recurrent_activation");
  EXPECT_EQ(parts.refusal(),
            "unsupported-option | layer \"gru\" (GRU), recurrent_activation: expected the name of an "
            "activation, found nothing. "
            "Its default differs by Keras generation, so it is not guessed.");
}

TEST(Refusal, NeutralValuesPass) {
  Parts parts(kClassic);
  parts.layer("gru")["config"]["stateful"] = false;
  parts.layer("gru")["config"]["time_major"] = false;
  parts.layer("gru")["config"]["quantization_config"] = nullptr;
  EXPECT_EQ(parts.refusal(), "accepted");
  parts.layer("gru")["config"]["sparse"] = true;
  EXPECT_EQ(parts.refusal(), "unsupported-option | layer \"gru\" (GRU), sparse: expected false, found true.");
}

TEST(Refusal, HalfPrecisionIsNotFloat32) {
  Parts parts(kClassic);
  parts.layer("dense_1")["config"]["dtype"] = {{"class_name", "Policy"}, {"config", {{"name", "float16"}}}};
  EXPECT_NE(
      parts.refusal().find("layer \"dense_1\" (Dense), dtype: expected float32, float64 or mixed precision"),
      std::string::npos)
      << parts.refusal();
}

TEST(Refusal, BothBiasLayoutsOfAGruAreExplained) {
  Parts parts(kClassic);
  parts.layer("gru")["config"]["reset_after"] = false;
  EXPECT_EQ(
      parts.refusal(),
      "shape-mismatch | layer \"gru\", bias (tensor \"model_weights/gru/gru/gru_cell/bias:0\"): expected "
      "shape (15,), "
      "found (2, 15). reset_after=True has two biases, (2, 3·units); reset_after=False has one, (3·units).");
}

TEST(Refusal, EveryWrongShapeNamesItsTensor) {
  Parts parts(kClassic);
  parts.layer("embedding")["config"]["input_dim"] = 12;
  parts.layer("dense_1")["config"]["units"] = 2;
  const std::string refusal = parts.refusal();
  EXPECT_NE(refusal.find("embeddings:0\"): expected shape (12, 4), found (11, 4)."), std::string::npos)
      << refusal;
  EXPECT_NE(refusal.find("layer \"dense_1\", kernel"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("layer \"dense_1\", bias"), std::string::npos) << refusal;
}

/// Removes the last tensor of the file and its place in `layers`.
void removeLastTensor(TestBundle& bundle) {
  const std::string name = bundle.tensors.back().name;
  bundle.tensors.pop_back();
  for (testing::TestLayer& layer : bundle.layers) std::erase(layer.weights, name);
}

TEST(Refusal, AMissingTensor) {
  Parts parts(kClassic);
  removeLastTensor(parts.bundle);
  EXPECT_NE(parts.refusal().find("missing-tensor | layer \"dense_1\", bias: expected a tensor of shape (1,), "
                                 "found none left in the file."),
            std::string::npos)
      << parts.refusal();
}

TEST(Refusal, ATensorTooMany) {
  Parts parts(kClassic);
  parts.bundle.tensors.push_back({"model_weights/dense_1/more:0", DType::F32, {2}, {1, 2}});
  parts.bundle.layers.back().weights.push_back("model_weights/dense_1/more:0");
  EXPECT_NE(parts.refusal().find("unexpected-tensor | layer \"dense_1\", tensor "
                                 "\"model_weights/dense_1/more:0\": expected no further tensor, found (2,)."),
            std::string::npos)
      << parts.refusal();
}

/// Where features and units are equal, shapes cannot tell the kernels apart; their names do.
TEST(Refusal, KernelsInTheWrongOrder) {
  Parts parts(kClassic);
  for (testing::TestLayer& layer : parts.bundle.layers) {
    if (layer.name == "gru") std::swap(layer.weights[0], layer.weights[1]);
  }
  auto& tensors = parts.bundle.tensors;  // the file's order must follow
  const auto kernel = std::find_if(tensors.begin(), tensors.end(), [](const auto& tensor) {
    return tensor.name.ends_with("/kernel:0") && tensor.name.find("gru_cell") != std::string::npos;
  });
  ASSERT_TRUE(kernel != tensors.end() && (kernel + 1)->name.ends_with("/recurrent_kernel:0"));
  std::iter_swap(kernel, kernel + 1);
  EXPECT_NE(parts.refusal().find("weight-order | layer \"gru\", kernel: expected the tensor \"kernel\" next, "
                                 "found \"model_weights/gru/gru/gru_cell/recurrent_kernel:0\"."),
            std::string::npos)
      << parts.refusal();
}

TEST(Refusal, ShapesThatDoNotFit) {
  Parts parts(kClassic);
  parts.layer("repeat_vector")["config"]["n"] = 6;  // five units
  EXPECT_NE(parts.refusal().find("layer-input | layer \"multiply\" (Multiply): expected an input of shape "
                                 "that fits (None, 7, 5), found (None, 7, 6)."),
            std::string::npos)
      << parts.refusal();
}

TEST(Refusal, BrokenStructure) {
  const std::vector<std::pair<const char*, std::function<void(json&)>>> changes = {
      {"class_name: expected a string, found nothing", [](json& config) { config.erase("class_name"); }},
      // A subclass of Model that does not say how it was built.
      {"model-class | ",
       [](json& config) {
         config["class_name"] = "MyModel";
         config["config"].erase("output_layers");
       }},
      {"expected an object with \"layers\"", [](json& config) { config["config"] = 3; }},
      {"layer 2, config: expected an object",
       [](json& config) { config["config"]["layers"][2].erase("config"); }},
      {"input_layers: expected a list of [layer, node, tensor]",
       [](json& config) { config["config"]["input_layers"] = json::array(); }},
      {"an output of one of the model's layers",
       [](json& config) { config["config"]["output_layers"][0][0] = "nobody"; }},
      {"an output of one of the model's layers",
       [](json& config) { config["config"]["output_layers"][0][1] = 7; }},
      {"an output of one of the model's layers",
       [](json& config) { config["config"]["output_layers"][0][2] = 1; }},
      {"no cycle", [](json& config) { config["config"]["layers"][1]["inbound_nodes"][0][0][0] = "dense_1"; }},
      {"duplicate-layer",
       [](json& config) { config["config"]["layers"].push_back(config["config"]["layers"][3]); }},
      {"at most 1000 layers", [](json& config) {
         const json layer = config["config"]["layers"][3];
         for (int i = 0; i < 1000; ++i) config["config"]["layers"].push_back(layer);
       }}};
  for (const auto& [text, change] : changes) {
    Parts parts(kClassic);
    change(parts.config);
    EXPECT_NE(parts.refusal().find(text), std::string::npos) << text << "\n" << parts.refusal();
  }
}

TEST(Refusal, CallArgumentsThatChangeNumbers) {
  Parts parts(kClassic);
  parts.layer("gru")["inbound_nodes"][0][0][3] = {{"initial_state", json::array({"x", 0, 0})}};
  EXPECT_NE(parts.refusal().find("layer \"gru\" (GRU), call argument initial_state: expected tensors"),
            std::string::npos)
      << parts.refusal();
  parts.layer("gru")["inbound_nodes"][0][0][3] = {{"constants", json::array({"x", 0, 0})}};
  EXPECT_NE(parts.refusal().find("layer \"gru\" (GRU), call argument constants: expected none"),
            std::string::npos)
      << parts.refusal();
  parts.layer("gru")["inbound_nodes"][0][0][3] = {{"training", false}, {"mask", nullptr}};
  EXPECT_EQ(parts.refusal(), "accepted");
}

/// Beside everything else that is wrong, and with the choice that would settle it.
TEST(Refusal, ALambdaWithoutItsCode) {
  Parts parts(kClassic);
  parts.layer("lambda")["config"]["function"] = "my_function";
  parts.layer("lambda")["config"]["function_type"] = "function";
  parts.layer("gru")["config"]["time_major"] = true;
  EXPECT_NE(parts.refusal().find("lambda-name | layer \"lambda\", function"), std::string::npos)
      << parts.refusal();
  EXPECT_NE(parts.refusal().find("time_major"), std::string::npos) << parts.refusal();
  try {
    parts.open();
    FAIL();
  } catch (const Error& error) {
    const auto& problems = error.problems();
    EXPECT_TRUE(std::any_of(problems.begin(), problems.end(),
                            [](const Problem& problem) { return problem.choice == "lambda:lambda"; }));
  }
}

TEST(Refusal, AVocabularyTooLargeForTheEmbedding) {
  Parts parts(kClassic);
  parts.bundle.metadata["text"] = R"({"vocabulary":{"a":1,"b":11}})";
  EXPECT_NE(parts.refusal().find("id-out-of-range"), std::string::npos) << parts.refusal();
}

TEST(Refusal, ATextLengthThatIsNotTheInputs) {
  Parts parts(kClassic);
  parts.bundle.metadata["text"] = R"({"vocabulary":{"a":1},"length":8})";
  EXPECT_NE(
      parts.refusal().find(
          "text-length | m.safetensors, text, length: expected 7 timesteps, as the model's input, found 8."),
      std::string::npos)
      << parts.refusal();
}

TEST(Assumption, WeightsGoOutInOrderWhereNamesDiffer) {
  Parts parts("keras-2.15/weights_only");
  const auto named = parts.open();
  for (testing::TestLayer& layer : parts.bundle.layers) layer.name = "other_" + layer.name;
  const auto ordered = parts.open();
  EXPECT_EQ(json::parse(named->card())["assumptions"].size() + 1,
            json::parse(ordered->card())["assumptions"].size());
  EXPECT_NE(ordered->card().find("weights were given out in order"), std::string::npos);
}

TEST(Assumption, AVersionThatIsNotStated) {
  Parts parts(kClassic);
  parts.bundle.metadata.erase("keras_version");
  EXPECT_NE(parts.open()->card().find("Keras 2 is assumed"), std::string::npos);
}

}  // namespace
}  // namespace charglow
