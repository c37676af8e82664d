// Architectures proposed for files that hold weights only. The truth is real Keras's: fixtures whose
// architecture is taken away, or that never had one beside them (bare_…), compared with the numbers of the
// model that was saved.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "keras/infer/sizes.h"
#include "taken_apart.h"
#include "text_fixtures.h"

namespace charglow::testing {
namespace {

using nlohmann::json;
using Chosen = std::map<std::string, std::string>;

/// A fixture's weights, without its architecture.
struct Bare {
  TestBundle bundle;

  explicit Bare(const std::string& fixture) : bundle(TakenApart(fixture).bundle) {
    const Bundle original = Bundle::open(readFile(bundlePath(fixture)), fixture);
    bundle.metadata["parity"] = std::string(*original.metadata("parity"));
  }

  std::shared_ptr<const Model> open(const Chosen& choices = {}) const {
    return Model::open(bytesOf(bundle.binary()), "w.safetensors", choices);
  }

  [[nodiscard]] TestTensor& tensor(const std::string& name) {
    return *std::find_if(bundle.tensors.begin(), bundle.tensors.end(),
                         [&](const TestTensor& one) { return one.name == name; });
  }
};

/// Whether every number of the fixture comes out.
void expectKerasNumbers(const std::shared_ptr<const Model>& model) {
  const ParityReport report = verify(model, lowerAscii);
  EXPECT_FALSE(report.cases.empty());
  for (const ParityCase& one : report.cases)
    EXPECT_TRUE(one.agrees()) << one.name << ": " << one.outputDifference << " " << one.problem;
}

json assumptionsOf(const Model& model) {
  json byId;
  const json card = json::parse(model.card());
  for (const json& one : card["assumptions"]) byId[one["id"].get<std::string>()] = one;
  return byId;
}

TEST(Inference, ProposesTheClassicAttentionModel) {
  for (const char* fixture :
       {"keras-2.15/weights_only", "keras-2.2/weights_only", "keras-2.1/weights_only", "tf-1.15/weights_only",
        "keras-2.2/cudnn_gru_plain_names", "keras-2.2/cudnn_lstm_plain_names",
        "keras-2.2/cudnn_lstm_bidirectional_plain_names", "tf-1.15/cudnn_lstm_plain_names"}) {
    SCOPED_TRACE(fixture);
    const auto model = Bare(fixture).open();
    expectKerasNumbers(model);
    ASSERT_EQ(model->attention().size(), 1u);
    EXPECT_EQ(model->graph().nodes[model->attention()[0].node].name(), "attention_vec");
  }
}

TEST(Inference, ProposesASequentialModelWithTheUsersActivations) {
  for (const char* fixture : {"keras-2.2/weights_only_sequential", "keras-2.1/weights_only_sequential",
                              "tf-1.15/weights_only_sequential"}) {
    SCOPED_TRACE(fixture);
    const bool tensorFlow = std::string(fixture).starts_with("tf");
    const std::string hidden = tensorFlow ? "dense" : "dense_1";
    const Bare bare(fixture);
    EXPECT_EQ(assumptionsOf(*bare.open()).at(hidden + ".activation")["value"], "relu");
    EXPECT_FALSE(verify(bare.open(), lowerAscii).agrees());
    expectKerasNumbers(bare.open({{hidden + ".activation", "tanh"}}));
  }
}

TEST(Inference, SaysThatItIsAProposalAndWhatItAssumes) {
  const auto model = Bare("keras-2.2/weights_only").open();
  const json assumptions = assumptionsOf(*model);
  EXPECT_TRUE(assumptions.at("architecture")["text"].get<std::string>().starts_with(
      "The file holds weights only: the architecture is a proposal"));
  EXPECT_EQ(assumptions.at("gru_1.recurrent_activation")["value"], "hard_sigmoid");
  EXPECT_EQ(assumptions.at("gru_1.recurrent_activation")["options"].size(), 2u);
  EXPECT_EQ(assumptions.at("time_distributed_1.activation")["value"], "tanh");
  EXPECT_EQ(assumptions.at("attention_vec.activation")["value"], "softmax");
  EXPECT_EQ(assumptions.at("dense_2.activation")["value"], "sigmoid");
  EXPECT_EQ(assumptions.at("embedding_1.mask_zero")["value"], "false");
  EXPECT_EQ(assumptions.at("lambda:lambda_1")["value"], "sum(axis=1)");
  EXPECT_EQ(assumptions.at("timesteps")["value"], "any");
  EXPECT_TRUE(assumptions.at("timesteps")["open"].get<bool>());
  EXPECT_EQ(assumptions.count("gru_1.return_sequences"), 0u) << "the widths leave no other";
}

TEST(Inference, FollowsTheUsersChoices) {
  const Bare bare("keras-2.2/weights_only");
  const auto model = bare.open({{"timesteps", "7"},
                                {"dense_2.activation", "linear"},
                                {"gru_1.recurrent_activation", "sigmoid"},
                                {"lambda:lambda_1", "mean(axis=1)"},
                                {"embedding_1.mask_zero", "true"}});
  EXPECT_EQ(shapeText(model->inputShape()), "(None, 7)");
  EXPECT_EQ(model->graph().layers.back()->activation(), "linear");
  EXPECT_EQ(assumptionsOf(*model).at("timesteps")["value"], "7");
  EXPECT_TRUE(assumptionsOf(*model).at("timesteps")["chosen"].get<bool>());
  EXPECT_FALSE(verify(model, lowerAscii).agrees());
  EXPECT_EQ(refusal([&] {
              bare.open({{"dense_2.activation", "step"}});
            }),
            "choice-value | assumption \"dense_2.activation\": expected one of linear, relu, tanh, sigmoid, "
            "softmax, "
            "elu, selu, softplus, hard_sigmoid, found \"step\".");
  EXPECT_EQ(
      refusal([&] {
        bare.open({{"timesteps", "-7"}});
      }),
      "choice-value | assumption \"timesteps\": expected \"any\" or a whole number from 1, found \"-7\".");
}

TEST(Inference, TakesTheLengthFromTheTextEncoding) {
  Bare bare("keras-2.15/weights_only");
  bare.bundle.metadata["text"] = R"({"vocabulary": {"a": 1}, "length": 12})";
  EXPECT_EQ(shapeText(bare.open()->inputShape()), "(None, 12)");
}

TEST(Inference, OffersSequencesWhereTheLastStepIsAssumed) {
  const Bare bare("keras-2.2/weights_only_sequential");
  EXPECT_EQ(assumptionsOf(*bare.open()).at("gru_1.return_sequences")["value"], "false");
  const auto model = bare.open({{"gru_1.return_sequences", "true"}});
  EXPECT_EQ(shapeText(model->graph().nodes[model->graph().outputs[0]].shape), "(None, None, 1)");
}

TEST(Inference, RefusesWhatDoesNotFitAndListsWhatItSaw) {
  Bare bare("keras-2.2/weights_only_sequential");
  TestTensor& kernel = bare.tensor("dense_2/dense_2/kernel:0");
  kernel.shape = {6, 1};
  kernel.values.resize(6);
  EXPECT_EQ(
      refusal([&] { bare.open(); }),
      "no-architecture | w.safetensors: expected layers whose widths fit together, so that an architecture "
      "can be "
      "proposed, found no way to go on to \"dense_2\", among embedding_1: embeddings (11, 4); "
      "spatial_dropout1d_1; gru_1: kernel (4, 15), recurrent_kernel (5, 15), bias (15,); dropout_1; dense_1: "
      "kernel (5, 3), bias (3,); dense_2: kernel (6, 1), bias (1,). Convert the file together with its "
      "architecture: convert.py weights.h5 --config model.json, where model.json holds model.to_json().");
}

TEST(Inference, RefusesWeightsOfNoLayerItKnows) {
  Bare bare("keras-2.2/weights_only_sequential");
  bare.tensor("embedding_1/embedding_1/embeddings:0").shape = {11, 2, 2, 1};
  EXPECT_TRUE(
      refusal([&] { bare.open(); })
          .starts_with(
              "no-architecture | w.safetensors, layer \"embedding_1\": expected weights of a layer that "
              "can be told by them, found embeddings (11, 2, 2, 1)."));
}

TEST(Sizes, BecomeKnownByEachOther) {
  Unknowns unknowns;
  const Size other = unknowns.fresh();
  EXPECT_EQ(unknowns.number(other), std::nullopt);
  EXPECT_TRUE(unknowns.equal(other, Size::timesteps()));
  EXPECT_TRUE(unknowns.equal(*unknowns.product(Size::timesteps(), Size::of(5)), Size::of(35)));
  EXPECT_EQ(unknowns.timesteps(), 7);
  EXPECT_EQ(unknowns.number(other), 7);
  EXPECT_FALSE(unknowns.equal(other, Size::of(8)));
  EXPECT_FALSE(Unknowns().equal(Size{5, Size::kTimesteps}, Size::of(36))) << "no multiple of 5";
}

}  // namespace
}  // namespace charglow::testing
