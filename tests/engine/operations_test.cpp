// Operations: what functions on tensors are made of, from the names that people write to the numbers.

#include <gtest/gtest.h>

#include "expanded.h"
#include "explain/attention.h"
#include "fixtures.h"
#include "kernels/broadcast.h"
#include "kernels/contract.h"
#include "layers/match_axes.h"
#include "layers/operations/registry.h"
#include "session.h"
#include "taken_apart.h"

namespace charglow {
namespace {

using nlohmann::json;
using testing::expanded;
using testing::modelOf;
using testing::openFixture;
using testing::operationsOf;
using testing::problemOf;

/// An operation and what it makes of its inputs.
struct Made {
  std::unique_ptr<Layer> layer;
  std::vector<Problem> problems;
};

Made made(const std::string& className, const json& options, const json& more = json::object()) {
  json config = {{"op", options}, {"of", "Lambda"}};
  config.update(more);
  static const Dialect dialect = Dialect::parse("2.15.0", "");
  Made result;
  result.layer = makeOperation("it", className, config, dialect, result.problems);
  return result;
}

Shape shapeOf(const std::string& className, const json& options, const std::vector<Shape>& inputs) {
  const Made one = made(className, options);
  if (one.layer == nullptr) throw Error(one.problems);
  return one.layer->outputShape(inputs);
}

std::string refusal(const std::string& className, const json& options, const std::vector<Shape>& inputs) {
  try {
    return "accepted, " + shapeText(shapeOf(className, options, inputs));
  } catch (const Error& error) {
    return error.what();
  }
}

/// Values of an operation on tensors that count up from 0, unless they are given.
std::vector<float> computed(const std::string& className, const json& options,
                            const std::vector<Shape>& shapes, std::vector<std::vector<float>> values = {}) {
  const Made one = made(className, options);
  if (one.layer == nullptr) throw Error(one.problems);
  std::vector<View> views;
  values.resize(shapes.size());
  for (size_t i = 0; i < shapes.size(); ++i) {
    const auto count = static_cast<size_t>(elementCount(shapes[i]));
    for (size_t k = values[i].size(); k < count; ++k) values[i].push_back(static_cast<float>(k));
    views.push_back({shapes[i], values[i], {}});
  }
  Value output;
  output.reshape(one.layer->outputShape(shapes));
  Scratch scratch;
  one.layer->forward(views, Output{output.shape, output.data, output.mask}, scratch);
  return output.data;
}

Dim timed(int size) { return {size, Along::Time}; }

TEST(Broadcast, MeetsAxesFromTheEnd) {
  Shape shape = {{kUnknown}, timed(7), {5}};
  EXPECT_TRUE(broadcast(shape, {{kUnknown}, {7}, {1}}));
  EXPECT_TRUE(broadcast(shape, {{5}}));
  EXPECT_TRUE(broadcast(shape, {{1}}));
  EXPECT_EQ(shape, (Shape{{kUnknown}, timed(7), {5}}));
  EXPECT_FALSE(broadcast(shape, {{4}}));
  Shape scores = {{kUnknown}, {1}, {5}};
  EXPECT_TRUE(broadcast(scores, {{kUnknown}, timed(7), {1}}));
  EXPECT_EQ(scores, (Shape{{kUnknown}, timed(7), {5}}));
}

TEST(MatchAxes, FindsAxesOnBothSidesOfWhatWasSplit) {
  using Match = std::vector<std::optional<size_t>>;
  const auto none = std::nullopt;
  EXPECT_EQ(matchAxes({{3}, {7}, {6}}, {{3}, {7}, {2}, {3}}), (Match{0, 1, none, none}));
  EXPECT_EQ(matchAxes({{3}, {7}, {2}, {3}}, {{3}, {7}, {6}}), (Match{0, 1, none}));
  EXPECT_EQ(matchAxes({{3}, {2}, {7}, {5}}, {{3}, {14}, {5}}), (Match{0, none, 3}));
  EXPECT_EQ(matchAxes({{3}, {7}, {1}}, {{3}, {7}}), (Match{0, 1}));
  EXPECT_EQ(matchAxes({{3}, {7}, {5}}, {{3}, {35}}), (Match{0, none}));
  // A number of timesteps that is not known.
  EXPECT_EQ(matchAxes({{kUnknown}, {kUnknown}, {6}}, {{kUnknown}, {kUnknown}, {2}, {3}}),
            (Match{0, 1, none, none}));
  EXPECT_EQ(matchAxes({{kUnknown}, {kUnknown}, {5}}, {{kUnknown}, {kUnknown}}), (Match{0, none}));
}

TEST(Slice, TakesWhatPythonTakes) {
  const Shape input = {{1}, {5}, {2}};  // 0 1, 2 3, 4 5, 6 7, 8 9
  const auto steps = [&](const json& item) {
    return computed("Slice", {{"items", {json::object(), item, 0}}}, {input});
  };
  using Values = std::vector<float>;
  EXPECT_EQ(steps(-1), (Values{8}));
  EXPECT_EQ(steps({{"start", 1}, {"stop", 3}}), (Values{2, 4}));
  EXPECT_EQ(steps({{"start", -2}}), (Values{6, 8}));
  EXPECT_EQ(steps({{"start", -9}, {"stop", 99}}), (Values{0, 2, 4, 6, 8}));
  EXPECT_EQ(steps({{"step", 2}}), (Values{0, 4, 8}));
  EXPECT_EQ(steps({{"step", -1}}), (Values{8, 6, 4, 2, 0}));
  EXPECT_EQ(steps({{"start", 3}, {"stop", 0}, {"step", -2}}), (Values{6, 2}));
  EXPECT_EQ(steps({{"start", -2}, {"stop", -5}, {"step", -1}}), (Values{6, 4, 2}));
  EXPECT_EQ(shapeOf("Slice", {{"items", {"...", nullptr, 0}}}, {input}), (Shape{{1}, {5}, {1}}));
  EXPECT_NE(
      refusal("Slice", {{"items", {json::object(), {{"start", 5}}}}}, {input}).find("something is left"),
      std::string::npos);
  EXPECT_NE(refusal("Slice", {{"items", {json::object(), 5}}}, {input}).find("a place 5 on axis 1"),
            std::string::npos);
  EXPECT_NE(refusal("Slice", {{"items", {0}}}, {input}).find("taken whole"), std::string::npos);
  const Shape batch = {{kUnknown}, {5}, {2}};
  EXPECT_NE(refusal("Slice", {{"items", {{{"start", 1}}}}}, {batch}).find("taken whole"), std::string::npos);
  EXPECT_NE(refusal("Slice", {{"items", {json::object(), {{"part", 1}, {"of", 2}}}}}, {input})
                .find("a multiple of 2"),
            std::string::npos);
  EXPECT_NE(refusal("Slice", {{"items", {json::object(), 0, 0, 0}}}, {input}).find("of rank 4"),
            std::string::npos);
}

TEST(Slice, KnowsWhichTimestepsAreLeft) {
  const auto steps = [](const Dim& time, const json& item) {
    return shapeOf("Slice", {{"items", {json::object(), item}}}, {{{1}, time, {2}}})[1];
  };
  const auto is = [](int size, Along along, int offset, int stride) {
    return Dim{size, along, Steps{0, stride, offset, 1}};
  };
  const Dim reversed = {7, Along::ReversedTime};
  EXPECT_EQ(steps(timed(7), {{"start", 2}, {"step", 2}}), is(3, Along::Time, 2, 2));
  EXPECT_EQ(steps(timed(7), {{"step", -1}}), is(7, Along::ReversedTime, 0, 1));
  EXPECT_EQ(steps(timed(7), {{"start", 4}, {"step", -2}}), is(3, Along::ReversedTime, 0, 2));
  EXPECT_EQ(steps(timed(7), {{"start", -3}}), is(3, Along::Time, 4, 1));
  EXPECT_EQ(steps(reversed, {{"stop", 3}}), is(3, Along::ReversedTime, 4, 1));
  EXPECT_EQ(steps(reversed, {{"start", 1}, {"step", 2}}), is(3, Along::ReversedTime, 1, 2));
  EXPECT_EQ(steps(reversed, {{"step", -1}}), is(7, Along::Time, 0, 1));
  EXPECT_EQ(steps(timed(kUnknown), {{"start", 1}}), is(kUnknown, Along::Time, 1, 1));
  EXPECT_EQ(steps(timed(kUnknown), {{"start", -3}}), Dim{kUnknown})
      << "which ones is not known before there is a text";
}

TEST(Contract, SumsOverWhatTheOutputLacks) {
  using Values = std::vector<float>;
  const Shape two = {{1}, {2}, {3}};
  EXPECT_EQ(computed("Contract", {{"function", "matmul"}, {"transpose_b", true}}, {two, two}),
            (Values{5, 14, 14, 50}));
  EXPECT_EQ(computed("Contract", {{"function", "batch_dot"}, {"axes", 1}}, {two, two}),
            (Values{9, 12, 15, 12, 17, 22, 15, 22, 29}));
  EXPECT_EQ(computed("Contract", {{"function", "einsum"}, {"equation", "b t d, b s d -> b s t"}}, {two, two}),
            (Values{5, 14, 14, 50}));
  EXPECT_EQ(computed("Contract", {{"function", "einsum"}, {"equation", "...ij,...kj"}}, {two, two}),
            (Values{5, 14, 14, 50}));
  EXPECT_EQ(computed("Contract", {{"function", "matvec"}}, {two, {{1}, {3}}}), (Values{5, 14}));
  EXPECT_EQ(computed("Contract", {{"function", "batch_dot"}}, {{{1}, {3}}, {{1}, {3}}}), (Values{5}));
  EXPECT_EQ(shapeOf("Contract", {{"function", "batch_dot"}}, {{{1}, {3}}, {{1}, {3}}}), (Shape{{1}, {1}}));
}

TEST(Contract, RefusesWhatDoesNotKeepTextsApart) {
  const Shape two = {{kUnknown}, {7}, {5}};
  const auto einsum = [&](const char* equation) {
    return refusal("Contract", {{"function", "einsum"}, {"equation", equation}}, {two, two});
  };
  EXPECT_NE(einsum("btd,csd->bcts").find("whose batch (the first axis) stays the first"), std::string::npos);
  EXPECT_NE(einsum("btd,bsd->tbs").find("whose batch (the first axis) stays the first"), std::string::npos);
  EXPECT_NE(einsum("btd,bsd->ts").find("whose batch (the first axis) stays the first"), std::string::npos);
  EXPECT_NE(einsum("bttd,bsd->bs").find("each letter once"), std::string::npos);
  EXPECT_NE(einsum("btd,bsd->bq").find("each letter in two"), std::string::npos);
  EXPECT_NE(einsum("bt,bts->bs").find("of rank 2"), std::string::npos);
  EXPECT_NE(refusal("Contract", {{"function", "matmul"}}, {two, two}).find("that fits (None, 7, 5)"),
            std::string::npos);
  EXPECT_NE(refusal("Contract", {{"function", "matmul"}}, {two, {{kUnknown}, {5}}}).find("of rank 3"),
            std::string::npos);
  const Shape one = {{kUnknown}, {7}, {1}};
  EXPECT_NE(refusal("Contract", {{"function", "batch_dot"}, {"axes", 2}}, {two, one}).find("that fits"),
            std::string::npos)
      << "an axis of length 1 is not repeated to be summed over";
}

TEST(Repeat, RepeatsElementsOrTheWhole) {
  using Values = std::vector<float>;
  const Shape input = {{1}, {2}, {2}};
  EXPECT_EQ(computed("Repeat", {{"axis", 1}, {"times", 2}, {"elements", true}}, {input}),
            (Values{0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_EQ(computed("Repeat", {{"axis", 1}, {"times", 2}}, {input}), (Values{0, 1, 2, 3, 0, 1, 2, 3}));
  EXPECT_EQ(computed("Repeat", {{"times", {1, 1, 2}}}, {input}), (Values{0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_NE(refusal("Repeat", {{"times", {2, 1, 1}}}, {input}).find("is not repeated"), std::string::npos);
  EXPECT_NE(refusal("Repeat", {{"times", {1, 2}}}, {input}).find("of rank 2"), std::string::npos);
  // As often as another tensor has timesteps.
  const json times = json::array({1, {{"input", 1}, {"axis", 1}}, 1});
  EXPECT_EQ(shapeOf("Repeat", {{"times", times}}, {{{3}, {1}, {5}}, {{3}, timed(7), {4}}}),
            (Shape{{3}, {7}, {5}}));
}

TEST(Elementwise, ComputesEachFunction) {
  const auto one = [](const char* function, float x) {
    return computed("Elementwise", {{"function", function}, {"operands", {{{"tensor", 0}}}}}, {{{1}}},
                    {{x}})[0];
  };
  const auto two = [](const char* function, float x, float y) {
    const json operands = {{{"tensor", 0}}, y};
    return computed("Elementwise", {{"function", function}, {"operands", operands}}, {{{1}}}, {{x}})[0];
  };
  EXPECT_FLOAT_EQ(one("round", 2.5f), 2);
  EXPECT_FLOAT_EQ(one("round", 3.5f), 4);
  EXPECT_FLOAT_EQ(one("trunc", -1.7f), -1);
  EXPECT_FLOAT_EQ(one("sign", -3), -1);
  EXPECT_FLOAT_EQ(one("rsqrt", 4), 0.5f);
  EXPECT_FLOAT_EQ(one("logical_not", 0), 1);
  EXPECT_FLOAT_EQ(one("not_zero", -2), 1);
  EXPECT_FLOAT_EQ(two("modulo", -1, 3), 2);
  EXPECT_FLOAT_EQ(two("floor_divide", -1, 3), -1);
  EXPECT_FLOAT_EQ(two("divide_no_nan", 1, 0), 0);
  EXPECT_FLOAT_EQ(two("power", 3, 2), 9);
  EXPECT_FLOAT_EQ(two("logical_xor", 1, 1), 0);
  EXPECT_FLOAT_EQ(two("greater_equal", 1, 1), 1);
  EXPECT_FLOAT_EQ(two("less", 1, 1), 0);
}

TEST(Elementwise, TakesArraysAndConditions) {
  using Values = std::vector<float>;
  const json array = {{{"tensor", 0}}, {10, 20}};
  EXPECT_EQ(computed("Elementwise", {{"function", "add"}, {"operands", array}}, {{{1}, {2}, {2}}}),
            (Values{10, 21, 12, 23}));
  const json where = {{{"tensor", 0}}, {{"tensor", 1}}, -1};
  EXPECT_EQ(computed("Elementwise", {{"function", "where"}, {"operands", where}}, {{{1}, {2}}, {{1}, {2}}}),
            (Values{-1, 1}));
  // The condition of K.switch meets the values from the front: a mask and what has features.
  EXPECT_EQ(
      computed("Elementwise", {{"function", "switch"}, {"operands", where}}, {{{1}, {2}}, {{1}, {2}, {2}}}),
      (Values{-1, -1, 2, 3}));
  const json ragged = {{{"tensor", 0}}, {{1, 2}, {3}}};
  EXPECT_NE(refusal("Elementwise", {{"function", "add"}, {"operands", ragged}}, {{{1}, {2}}})
                .find("tensors and numbers"),
            std::string::npos);
}

TEST(Operation, NeitherSeesNorHandsOnMasks) {
  const Made softmax = made("Softmax", {{"axis", 1}});  // the layer would refuse a mask
  ASSERT_NE(softmax.layer, nullptr);
  const Shape shape = {{1}, {2}, {1}};
  const std::vector<float> values = {0, 0};
  const std::vector<uint8_t> mask = {1, 0};
  const View input{shape, values, mask};
  Value output;
  output.reshape(shape);
  Scratch scratch;
  softmax.layer->forward({&input, 1}, Output{output.shape, output.data, output.mask}, scratch);
  EXPECT_EQ(output.data, (std::vector<float>{0.5f, 0.5f}));
  EXPECT_TRUE(output.mask.empty());
  // What a function's `mask` argument stands for is the exception.
  const Made masked = made("MaskOf", json::object());
  Value seen;
  seen.reshape(masked.layer->outputShape({&shape, 1}));
  masked.layer->forward({&input, 1}, Output{seen.shape, seen.data, seen.mask}, scratch);
  EXPECT_EQ(seen.data, (std::vector<float>{1, 0}));
}

TEST(Operation, ComparesTheShapeThatTheFileStates) {
  const Shape input = {{kUnknown}, {7}, {5}};
  const json options = {{"kind", "sum"}, {"axis", 1}, {"keepdims", false}};
  EXPECT_EQ(made("Reduce", options, {{"output_shape", {5}}}).layer->outputShape({&input, 1}),
            (Shape{{kUnknown}, {5}}));
  EXPECT_EQ(made("Reduce", options, {{"output_shape", {nullptr}}}).layer->outputShape({&input, 1}),
            (Shape{{kUnknown}, {5}}));
  try {
    static_cast<void>(
        made("Reduce", options, {{"output_shape", {7}}, {"source", "lambda x: K.sum(x, axis=1)"}})
            .layer->outputShape({&input, 1}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.problems()[0].code, "lambda-shape");
    EXPECT_EQ(error.problems()[0].choice, "lambda:it");
    EXPECT_NE(std::string(error.what()).find("expected (None, 7), as the file says, found (None, 5)"),
              std::string::npos)
        << error.what();
  }
}

TEST(ExpandOperations, NamesTheLastOneAsTheLayer) {
  const GraphSpec spec = expanded(
      modelOf("attend", "Lambda", json::object(), 2), "2.15.0",
      {{"lambda:attend", "lambda x: K.sum(x[0] * K.expand_dims(K.softmax(x[1], axis=1), -1), axis=1)"}});
  std::vector<std::string> names;
  for (const LayerSpec& layer : spec.layers) names.push_back(layer.name);
  EXPECT_EQ(names, (std::vector<std::string>{"x", "x1", "attend/1", "attend/2", "attend/3", "attend"}));
  EXPECT_EQ(spec.layers.back().className, "Reduce");
  EXPECT_EQ(spec.layers.back().config["of"], "Lambda");
}

TEST(ExpandOperations, TakesAnyLayerByChoice) {
  const GraphSpec spec =
      expanded(modelOf("mine", "MyLayer", {{"units", 3}}), "2.15.0", {{"lambda:mine", "sum(axis=1)"}});
  EXPECT_EQ(operationsOf(spec), (json{{{"class", "Reduce"},
                                       {"inputs", {0}},
                                       {"op", {{"kind", "sum"}, {"axis", 1}, {"keepdims", false}}}}}));
}

TEST(ExpandOperations, SaysWhatIsWrongWithAChoice) {
  const auto problem = [](const std::string& text) {
    return problemOf(expanded(modelOf("it", "Lambda", json::object()), "2.15.0", {{"lambda:it", text}}));
  };
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"sum(axis=1", "its end, where \",\" or \")\" belongs at character 11"},
      {"sum(axis=)", "\")\", where a value belongs at character 10"},
      {"", "its end, where a value belongs at character 1"},
      {"x +", "where a value belongs"},
      {"x[", "where a value belongs"},
      {"x[]", "nothing between brackets"},
      {"x ? 1", "\"?\", where it could end"},
      {"1 < x < 2", "a comparison of a comparison"},
      {"x if x else 1", "\"if\", where it could end"},
      {"lambda x, : x", "\":\", where a name belongs"},
      {"sum(axis=1, x)", "an argument by place behind one by name"},
      {"'x", "without its closing quote"},
      {"3x", "where it could end"},
      {"99999999999999999999 * x", "a number that is none"},
      {"2 * 3", "nothing that uses the input, x"},
      {"sum(x)", "which has no axis"},
      {"frobnicate(x)", "calls \"frobnicate\", which is not known"},
      {"x.T", "asks a tensor for its T"}};
  for (const auto& [text, why] : wrong) {
    EXPECT_NE(problem(text).find(why), std::string::npos) << text << "\n" << problem(text);
  }
  EXPECT_NE(problem(std::string(5000, 'x')).find("a text of 5000 bytes"), std::string::npos);
  EXPECT_NE(problem(std::string(3000, '(')).find("nested too deep"), std::string::npos);
  EXPECT_NE(problem(std::string(3000, '-') + "x").find("nested too deep"), std::string::npos);
}

TEST(ExpandOperations, ReadsShortForms) {
  const auto operations = [](const std::string& text) {
    const GraphSpec spec = expanded(modelOf("it", "Lambda", json::object()), "2.15.0", {{"lambda:it", text}});
    return operationsOf(spec);
  };
  EXPECT_EQ(operations("sum(axis=1)"), operations("lambda x: K.sum(x, axis=1)"));
  EXPECT_EQ(operations("squeeze(-1)"), operations("lambda x: K.squeeze(x, -1)"));
  EXPECT_EQ(operations("tanh"), operations("lambda x: K.tanh(x)"));
  EXPECT_EQ(operations("tf.nn.softmax"), operations("lambda x: tf.nn.softmax(x)"));
  EXPECT_EQ(operations("reduce_mean(axis=1)"), operations("lambda x: tf.reduce_mean(x, axis=1)"));
  EXPECT_EQ(operations("x[:, -1, :]"), operations("lambda t: t[:, -1, :]"));
  EXPECT_EQ(operations("-x ** 2"), operations("lambda x: -(x ** 2)"));
  EXPECT_EQ(operations("x/2 + 1_000 - 1.5e1"), operations("lambda x: x / 2 + 1000 - 15.0"));
  EXPECT_NE(operations("sum(axis=1)"), operations("sum(axis=2)"));
}

TEST(ExpandOperations, ReadsTensorFlowsOperations) {
  const auto operation = [](const std::string& function, const json& kwargs, size_t inputs = 1) {
    GraphSpec spec = modelOf("it", "TFOpLambda", {{"name", "it"}, {"function", function}}, inputs);
    CallSpec& call = spec.layers.back().calls[0];
    call.args = json::array({{{"tensor", 0}}});
    call.kwargs = kwargs;
    return expanded(spec);
  };
  EXPECT_EQ(operationsOf(operation("math.reduce_sum", {{"axis", 1}, {"name", nullptr}}))[0]["class"],
            "Reduce");
  EXPECT_EQ(operationsOf(operation("__operators__.add", {{"y", {{"tensor", 1}}}}, 2))[0]["op"]["function"],
            "add");
  EXPECT_EQ(problemOf(operation("math.bessel_j0", json::object())),
            "layer \"it\" (TFOpLambda): expected an operation that can be computed here, found "
            "tf.math.bessel_j0, which "
            "is not known. Say what it computes: --lambda it=\"sum(axis=1)\", or in the page.");
  EXPECT_NE(problemOf(operation("math.reduce_sum", json::object())).find("no axis"), std::string::npos);
  EXPECT_NE(problemOf(operation("nn.softmax", {{"axis", {{"tensor", 0}}}})).find("has a tensor for its axis"),
            std::string::npos);
}

TEST(ExpandOperations, SeesASoftmaxThatIsWrittenOut) {
  const auto last = [](const std::string& text) {
    const GraphSpec spec = expanded(modelOf("it", "Lambda", json::object()), "2.15.0", {{"lambda:it", text}});
    const LayerSpec& layer = spec.layers.back();
    return layer.className + (layer.className == "Normalise" ? " " + layer.config["op"].dump() : "");
  };
  EXPECT_EQ(last("exp(x) / sum(exp(x), axis=1, keepdims=True)"), R"(Normalise {"axis":1,"epsilon":0.0})");
  EXPECT_EQ(last("exp(x) / expand_dims(sum(exp(x), axis=1), 1)"), R"(Normalise {"axis":1,"epsilon":0.0})");
  EXPECT_EQ(last("exp(x) / sum(exp(x), axis=1)[:, None]"), R"(Normalise {"axis":1,"epsilon":0.0})");
  EXPECT_EQ(last("exp(x) / (sum(exp(x), axis=-1, keepdims=True) + K.epsilon())"),
            R"(Normalise {"axis":-1,"epsilon":1e-07})");
  EXPECT_EQ(last("exp(x) / sum(exp(x), axis=1)[:, :, None]"), "Elementwise");
  EXPECT_EQ(last("exp(x) / expand_dims(sum(exp(x), axis=1), -1)"), "Elementwise") << "it depends on the rank";
  EXPECT_EQ(last("exp(x) / sum(x, axis=1, keepdims=True)"), "Elementwise");
  EXPECT_EQ(last("exp(x) / sum(exp(x), axis=[1, 2], keepdims=True)"), "Elementwise");
  EXPECT_EQ(last("exp(x) / mean(exp(x), axis=1, keepdims=True)"), "Elementwise");
}

/// Each attention written with Lambdas or operations, and the layer that is found to attend.
TEST(OperationAttention, IsFoundInsideOfFunctions) {
  const std::vector<std::pair<const char*, const char*>> expected = {
      {"keras-2.15/lambda_weighed", "attention_vec"},
      {"keras-2.2/lambda_weighed", "attention_vec"},
      {"keras-2.15/lambda_written_out", "attention_vec"},
      {"keras-2.2/lambda_written_out", "attention_vec"},
      {"keras-2.15/operation_attention", "tf.nn.softmax"},
      {"keras-2.15/operation_dot_product_attention", "tf.nn.softmax"},
      {"keras-3/operation_attention", "softmax"},
      {"keras-3/operation_attention_h5", "softmax"}};
  for (const auto& [fixture, site] : expected) {
    if (!std::filesystem::exists(testing::bundlePath(fixture))) continue;
    SCOPED_TRACE(fixture);
    const auto model = openFixture(fixture);
    ASSERT_FALSE(model->attention().empty());
    EXPECT_EQ(model->attention()[0].id, site);
  }
  const auto matrix = openFixture("keras-2.15/operation_dot_product_attention");
  EXPECT_EQ(matrix->attention()[0].axes,
            (std::vector<SignalAxis>{SignalAxis::None, SignalAxis::Query, SignalAxis::Step}));
}

}  // namespace
}  // namespace charglow
