// Architectures of Keras 1 in the words of Keras 2. That they compute what Keras 1 does is the fixtures'
// business.

#include "keras/keras_1.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace charglow {
namespace {

using nlohmann::json;

/// A Sequential of layers given as JSON.
json sequential(const std::string& layers) {
  return json::parse(R"({"class_name":"Sequential","config":[)" + layers + "]}");
}

/// What becomes of the only layer of a Sequential.
json translated(const std::string& layer) { return inKeras2(sequential(layer))["config"][0]; }

TEST(Keras1, OptionsAreRenamed) {
  EXPECT_EQ(translated(R"({"class_name":"Convolution1D","config":{"name":"c","nb_filter":6,"filter_length":3,
                           "border_mode":"same","subsample_length":2,"init":"uniform","bias":false}})"),
            json::parse(R"({"class_name":"Conv1D","config":{"name":"c","filters":6,"kernel_size":3,
                            "padding":"same","strides":2,"use_bias":false}})"));
  EXPECT_EQ(translated(R"({"class_name":"MaxPooling1D","config":{"pool_length":3,"stride":1}})"),
            json::parse(R"({"class_name":"MaxPooling1D","config":{"pool_size":3,"strides":1}})"));
  EXPECT_EQ(translated(R"({"class_name":"Bidirectional","config":{"layer":{"class_name":"GRU","config":{
                           "output_dim":5,"inner_activation":"hard_sigmoid","consume_less":"gpu"}}}})"),
            json::parse(R"({"class_name":"Bidirectional","config":{"layer":{"class_name":"GRU","config":{
                            "units":5,"recurrent_activation":"hard_sigmoid"}}}})"));
  const std::string embedding = R"({"class_name":"Embedding","config":{"input_dim":11,"output_dim":4}})";
  EXPECT_EQ(translated(embedding), json::parse(embedding)) << "output_dim is what it is called to this day";
}

TEST(Keras1, AMergeIsTheLayerOfItsMode) {
  const auto merge = [](const std::string& options) {
    return translated(R"({"class_name":"Merge","config":{"name":"m",)" + options + "}}").dump();
  };
  EXPECT_EQ(merge(R"("mode":"mul","mode_type":"raw","concat_axis":-1)"),
            R"({"class_name":"Multiply","config":{"name":"m"}})");
  EXPECT_EQ(merge(R"("mode":"concat","mode_type":"raw","concat_axis":1)"),
            R"({"class_name":"Concatenate","config":{"axis":1,"name":"m"}})");
  EXPECT_EQ(merge(R"("mode":"dot","mode_type":"raw","dot_axes":[2,1])"),
            R"({"class_name":"Dot","config":{"axes":[2,1],"name":"m"}})");
  const std::string function = R"("mode":"my_function","mode_type":"function")";
  EXPECT_EQ(merge(function), R"({"class_name":"Merge","config":{"mode":"my_function","mode_type":"function",)"
                             R"("name":"m"}})")
      << "left for the layer to refuse";
}

TEST(Keras1, BranchesUnderAMergeBecomeAFunctionalModel) {
  const auto branch = [](const std::string& name) {
    return R"({"class_name":"Sequential","config":[
        {"class_name":"Embedding","config":{"name":")" +
           name + R"(","batch_input_shape":[null,7]}},
        {"class_name":"GRU","config":{"name":")" +
           name + R"(_gru","output_dim":5}}]})";
  };
  const json model =
      inKeras2(sequential(R"({"class_name":"Merge","config":{"name":"m","mode":"sum","mode_type":"raw",
      "layers":[)" + branch("left") +
                          "," + branch("right") + R"(]}},
      {"class_name":"Dense","config":{"name":"d","output_dim":1}})"));
  EXPECT_EQ(model["class_name"], "Model");
  const json& config = model["config"];
  EXPECT_EQ(config["input_layers"].dump(), R"([["embedding_input_1",0,0],["embedding_input_2",0,0]])");
  EXPECT_EQ(config["output_layers"].dump(), R"([["d",0,0]])");
  ASSERT_EQ(config["layers"].size(), 8u);
  EXPECT_EQ(config["layers"][0]["config"]["batch_input_shape"].dump(), "[null,7]");
  EXPECT_EQ(config["layers"][6]["class_name"], "Add");
  EXPECT_EQ(config["layers"][6]["inbound_nodes"].dump(), R"([[["left_gru",0,0],["right_gru",0,0]]])");
  EXPECT_EQ(config["layers"][7]["inbound_nodes"].dump(), R"([[["m",0,0]]])");
}

TEST(Keras1, IsKnownByItsWords) {
  EXPECT_TRUE(speaksKeras1(sequential(R"({"class_name":"LSTM","config":{"inner_init":"orthogonal"}})")));
  EXPECT_TRUE(
      speaksKeras1(sequential(R"({"class_name":"Dense","config":{"init":"uniform","output_dim":1}})")));
  EXPECT_FALSE(
      speaksKeras1(sequential(R"({"class_name":"Embedding","config":{"input_dim":11,"output_dim":4}})")));
  EXPECT_TRUE(dependsOnBackend(sequential(R"({"class_name":"Convolution1D","config":{}})")));
  EXPECT_FALSE(
      dependsOnBackend(sequential(R"({"class_name":"MaxPooling1D","config":{"border_mode":"valid"}})")));
}

TEST(Keras1, WhateverAFileHoldsIsLeftForItsReader) {
  for (const char* text :
       {"null", "[]", "3", "{}", R"({"config":3})", R"({"class_name":"Sequential","config":[3]})",
        R"({"class_name":"Sequential","config":[{"class_name":"Merge","config":[]}]})",
        R"({"class_name":"Sequential","config":[{"class_name":"Merge","config":{"layers":[3,{}]}}]})",
        R"({"class_name":"Model","config":{"layers":[{"config":{"layer":{"config":null}}}]}})"}) {
    const json model = json::parse(text);
    EXPECT_NO_THROW(static_cast<void>(inKeras2(model))) << text;
    EXPECT_NO_THROW(static_cast<void>(speaksKeras1(model))) << text;
    EXPECT_NO_THROW(static_cast<void>(dependsOnBackend(model))) << text;
  }
}

}  // namespace
}  // namespace charglow
