// Ids against real Keras: tests/fixtures/text/encodings.json, written by scripts/fixtures/make_text.py.

#include "text/encoder.h"

#include <gtest/gtest.h>

#include "text/utf8.h"
#include "text_fixtures.h"

namespace charglow::testing {
namespace {

using nlohmann::json;

/// What must hold of any encoded text, whatever its ids.
void checkMap(const TextSpec& spec, const EncodedText& encoded) {
  std::vector<int> covered(encoded.ids.size(), 0);
  for (size_t i = 0; i < encoded.fate.size(); ++i) {
    const bool read = encoded.fate[i] == Fate::Read || encoded.fate[i] == Fate::UnknownRead;
    ASSERT_EQ(encoded.position[i] >= 0, read) << "code point " << i;
    ASSERT_EQ(encoded.count[i] > 0, read) << "code point " << i;
    if (!read) {
      ASSERT_EQ(encoded.id[i], -1) << "code point " << i;
      continue;
    }
    const auto first = static_cast<size_t>(encoded.position[i]);
    ASSERT_LE(first + encoded.count[i], encoded.ids.size());
    ASSERT_EQ(encoded.id[i], encoded.ids[first]);
    if (encoded.fate[i] == Fate::UnknownRead) {
      ASSERT_EQ(encoded.id[i], spec.oov);
    }
    for (size_t step = first; step < first + encoded.count[i]; ++step) ++covered[step];
  }
  ASSERT_EQ(encoded.padding.size(), encoded.ids.size());
  for (size_t step = 0; step < encoded.ids.size(); ++step) {
    if (encoded.padding[step] != 0) {
      ASSERT_EQ(covered[step], 0) << "timestep " << step << " is padding";
      ASSERT_EQ(encoded.ids[step], spec.pad);
    } else if (spec.unit == TextSpec::Unit::Char) {
      ASSERT_EQ(covered[step], 1) << "timestep " << step;
    } else {
      ASSERT_GE(covered[step], 1) << "timestep " << step;
    }
  }
}

struct HostText {
  std::u32string text;
  std::vector<uint32_t> origin;
  SourceText source;
  explicit HostText(const json& testCase)
      : text(decodeUtf8(testCase["text"].get<std::string>())),
        origin(testCase["origin"].get<std::vector<uint32_t>>()),
        source{decodeUtf8(testCase["source"].get<std::string>()).size(), text, origin} {}
};

TEST(Encoder, GivesTheIdsOfKerasTokenizerAndPadSequences) {
  size_t compared = 0;
  const json fixture = textFixture("encodings.json");
  for (const json& suite : fixture["suites"]) {
    TextSpec spec = parseVocabulary(suite["tokenizer"].get<std::string>(), "tokenizer.json");
    spec.pad = suite["pad"].get<int32_t>();
    EncodedText encoded;  // one for all texts: nothing of the text before may stay
    for (const json& testCase : suite["cases"]) {
      SCOPED_TRACE(suite["name"].get<std::string>() + ": " + testCase["name"].get<std::string>());
      const HostText host(testCase);
      for (const auto& [ends, ids] : testCase["ids"].items()) {
        SCOPED_TRACE(ends);
        spec.padding = ends.rfind("pre,", 0) == 0 ? TextSpec::End::Pre : TextSpec::End::Post;
        spec.truncating = ends.find(",pre") != std::string::npos ? TextSpec::End::Pre : TextSpec::End::Post;
        TextEncoder(spec).encode(host.source, suite["timesteps"].get<int>(), encoded);
        EXPECT_EQ(encoded.ids, ids.get<std::vector<int32_t>>());
        checkMap(spec, encoded);
        ++compared;
      }
      TextEncoder(spec).encode(host.source, -1, encoded);
      EXPECT_EQ(encoded.ids, testCase["sequence"].get<std::vector<int32_t>>());
      checkMap(spec, encoded);
    }
  }
  EXPECT_GE(compared, 1000u);
}

}  // namespace
}  // namespace charglow::testing
