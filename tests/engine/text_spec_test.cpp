// The `text` object of FORMAT.md section 5: defaults, every field's own refusal, ids against a model, notes.

#include "text/text_spec.h"

#include <gtest/gtest.h>

#include "text_fixtures.h"

namespace charglow::testing {
namespace {

using nlohmann::json;

json minimal() { return {{"vocabulary", {{"a", 1}, {"b", 2}}}}; }

/// The refusal of a `text` object with `key` set to `value`.
std::string refusalOf(const char* key, json value) {
  json object = minimal();
  object[key] = std::move(value);
  return refusal([&] { parseTextSpec(object, "m.json, text"); });
}

TEST(TextSpec, HasKerasDefaults) {
  const TextSpec spec = parseTextSpec(minimal(), "m.json, text");
  EXPECT_EQ(spec.unit, TextSpec::Unit::Char);
  EXPECT_EQ(spec.vocabulary.size(), 2u);
  EXPECT_FALSE(spec.numWords);
  EXPECT_EQ(spec.lower, TextSpec::Lower::Unicode);
  EXPECT_EQ(spec.strip, U"");
  EXPECT_FALSE(spec.oov);
  EXPECT_EQ(spec.pad, 0);
  EXPECT_EQ(spec.padding, TextSpec::End::Pre);
  EXPECT_EQ(spec.truncating, TextSpec::End::Pre);
  EXPECT_FALSE(spec.length);
  EXPECT_FALSE(spec.oneHot);
  EXPECT_TRUE(spec.assumed.empty());
}

TEST(TextSpec, HasKerasDefaultsForWords) {
  json object = minimal();
  object["unit"] = "word";
  const TextSpec spec = parseTextSpec(object, "m.json, text");
  EXPECT_EQ(spec.filters, U"!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n");
  EXPECT_EQ(spec.split, U" ");
}

TEST(TextSpec, ReadsEveryField) {
  const json object =
      json::parse(R"({"unit": "word", "vocabulary": {"cat": 3, "😀": 4}, "num_words": 9, "lower": false,
    "strip": "'.", "filters": "!é", "split": "--", "oov": 1, "pad": 2, "padding": "post", "truncating": "post", "length": 40, "one_hot": true,
    "assumed": ["x", "y"]})");
  const TextSpec spec = parseTextSpec(object, "m.json, text");
  EXPECT_EQ(spec.unit, TextSpec::Unit::Word);
  const std::vector<std::pair<std::u32string, int32_t>> vocabulary{{U"cat", 3}, {U"😀", 4}};
  EXPECT_EQ(spec.vocabulary, vocabulary);
  EXPECT_EQ(spec.numWords, 9);
  EXPECT_EQ(spec.lower, TextSpec::Lower::No);
  EXPECT_EQ(spec.strip, U"'.");
  EXPECT_EQ(spec.filters, U"!é");
  EXPECT_EQ(spec.split, U"--");
  EXPECT_EQ(spec.oov, 1);
  EXPECT_EQ(spec.pad, 2);
  EXPECT_EQ(spec.padding, TextSpec::End::Post);
  EXPECT_EQ(spec.truncating, TextSpec::End::Post);
  EXPECT_EQ(spec.length, 40);
  EXPECT_TRUE(spec.oneHot);
  EXPECT_EQ(spec.assumed, (std::vector<std::string>{"x", "y"}));
}

TEST(TextSpec, NullAndDropMeanNone) {
  json object = minimal();
  object["num_words"] = nullptr;
  object["length"] = nullptr;
  object["oov"] = "drop";
  const TextSpec spec = parseTextSpec(object, "m.json, text");
  EXPECT_FALSE(spec.numWords);
  EXPECT_FALSE(spec.length);
  EXPECT_FALSE(spec.oov);
}

TEST(TextSpec, RefusesEachFieldByNameWithWhatItFound) {
  const std::string id = "a whole number from 0 to 2,147,483,647";
  const std::string one = "a whole number from 1 to 2,147,483,647";
  struct Case {
    const char* key;
    json value;
    std::string expected, actual;
  };
  const std::vector<Case> cases{
      {"unit", "byte", "\"char\" or \"word\"", "the string \"byte\""},
      {"num_words", 0, one + " or null", "the number 0"},
      {"num_words", "9", one + " or null", "the string \"9\""},
      {"lower", 1, "true, false or \"ascii\"", "the number 1"},
      {"lower", "unicode", "true, false or \"ascii\"", "the string \"unicode\""},
      {"strip", nullptr, "a string", "null"},
      {"filters", json::array(), "a string", "a list"},
      {"oov", -1, id + " or \"drop\"", "the number -1"},
      {"oov", "keep", id + " or \"drop\"", "the string \"keep\""},
      {"oov", nullptr, id + " or \"drop\"", "null"},
      {"pad", 1.5, id, "the number 1.5"},
      {"pad", 2147483648u, id, "the number 2147483648"},
      {"pad", nullptr, id, "null"},
      {"padding", "left", "\"pre\" or \"post\"", "the string \"left\""},
      {"truncating", true, "\"pre\" or \"post\"", "true"},
      {"length", 0, one + " or null", "the number 0"},
      {"length", 2.0, one + " or null", "the number 2.0"},
      {"one_hot", "true", "true or false", "the string \"true\""},
      {"assumed", "x", "an array of strings", "the string \"x\""},
      {"assumed", {1}, "an array of strings", "a list"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(refusalOf(c.key, c.value), std::string("text-field | m.json, text: ") + c.key + ": expected " +
                                             c.expected + ", found " + c.actual + ".");
  }
}

TEST(TextSpec, RefusesAnEmptySeparator) {
  const json object = {{"unit", "word"}, {"vocabulary", {{"a", 1}}}, {"split", ""}};
  EXPECT_EQ(
      refusal([&] { parseTextSpec(object, "m.json, text"); }),
      "text-field | m.json, text: split: expected a separator, null (white space) or false (nowhere), found "
      "the string \"\".");
}

TEST(TextSpec, ReadsTheWaysToSplit) {
  json object = {{"unit", "word"}, {"vocabulary", {{"a", 1}}}, {"lower", "ascii"}, {"split", nullptr}};
  EXPECT_EQ(parseTextSpec(object, "m.json, text").splitAt, TextSpec::Split::WhiteSpace);
  EXPECT_EQ(parseTextSpec(object, "m.json, text").lower, TextSpec::Lower::Ascii);
  object["split"] = false;
  EXPECT_EQ(parseTextSpec(object, "m.json, text").splitAt, TextSpec::Split::Nowhere);
  object["split"] = true;
  EXPECT_EQ(
      refusal([&] { parseTextSpec(object, "m.json, text"); }),
      "text-field | m.json, text: split: expected a separator, null (white space) or false (nowhere), found "
      "true.");
}

TEST(TextSpec, RefusesKeysItDoesNotKnow) {
  EXPECT_EQ(refusalOf("normalise", "NFC"),
            "text-unknown | m.json, text: expected keys of the text encoding (FORMAT.md section 5), found "
            "\"normalise\". A newer "
            "charglow may have written it: update this one.");
}

TEST(TextSpec, RefusesTokensThatAreNotOneCodePointAtUnitChar) {
  EXPECT_EQ(refusalOf("vocabulary", {{"a", 1}, {"<pad>", 0}}),
            "vocabulary-token | m.json, text: vocabulary: \"<pad>\": expected tokens of one character (unit "
            "char), found 5 "
            "characters. Leave special tokens out: the ids of padding and unknown tokens are settings of "
            "their own.");
  EXPECT_EQ(refusalOf("vocabulary", {{"", 1}, {"ab", 3}, {"e\u0301", 2}}),
            "vocabulary-token | m.json, text: vocabulary: \"\": expected tokens of one character (unit "
            "char), found 0 characters, and 2 "
            "more tokens like it. Leave special tokens out: the ids of padding and unknown tokens are "
            "settings of their own.");
}

TEST(TextSpec, RefusesAVocabularyThatIsNone) {
  EXPECT_EQ(refusalOf("vocabulary", json::object()),
            "vocabulary-empty | m.json, text: vocabulary: expected at least one token, found none.");
  EXPECT_EQ(refusalOf("vocabulary", {"a", "b", "c"}),
            "vocabulary-form | m.json, text: vocabulary: expected an object {token: id}, found a list.");
  EXPECT_EQ(refusalOf("vocabulary", {{"a", "1"}}),
            "vocabulary-id | m.json, text: vocabulary: \"a\": expected a whole number as id, found the "
            "string \"1\".");
  EXPECT_EQ(refusal([] { parseTextSpec(json::object(), "m.json, text"); }),
            "text-missing | m.json, text: expected \"vocabulary\", found none.");
  EXPECT_EQ(refusal([] { parseTextSpec(json::array(), "m.json, text"); }),
            "text-field | m.json, text: expected an object, found a list.");
}

TEST(TextSpec, NamesEverythingThatIsWrongAtOnce) {
  const json object = {{"vocabulary", {{"a", -1}, {"b", 1.5}}}, {"pad", "x"}, {"unit", 3}, {"new", 1}};
  std::vector<std::string> codes;
  for (const Problem& problem : problemsOf([&] { parseTextSpec(object, "m.json, text"); }))
    codes.push_back(problem.code);
  EXPECT_EQ(codes, (std::vector<std::string>{"text-unknown", "text-field", "vocabulary-id", "vocabulary-id",
                                             "text-field"}));
}

TextSpec specOf(const char* text) { return parseTextSpec(json::parse(text), "text"); }

TEST(CheckIds, AcceptsIdsUpToTheLastRow) {
  EXPECT_NO_THROW(checkIds(specOf(R"({"vocabulary": {"a": 0, "b": 10}, "oov": 10, "pad": 10})"), 11, "m"));
}

TEST(CheckIds, NamesTheFirstTokenOutsideAndTheMissingRow) {
  const TextSpec spec = specOf(R"({"vocabulary": {"a": 1, "b": 2, "c": 3}})");
  EXPECT_EQ(refusal([&] { checkIds(spec, 3, "m.json, text"); }),
            "id-out-of-range | m.json, text: vocabulary: expected ids below 3, the rows of the embedding, "
            "found \"c\" with id 3. The "
            "vocabulary needs 4 rows: was the embedding made without the one for id 0?");
  EXPECT_EQ(refusal([&] { checkIds(spec, 2, "m.json, text"); }),
            "id-out-of-range | m.json, text: vocabulary: expected ids below 2, the rows of the embedding, "
            "found \"b\" with id 2. The "
            "vocabulary needs 4 rows: does it belong to another model?");
}

TEST(CheckIds, ChecksOovAndPadAsWell) {
  const TextSpec spec = specOf(R"({"vocabulary": {"a": 1}, "oov": 9, "pad": 8, "one_hot": true})");
  EXPECT_EQ(refusal([&] { checkIds(spec, 8, "m"); }),
            "id-out-of-range | m: oov: expected ids below 8, the width of the one-hot input, found id 9.\n"
            "id-out-of-range | m: pad: expected ids below 8, the width of the one-hot input, found id 8.");
}

TEST(CheckIds, LeavesOutIdsThatNumWordsKeepsFromTheModel) {
  // Tokenizer(num_words=3) keeps the whole word_index, and the embedding has three rows.
  const TextSpec spec = specOf(R"({"vocabulary": {"a": 1, "b": 2, "c": 3, "d": 4}, "num_words": 3})");
  EXPECT_NO_THROW(checkIds(spec, 3, "m"));
  EXPECT_THROW(checkIds(spec, 2, "m"), Error);
}

TEST(Notes, AreNoneOnAnOrdinaryVocabulary) {
  EXPECT_TRUE(notesOn(specOf(R"({"vocabulary": {"a": 1, "b": 2}})")).empty());
}

TEST(Notes, TellOfTokensThatShareAnId) {
  EXPECT_EQ(notesOn(specOf(R"({"vocabulary": {"a": 1, "b": 2, "c": 2}})")),
            (std::vector<std::string>{"\"b\" and \"c\" share id 2: the model cannot tell them apart"}));
  EXPECT_EQ(notesOn(specOf(R"({"vocabulary": {"a": 1, "b": 2, "c": 2, "d": 2, "e": 1}})")),
            (std::vector<std::string>{
                "\"a\" and \"e\" share id 1, and 2 more do likewise: the model cannot tell them apart"}));
}

TEST(Notes, TellOfAPadThatIsARealTokensId) {
  EXPECT_EQ(
      notesOn(specOf(R"({"vocabulary": {"-": 0, "b": 2}})")),
      (std::vector<std::string>{"padding has id 0, which is also \"-\": the model cannot tell them apart"}));
}

TEST(Notes, TellOfCapitalsThatLowerCasingNeverLeaves) {
  EXPECT_EQ(
      notesOn(specOf(R"({"vocabulary": {"a": 1, "Ж": 2}})")),
      (std::vector<std::string>{
          "text is lower-cased, so \"Ж\" in the vocabulary, which has a capital letter, is never met"}));
  EXPECT_TRUE(notesOn(specOf(R"({"vocabulary": {"a": 1, "Ж": 2}, "lower": false})")).empty());
  // A Tokenizer's oov token is not meant to be met.
  EXPECT_TRUE(notesOn(specOf(R"({"vocabulary": {"<OOV>": 1, "the": 2}, "unit": "word", "oov": 1})")).empty());
}

TEST(Notes, SayNothingOfIdsThatNumWordsKeepsFromTheModel) {
  EXPECT_TRUE(
      notesOn(specOf(R"({"vocabulary": {"a": 1, "b": 5, "c": 5}, "num_words": 5, "pad": 5})")).empty());
}

}  // namespace
}  // namespace charglow::testing
