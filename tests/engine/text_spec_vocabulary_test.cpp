// The engine's reading of vocabulary files against the converter's (tests/fixtures/text/vocabularies.json,
// written by scripts/fixtures/make_vocabularies.py), and what only the engine reads.

#include <gtest/gtest.h>

#include "text/capitals.h"
#include "text/text_spec.h"
#include "text/utf8.h"
#include "text_fixtures.h"

namespace charglow::testing {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

TEST(Vocabulary, IsUnderstoodAndRefusedAsTheConverterDoes) {
  size_t read = 0;
  size_t refused = 0;
  for (const ordered_json& file : ordered_json::parse(textFixtureContent("vocabularies.json"))) {
    SCOPED_TRACE(file["name"].get<std::string>());
    const std::string content = file["file"].get<std::string>();
    if (file.contains("text")) {
      ++read;
      EXPECT_EQ(textObject(parseVocabulary(content, "vocabulary.json")), file["text"].dump());
      continue;
    }
    ++refused;
    const std::vector<Problem> problems = problemsOf([&] { parseVocabulary(content, "vocabulary.json"); });
    ASSERT_FALSE(problems.empty());  // the converter stops at the first
    EXPECT_EQ(problems[0].where, file["error"]["where"]);
    if (problems[0].code.rfind("json-", 0) == 0) continue;  // two parsers, two ways to say what is no JSON
    EXPECT_EQ(problems[0].expected, file["error"]["expected"]);
    EXPECT_EQ(problems[0].actual, file["error"]["actual"]);
  }
  EXPECT_GE(read, 30u);
  EXPECT_GE(refused, 40u);
}

TEST(Vocabulary, IsSortedByIdThenToken) {
  const TextSpec spec = parseVocabulary(R"({"b": 2, "z": 1, "a": 2})", "v.json");
  const std::vector<std::pair<std::u32string, int32_t>> expected{{U"z", 1}, {U"a", 2}, {U"b", 2}};
  EXPECT_EQ(spec.vocabulary, expected);
}

TEST(Vocabulary, ReadsATextObject) {
  const TextSpec spec =
      parseVocabulary(R"({"vocabulary": {"a": 5}, "pad": 3, "padding": "post", "length": 7})", "v.json");
  EXPECT_EQ(spec.pad, 3);
  EXPECT_EQ(spec.padding, TextSpec::End::Post);
  EXPECT_EQ(spec.truncating, TextSpec::End::Pre);
  EXPECT_EQ(spec.length, 7);
  EXPECT_TRUE(spec.assumed.empty());
}

TEST(Vocabulary, IsWrittenAsItWasRead) {
  const std::string start = R"({"unit":"word","vocabulary":{"2":1,"1":2},"num_words":9,"lower":)";
  const std::string end =
      R"(,"oov":7,"pad":3,"padding":"post","truncating":"post","length":5,"one_hot":true,"assumed":["x"]})";
  for (const char* way : {R"("ascii","strip":"!?","filters":"","split":null)",
                          R"(false,"filters":"-","split":false)", R"(true,"filters":"\t\n","split":"é")"}) {
    const std::string text = start + way + end;
    EXPECT_EQ(textObject(parseVocabulary(text, "v.json")), text);
  }
}

TEST(Vocabulary, OfUtf16IsRefusedByName) {
  EXPECT_EQ(refusal([] { parseVocabulary("\xFF\xFE{\0}\0", "v.json"); }),
            "vocabulary-form | v.json: expected UTF-8 text, found UTF-16 text (as PowerShell's > writes). "
            "Save it again as UTF-8.");
}

TEST(Vocabulary, OfOnlyTheOovTokenIsEmpty) {
  const std::string file =
      R"({"class_name": "Tokenizer", "config": {"word_index": {"<OOV>": 1}, "char_level": true, "lower": true, "oov_token": "<OOV>"}})";
  EXPECT_EQ(refusal([&] { parseVocabulary(file, "v.json"); }),
            "vocabulary-form | v.json: expected at least one token, found none.");
}

TEST(Vocabulary, WithManyBadEntriesListsTwentyAndCountsTheRest) {
  json vocabulary;
  for (int i = 0; i < 1000; ++i) vocabulary["token" + std::to_string(i)] = -1 - i;
  const std::vector<Problem> problems = problemsOf([&] { parseVocabulary(vocabulary.dump(), "v.json"); });
  ASSERT_EQ(problems.size(), 21u);
  EXPECT_EQ(problems.back().text(),
            "v.json: expected whole numbers as ids, found 980 more entries that are not.");
}

TEST(Vocabulary, OfAMegabyteTokenIsShownClipped) {
  const std::string token = "<img src=x onerror=alert(1)>" + std::string(1000000, 'x');
  const std::string text = refusal([&] { parseVocabulary("{\"" + token + "\": -1}", "v.json"); });
  EXPECT_LT(text.size(), 300u);
  EXPECT_NE(text.find("…\" (1,000,028 characters)"), std::string::npos) << text;
}

TEST(Vocabulary, NestedDeeplyIsRefused) {
  EXPECT_EQ(refusal([] { parseVocabulary(std::string(100000, '['), "v.json"); }),
            "json-depth | v.json: expected at most 16 levels of nesting, found more at byte 17.");
}

TEST(Capitals, AreThoseThatPythonLowerCases) {
  // Samples of every kind of run in the table; the table itself is printed by make_vocabularies.py
  // --capitals.
  for (const char32_t c : {U'A', U'Z', U'À', U'Þ', U'Ā', U'Ž', U'İ', U'Σ', U'Ж', U'Ა', U'ẞ', U'Ω', U'Ⅷ',
                           U'Ⓩ', U'ǅ', U'𐐀', U'𞤡'}) {
    EXPECT_TRUE(isCapital(c)) << std::hex << static_cast<uint32_t>(c);
  }
  for (const char32_t c : {U'\0', U'@', U'[', U'a', U'z', U'×', U'ß', U'ā', U'ž', U'ı', U'ς', U'ж', U'ა',
                           U'ª', U'日', U'𐐨', U'\U0010FFFF'}) {
    EXPECT_FALSE(isCapital(c)) << std::hex << static_cast<uint32_t>(c);
  }
  size_t count = 0;
  for (char32_t c = 0; c < 0x110000; ++c) count += isCapital(c) ? 1 : 0;
  EXPECT_EQ(count, 1433u);  // Python 3.11: sum(chr(c).lower() != chr(c) for c in range(0x110000) if not
                            // 0xD800 <= c <= 0xDFFF)
}

}  // namespace
}  // namespace charglow::testing
