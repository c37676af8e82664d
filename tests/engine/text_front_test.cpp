// Models that read text themselves: TextVectorization and StringLookup. Ids are real Keras's:
// tests/fixtures/text/vectorizations.json, written by scripts/fixtures/make_vectorizations.py.

#include "keras/text_front.h"

#include <gtest/gtest.h>

#include "keras/text_layer.h"
#include "taken_apart.h"
#include "text/encoder.h"
#include "text/utf8.h"
#include "text_fixtures.h"

namespace charglow::testing {
namespace {

using nlohmann::json;

constexpr const char* kWords = "keras-2.15/vectorization_words_given_h5";
constexpr const char* kLookup = "keras-2.15/string_lookup_mask_h5";

TextLayer readLayer(const std::string& className, json config, std::optional<int> strings,
                    const std::string* vocabulary = nullptr) {
  Choices choices;
  std::vector<Problem> problems;
  LayerSpec layer;
  layer.name = "text";
  layer.className = className;
  layer.config = std::move(config);
  TextLayer read =
      readTextLayer(layer, strings, vocabulary, Dialect::parse("2.15.0", "tensorflow"), choices, problems);
  if (!problems.empty()) throw Error(problems);
  return read;
}

EncodedText encode(const TextSpec& spec, const std::string& text) {
  const std::u32string points = decodeUtf8(text);
  std::vector<uint32_t> origin(points.size());
  for (uint32_t i = 0; i < origin.size(); ++i) origin[i] = i;
  EncodedText encoded;
  TextEncoder(spec).encode({points.size(), points, origin}, spec.length.value_or(-1), encoded);
  return encoded;
}

TEST(TextLayer, GivesTheIdsOfTextVectorization) {
  size_t compared = 0;
  const json fixture = textFixture("vectorizations.json");
  for (const json& suite : fixture["suites"]) {
    SCOPED_TRACE(suite["name"].get<std::string>());
    const TextLayer layer = readLayer("TextVectorization", suite["config"], 1);
    EXPECT_FALSE(layer.lacksVocabulary);
    for (const json& one : suite["cases"]) {
      const std::string text = one["text"].get<std::string>();
      EXPECT_EQ(encode(layer.spec, text).ids, one["ids"].get<std::vector<int32_t>>()) << text;
      ++compared;
    }
  }
  EXPECT_GE(compared, 24u * 25u);
}

TEST(TextLayer, KeepsTheWayBackFromWordsWithPunctuation) {
  const TextLayer layer =
      readLayer("TextVectorization", textFixture("vectorizations.json")["suites"][0]["config"], 1);
  const EncodedText encoded = encode(layer.spec, "a \"don't");
  EXPECT_EQ(encoded.position, (std::vector<int32_t>{0, -1, -1, 1, 1, 1, -1, 1}));
  EXPECT_EQ(encoded.fate[6], Fate::Filtered);
  EXPECT_EQ(encoded.id[7], 5);
}

json lookup() {
  return {{"name", "text"},  {"num_oov_indices", 1}, {"oov_token", "[UNK]"},     {"mask_token", nullptr},
          {"invert", false}, {"output_mode", "int"}, {"vocabulary", {"b", "a"}}, {"encoding", "utf-8"}};
}

using Vocabulary = std::vector<std::pair<std::u32string, int32_t>>;

/// index_lookup.py: the mask first, then unknown tokens, then the vocabulary.
TEST(TextLayer, NumbersTokensAsIndexLookupDoes) {
  json config = lookup();
  EXPECT_EQ(readLayer("StringLookup", config, 7).spec.vocabulary, (Vocabulary{{U"b", 1}, {U"a", 2}}));
  EXPECT_EQ(readLayer("StringLookup", config, 7).spec.oov, 0);
  config["mask_token"] = "";
  EXPECT_EQ(readLayer("StringLookup", config, 7).spec.vocabulary, (Vocabulary{{U"b", 2}, {U"a", 3}}));
  EXPECT_EQ(readLayer("StringLookup", config, 7).spec.oov, 1);
  config["vocabulary"] = {"", "[UNK]", "b", "a"};
  EXPECT_EQ(readLayer("StringLookup", config, 7).spec.vocabulary, (Vocabulary{{U"b", 2}, {U"a", 3}}));
  config["vocabulary"] = {"[UNK]", "b"};
  config["mask_token"] = nullptr;
  EXPECT_EQ(readLayer("StringLookup", config, 7).spec.vocabulary, (Vocabulary{{U"b", 1}}));
  config["num_oov_indices"] = 0;
  EXPECT_EQ(readLayer("StringLookup", config, 7).spec.vocabulary, (Vocabulary{{U"[UNK]", 0}, {U"b", 1}}));
  EXPECT_EQ(readLayer("StringLookup", config, 7).spec.oov, std::nullopt);
}

TEST(TextLayer, ReadsTheLinesOfAnAsset) {
  json config = lookup();
  config["vocabulary"] = nullptr;
  config["mask_token"] = "";
  const auto vocabularyOf = [&](const std::string& lines) {
    return readLayer("StringLookup", config, 7, &lines).spec.vocabulary;
  };
  EXPECT_EQ(vocabularyOf("\n[UNK]\nb\na"), (Vocabulary{{U"b", 2}, {U"a", 3}}));
  EXPECT_EQ(vocabularyOf("\n[UNK]\nb\n\n\n\r\n "),
            (Vocabulary{{U"b", 2}, {U"\n", 3}, {U"\r", 4}, {U" ", 5}}));
  EXPECT_EQ(vocabularyOf("\n[UNK]\nb\n\n"), (Vocabulary{{U"b", 2}, {U"\n", 3}}));
  EXPECT_TRUE(readLayer("StringLookup", config, 7).lacksVocabulary);
}

std::string refusalOf(const std::string& className, json config, std::optional<int> strings = 1) {
  return refusal([&] { readLayer(className, std::move(config), strings); });
}

TEST(TextLayer, RefusesWhatIsNoTextEncoding) {
  const json given = textFixture("vectorizations.json")["suites"][0]["config"];
  const auto with = [&](const char* key, const json& value) {
    json config = given;
    config[key] = value;
    return refusalOf("TextVectorization", config);
  };
  EXPECT_EQ(with("output_mode", "multi_hot"),
            "unsupported-option | layer \"text\" (TextVectorization), output_mode: expected \"int\", found "
            "\"multi_hot\". A bag of words has no order in which a text could be coloured.");
  EXPECT_EQ(with("ngrams", 2),
            "unsupported-option | layer \"text\" (TextVectorization), ngrams: expected null, found 2. The "
            "engine reads "
            "single tokens.");
  EXPECT_EQ(with("standardize", {{"class_name", "function"}, {"config", "custom_standardization"}}),
            "unsupported-option | layer \"text\" (TextVectorization), standardize: expected one of "
            "lower_and_strip_punctuation, lower, strip_punctuation, none, found the function "
            "\"custom_standardization\". A function's code "
            "is not "
            "in the file. Say which of them is like it: --assume "
            "\"text.standardize=lower_and_strip_punctuation\".");
  EXPECT_EQ(
      with("vocabulary", {"a", "b", "a"}),
      "unsupported-option | layer \"text\" (TextVectorization), vocabulary: expected every token once, found "
      "\"a\" twice.");
  EXPECT_EQ(
      with("a_new_option", 1),
      "unsupported-option | layer \"text\" (TextVectorization), a_new_option: expected an option this engine "
      "knows, found 1.");
  EXPECT_EQ(refusalOf("TextVectorization", given, 7),
            "unsupported-option | layer \"text\" (TextVectorization), split: expected one string to split, "
            "an input of "
            "shape (batch, 1), found 7 strings.");
  json config = lookup();
  config["num_oov_indices"] = 3;
  config["invert"] = true;
  EXPECT_EQ(
      refusalOf("StringLookup", config, 7),
      "unsupported-option | layer \"text\" (StringLookup), invert: expected false, found true. A layer that "
      "turns ids into text has none to read.\n"
      "unsupported-option | layer \"text\" (StringLookup), num_oov_indices: expected 0 or 1, found 3. Which "
      "of "
      "several ids an unknown token gets is a hash of it, which the engine does not compute.");
}

TEST(TextFront, AFunctionCanBeDecidedByTheUser) {
  TakenApart parts(kWords);
  parts.layer("vectorization")["config"]["standardize"] = {{"class_name", "function"}, {"config", "clean"}};
  EXPECT_TRUE(parts.refusal().starts_with("unsupported-option | layer \"vectorization\"")) << parts.refusal();
  const auto model =
      Model::open(bytesOf(parts.bundle.binary()), "m.safetensors", {{"vectorization.standardize", "lower"}});
  EXPECT_EQ(model->encoder(0)->spec().lower, TextSpec::Lower::Ascii);
  EXPECT_EQ(model->encoder(0)->spec().strip, U"");
}

TEST(TextFront, TurnsTextIntoKerassIds) {
  size_t models = 0;
  for (const std::string& name : allFixtures()) {
    if (name.find("/vectorization_") == std::string::npos && name.find("/string_lookup") == std::string::npos)
      continue;
    const ParityReport report = verify(openFixture(name), lowerAscii);
    for (const ParityCase& one : report.cases)
      EXPECT_TRUE(one.idsAgree && one.agrees()) << name << ", " << one.name << one.problem;
    EXPECT_GE(report.cases.size(), 3u);
    ++models;
  }
  EXPECT_GE(models, 4u);
}

TEST(TextFront, IsWhatTheCardSays) {
  const auto model = openFixture(kLookup);
  const json card = json::parse(model->card());
  EXPECT_EQ(card["text"]["layer"], "vectorization");
  EXPECT_EQ(card["text"]["unit"], "char");
  EXPECT_EQ(card["text"]["oov"], 1);
  EXPECT_EQ(card["inputs"][0]["kind"], "ids");
  EXPECT_EQ(card["inputs"][0]["shape"], json({nullptr, 7}));
  EXPECT_EQ(card["assumptions"][0]["id"], "vectorization.strings");
  EXPECT_EQ(card["notes"], json::array());
  for (const json& layer : card["layers"]) EXPECT_NE(layer["name"], "vectorization");
}

TEST(TextFront, GivesWayToAVocabularyThatIsGiven) {
  const auto model = openFixture(kWords)->withText(R"({"a": 1, "b": 2})", "v.json");
  EXPECT_EQ(json::parse(model->card())["text"]["layer"], nullptr);
  EXPECT_EQ(model->encoder(0)->spec().unit, TextSpec::Unit::Char);
}

TEST(TextFront, WithoutVocabularyAsksForOne) {
  TakenApart parts(kWords);
  parts.layer("vectorization")["config"]["vocabulary"] = nullptr;
  const json card = json::parse(parts.open()->card());
  EXPECT_EQ(card["text"], nullptr);
  EXPECT_EQ(card["assumptions"][0]["text"],
            "The file does not hold the vocabulary of layer \"vectorization\" (TextVectorization).");
}

TEST(TextFront, IsRefusedWhereSomethingElseReadsTheText) {
  TakenApart parts(kWords);
  json other = parts.layer("vectorization");
  other["name"] = other["config"]["name"] = "other";
  parts.config["config"]["layers"].push_back(other);
  EXPECT_EQ(parts.refusal(),
            "text-layer | layer \"other\" (TextVectorization): expected text to be read by one "
            "TextVectorization or "
            "StringLookup, found the input \"text\", which is text. Save the model without what comes before "
            "its ids, "
            "and give the vocabulary apart.");
  parts.config["config"]["layers"].back()["inbound_nodes"][0][0][0] = "flatten";
  EXPECT_EQ(
      parts.refusal(),
      "text-layer | layer \"other\" (TextVectorization): expected the model's input, found layer \"flatten\" "
      "(Flatten) before it.");
}

TEST(TextFront, OfASequentialNeedsNoInputLayer) {
  TakenApart parts(kWords);
  json front = parts.layer("vectorization");
  json embedding = parts.layer("embedding");
  json gru = parts.layer("gru");
  json dense = parts.layer("dense");
  gru["config"]["return_sequences"] = false;
  for (json* layer : {&front, &embedding, &gru, &dense}) layer->erase("inbound_nodes");
  for (const char* stated : {"[null]", "[null, 1]", "null"}) {
    const json shape = json::parse(stated);
    front["config"].erase("batch_input_shape");
    if (!shape.is_null()) front["config"]["batch_input_shape"] = shape;
    parts.config = {{"class_name", "Sequential"},
                    {"config", {{"name", "s"}, {"layers", {front, embedding, gru, dense}}}}};
    TestBundle& bundle = parts.bundle;
    std::erase_if(bundle.layers, [](const TestLayer& layer) { return layer.name == "dense_1"; });
    std::erase_if(bundle.tensors,
                  [](const TestTensor& tensor) { return tensor.name.find("dense_1") != std::string::npos; });
    const auto model = parts.open();
    EXPECT_EQ(shapeText(model->inputShape()), "(None, 7)");
    EXPECT_EQ(model->encoder(0)->spec().oov, 1);
  }
}

}  // namespace
}  // namespace charglow::testing
