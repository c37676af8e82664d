#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bundle/strict_json.h"
#include "text_fixtures.h"

namespace charglow::testing {
namespace {

using nlohmann::json;

std::string refusalOf(std::string_view text, int maxDepth = 16) {
  return refusal([&] { parseStrictJson(text, "f.json", maxDepth); });
}

TEST(StrictJson, ReadsWhatJsonIs) {
  const char* text =
      R"( {"a": [1, -2, 0.5, 1e3, true, false, null, "é\u00e9\ud83d\ude00\n"], "b": {}, "": [], "__proto__": [[], {"a": {}}]} )";
  EXPECT_EQ(parseStrictJson(text, "f.json"), json::parse(text));
  EXPECT_EQ(parseStrictJson("3", "f.json"), 3);
  EXPECT_EQ(parseStrictJson("\"x\"", "f.json"), "x");
  EXPECT_EQ(parseStrictJson("[]", "f.json"), json::array());
}

TEST(StrictJson, KeepsTheKindOfNumbers) {
  const json numbers = parseStrictJson("[18446744073709551615, -9223372036854775808, 3.0]", "f.json");
  EXPECT_EQ(numbers[0].get<uint64_t>(), 18446744073709551615u);
  EXPECT_EQ(numbers[1].get<int64_t>(), std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(numbers[2].is_number_float());
}

TEST(StrictJson, RefusesDuplicateKeysAtAnyDepthAndInAnySpelling) {
  EXPECT_EQ(refusalOf(R"({"a": 1, "a": 2})"),
            "json-duplicate-key | f.json: expected every key once, found \"a\" again before byte 12.");
  EXPECT_EQ(refusalOf(R"([{"x": {"b": 1, "c": {}, "b": 1}}])"),
            "json-duplicate-key | f.json: expected every key once, found \"b\" again before byte 28.");
  EXPECT_EQ(refusalOf(R"({"é": 1, "\u00e9": 2})").rfind("json-duplicate-key", 0), 0u);
  EXPECT_NO_THROW(parseStrictJson(R"([{"a": 1}, {"a": 2}, {"b": {"a": 1}, "a": 3}])", "f.json"));
}

TEST(StrictJson, RefusesDepthBeyondTheLimitHoweverDeep) {
  EXPECT_NO_THROW(parseStrictJson(std::string(16, '[') + std::string(16, ']'), "f.json"));
  EXPECT_EQ(refusalOf(std::string(17, '[') + std::string(17, ']')),
            "json-depth | f.json: expected at most 16 levels of nesting, found more at byte 17.");
  EXPECT_EQ(refusalOf(std::string(100000, '[')),
            "json-depth | f.json: expected at most 16 levels of nesting, found more at byte 17.");
  EXPECT_EQ(refusalOf(std::string(1000000, '['), 200),
            "json-depth | f.json: expected at most 200 levels of nesting, found more at byte 201.");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_EQ(refusalOf(objects),
            "json-depth | f.json: expected at most 16 levels of nesting, found more at byte 81.");
  // Depth is of what is open, not of what has been.
  std::string many = "[";
  for (int i = 0; i < 100; ++i) many += "[{}],";
  EXPECT_NO_THROW(parseStrictJson(many + "1]", "f.json", 3));
}

TEST(StrictJson, RefusesWhatIsNotUtf8WithItsPlace) {
  EXPECT_EQ(
      refusalOf("[\"ab\xFF\"]"),
      "json-utf8 | f.json: expected UTF-8 text, found a byte that is not UTF-8 at byte 4, after \"[\"ab\".");
  EXPECT_EQ(refusalOf("\xEF\xBB\xBF{}"),
            "json-utf8 | f.json: expected UTF-8 without byte order mark, found a byte order mark at byte 0.");
  EXPECT_EQ(refusalOf(std::string_view("{}\0{}", 5)),
            "json-utf8 | f.json: expected UTF-8 text without NUL, found a NUL at byte 2, after \"{}\".");
  EXPECT_EQ(refusalOf("\"\xED\xA0\x80\"").rfind("json-utf8", 0), 0u);      // a surrogate
  EXPECT_EQ(refusalOf("\"\xC1\xBF\"").rfind("json-utf8", 0), 0u);          // overlong
  EXPECT_EQ(refusalOf("\"\xE0\x9F\xBF\"").rfind("json-utf8", 0), 0u);      // overlong
  EXPECT_EQ(refusalOf("\"\xF0\x8F\xBF\xBF\"").rfind("json-utf8", 0), 0u);  // overlong
  EXPECT_EQ(refusalOf("\"\xF5\x80\x80\x80\"").rfind("json-utf8", 0), 0u);  // beyond Unicode
}

TEST(StrictJson, RefusesLoneSurrogatesInEscapes) {
  for (const char* text : {R"("\ud800")", R"("\udc00")", R"("\ud800a")", R"("\ud800\u0041")"}) {
    EXPECT_EQ(refusalOf(text).rfind("json-syntax", 0), 0u) << text;
  }
}

TEST(StrictJson, RefusesTheLibertiesOfOtherParsers) {
  for (const char* text : {"",          " ",      "{",         "[1,]",      "{\"a\":1,}", "[1 2]", "// x\n1",
                           "/* x */ 1", "NaN",    "-Infinity", "'a'",       "{a: 1}",     "01",    "+1",
                           ".5",        "5.",     "1e",        "0x10",      "True",       "[1]]",  "1 1",
                           "\"a\nb\"",  "\"\t\"", "\"\\x41\"", "\"\\u12\"", "undefined",  "\v1"}) {
    EXPECT_EQ(refusalOf(text).rfind("json-syntax | f.json: expected JSON, found ", 0), 0u) << text;
  }
}

TEST(StrictJson, SaysWhereTheErrorIs) {
  EXPECT_EQ(refusalOf("[1, 2, nul]"),
            "json-syntax | f.json: expected JSON, found a syntax error at byte 10, after \"[1, 2, nul\".");
  EXPECT_EQ(refusalOf("x"), "json-syntax | f.json: expected JSON, found a syntax error at byte 0.");
  EXPECT_EQ(refusalOf("{\"a\": [1"),
            "json-syntax | f.json: expected JSON, found its end too early, at byte 8, after \"{\"a\": [1\". "
            "The file may be cut off.");
  EXPECT_EQ(refusalOf("[\"" + std::string(1000, 'x') + "\",]"),
            "json-syntax | f.json: expected JSON, found a syntax error at byte 1004, after "
            "\"xxxxxxxxxxxxxxxxxxxxxx\",\".");
  EXPECT_EQ(refusalOf("[1e400]").rfind("json-number | f.json: expected numbers a double can hold, found a "
                                       "number that is too large at byte ",
                                       0),
            0u);
}

TEST(StrictJson, WholeNumbersAreWrittenAsSuch) {
  for (const char* text : {"0", "1", "9007199254740991"})
    EXPECT_TRUE(isWhole(parseStrictJson(text, "f"))) << text;
  for (const char* text : {"-1", "1.0", "1e3", "9007199254740992", "\"1\"", "true", "null", "[1]"})
    EXPECT_FALSE(isWhole(parseStrictJson(text, "f"))) << text;
  EXPECT_TRUE(isWhole(7, 7));
  EXPECT_FALSE(isWhole(8, 7));
}

}  // namespace
}  // namespace charglow::testing
