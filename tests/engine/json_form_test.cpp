// What is particular to the JSON form; what both forms share is tested with the binary one.

#include <gtest/gtest.h>

#include "bundle_writer.h"

namespace charglow::testing {
namespace {

using nlohmann::ordered_json;

/// The refusal of a small bundle in whose JSON form the first `from` became `to`.
std::string refusalReplacing(const std::string& from, const std::string& to) {
  std::string file = smallBundle().json().dump();
  const size_t at = file.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "no " << from;
    return "";
  }
  return openRefusal(file.replace(at, from.size(), to), "m.json");
}

TEST(JsonForm, MembersMayStandInAnyOrderAndWithSpaces) {
  const ordered_json file = smallBundle().json();
  ordered_json turned;
  turned["tensors"] = file["tensors"];
  turned["__metadata__"] = file["__metadata__"];
  ordered_json entry;
  entry["data"] = file["tensors"]["e/t:0"]["data"];
  entry["shape"] = file["tensors"]["e/t:0"]["shape"];
  entry["dtype"] = file["tensors"]["e/t:0"]["dtype"];
  turned["tensors"]["e/t:0"] = entry;
  const Bundle bundle = open(" \n\t" + turned.dump(2) + "\n");
  std::vector<float> values(6);
  bundle.tensors()[1].copyTo(values);
  EXPECT_EQ(values, (std::vector<float>{1, 2, 3, -4, 0.5f, 0.25f}));
}

TEST(JsonForm, NumbersAreRoundedToTheirDtype) {
  std::string file = smallBundle().json().dump();
  // All of them are 0.1 in float32, and so have the digest of a file that says 0.1.
  TestBundle tenth{{{"a", DType::F32, {3}, {0.1, 0.1, 0.1}}}, {{"l", {"a"}}}};
  file = tenth.json().dump();
  file.replace(file.find("[0.1,0.1,0.1]"), 13, "[0.1,0.10000000149011612,1e-1]");
  EXPECT_NO_THROW(open(file));
  TestBundle half{{{"a", DType::F16, {1}, {0.1}}}, {{"l", {"a"}}}};
  file = half.json().dump();
  file.replace(file.find("[0.1]"), 5, "[0.09998]");
  EXPECT_NO_THROW(open(file));
}

TEST(JsonForm, MinusZeroKeepsItsSign) {
  const TestBundle bundle{{{"a", DType::F32, {2}, {-0.0, 0.0}}}, {{"l", {"a"}}}};
  const Bundle opened = open(bundle.json().dump());
  EXPECT_EQ(opened.tensors()[0].bytes[3], std::byte{0x80});
  EXPECT_EQ(opened.tensors()[0].bytes[7], std::byte{0x00});
}

TEST(JsonForm, RefusesOtherMembers) {
  const std::string hint =
      " Bundles are made by scripts/convert.py. A vocabulary is loaded on its own, once a model is there.";
  const std::string start =
      "not-a-bundle | m.json: expected __metadata__ and tensors, and nothing else, found ";
  EXPECT_EQ(refusalReplacing("\"tensors\"", "\"comment\":1,\"tensors\""), start + "\"comment\"." + hint);
  EXPECT_EQ(openRefusal(R"({"class_name": "Tokenizer", "config": {}})", "m.json"),
            start + "\"class_name\"." + hint);
  EXPECT_EQ(openRefusal(R"({"a": 1, "b": 2})", "m.json"), start + "\"a\"." + hint);
}

TEST(JsonForm, RefusesAMissingMember) {
  EXPECT_EQ(openRefusal("{}", "m.json"),
            "not-a-bundle | m.json: expected format \"charglow/1\", found no format. It is not a charglow "
            "bundle. Bundles are made by "
            "scripts/convert.py.");
  ordered_json file = smallBundle().json();
  file.erase("tensors");
  EXPECT_EQ(openRefusal(file.dump(), "m.json"), "not-a-bundle | m.json: expected tensors, found none.");
}

TEST(JsonForm, RefusesDuplicateKeys) {
  EXPECT_EQ(refusalReplacing("\"tensors\":{", "\"tensors\":{},\"tensors\":{")
                .rfind("json-duplicate-key | m.json: expected every key once, found \"tensors\" again", 0),
            0u);
  EXPECT_EQ(refusalReplacing("\"e/s:0\"", "\"e/t:0\"")
                .rfind("json-duplicate-key | m.json: expected every key once, found \"e/t:0\" again", 0),
            0u);
  EXPECT_EQ(
      refusalReplacing("\"data\":[7", "\"data\":[7.0],\"data\":[7")
          .rfind("json-duplicate-key | m.json, tensor e/s:0: expected every key once, found \"data\" again",
                 0),
      0u);
}

TEST(JsonForm, RefusesATensorNamedLikeTheMetadata) {
  const TestBundle bundle{{{"__metadata__", DType::F32, {1}, {1}}}, {{"l", {"__metadata__"}}}};
  EXPECT_EQ(openRefusal(bundle.json().dump(), "m.json"),
            "tensor-name | m.json: expected names of tensors, found \"__metadata__\". The name is reserved: "
            "the binary form cannot hold it.");
}

TEST(JsonForm, RefusesDataThatDoNotFitTheShape) {
  EXPECT_EQ(refusalReplacing("[2,3]", "[2,4]"),
            "tensor-size | m.json, tensor e/t:0: expected 8 numbers for the shape (2, 4), found 6.");
  EXPECT_EQ(refusalReplacing("[2,3]", "[]"),
            "tensor-size | m.json, tensor e/t:0: expected 1 numbers for the shape (), found 6.");
  EXPECT_EQ(refusalReplacing("[2,3]", "[2147483647,2147483647,2147483647]"),
            "tensor-size | m.json, tensor e/t:0: expected more than 2^64 numbers for the shape (2147483647, "
            "2147483647, 2147483647), found 6.");
  EXPECT_EQ(refusalReplacing("[2,3]", "[1,1,1,1,1,1,1,2,3]"),
            "tensor-rank | m.json, tensor e/t:0, shape: expected at most 8 dimensions, found more.");
}

TEST(JsonForm, RefusesDataThatAreNotNumbers) {
  const std::string start = "json-type | m.json, tensor e/s:0, data: expected ";
  EXPECT_EQ(refusalReplacing("[7.0]", "[\"7\"]"), start + "numbers, found \"7\".");
  EXPECT_EQ(refusalReplacing("[7.0]", "[null]"), start + "numbers, found null.");
  EXPECT_EQ(refusalReplacing("[7.0]", "[[7.0]]"), start + "numbers, found an array.");
  EXPECT_EQ(refusalReplacing("[7.0]", "7.0"), start + "an array of numbers, found 7.0.");
  EXPECT_EQ(refusalReplacing("[7.0]", "{}"), start + "an array of numbers, found an object.");
  EXPECT_EQ(refusalReplacing("[7.0]", "[NaN]")
                .rfind("json-syntax | m.json: expected JSON, found a syntax error at byte ", 0),
            0u);
}

TEST(JsonForm, RefusesNumbersBeyondTheirDtype) {
  EXPECT_EQ(
      refusalReplacing("[7.0]", "[1e39]"),
      "value-range | m.json, tensor e/s:0: expected numbers in the range of F32, found 1e+39 at index 0.");
  EXPECT_EQ(
      refusalReplacing("-0.75]", "65520]"),
      "value-range | m.json, tensor d/h:0: expected numbers in the range of F16, found 65520 at index 1.");
  EXPECT_EQ(refusalReplacing("-2.5]", "-1e309]")
                .rfind("json-number | m.json: expected numbers a double can hold, found a number that is too "
                       "large at byte ",
                       0),
            0u);
}

TEST(JsonForm, RefusesAnEntryOfTheBinaryForm) {
  EXPECT_EQ(refusalReplacing("\"data\":[7.0]", "\"data_offsets\":[0,4]"),
            "tensor-field | m.json, tensor e/s:0: expected dtype, shape and data, found \"data_offsets\".");
  EXPECT_EQ(refusalReplacing(",\"data\":[7.0]", ""),
            "tensor-field | m.json, tensor e/s:0: expected dtype, shape and data, found no data.");
}

TEST(JsonForm, RefusesValuesThatDifferFromTheDigest) {
  EXPECT_EQ(refusalReplacing("[7.0]", "[7.000001]").rfind("digest-mismatch | m.json: ", 0), 0u);
}

}  // namespace
}  // namespace charglow::testing
