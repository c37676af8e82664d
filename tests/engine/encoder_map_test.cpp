// The way back from timesteps to the text: what became of every code point of the source.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "text/encoder.h"
#include "text_fixtures.h"

namespace charglow::testing {
namespace {

constexpr Fate R = Fate::Read;
constexpr Fate UR = Fate::UnknownRead;
constexpr Fate UD = Fate::UnknownDropped;
constexpr Fate RD = Fate::RareDropped;
constexpr Fate F = Fate::Filtered;
constexpr Fate T = Fate::Truncated;

TextSpec characters(std::u32string_view alphabet) {
  TextSpec spec;
  for (const char32_t c : alphabet)
    spec.vocabulary.emplace_back(std::u32string(1, c), static_cast<int32_t>(spec.vocabulary.size()) + 1);
  return spec;
}

TextSpec words(const std::vector<std::u32string>& vocabulary) {
  TextSpec spec;
  spec.unit = TextSpec::Unit::Word;
  spec.split = U" ";
  spec.filters = U"!.,";
  for (const std::u32string& word : vocabulary)
    spec.vocabulary.emplace_back(word, static_cast<int32_t>(spec.vocabulary.size()) + 1);
  return spec;
}

/// Encodes `text` whose code points come from `origin` of a source of `sourceLength`; from themselves where
/// it is empty.
EncodedText encode(const TextSpec& spec, std::u32string_view text, int length,
                   std::vector<uint32_t> origin = {}, size_t sourceLength = 0) {
  if (origin.empty()) {
    for (uint32_t i = 0; i < text.size(); ++i) origin.push_back(i);
    sourceLength = text.size();
  }
  EncodedText encoded;
  TextEncoder(spec).encode({sourceLength, text, origin}, length, encoded);
  return encoded;
}

using Fates = std::vector<Fate>;
using Ints = std::vector<int32_t>;
using Bytes = std::vector<uint8_t>;

TEST(EncoderMap, KnowsPositionsBehindPrePadding) {
  const EncodedText e = encode(characters(U"ab"), U"aba", 5);
  EXPECT_EQ(e.ids, (Ints{0, 0, 1, 2, 1}));
  EXPECT_EQ(e.padding, (Bytes{1, 1, 0, 0, 0}));
  EXPECT_EQ(e.fate, (Fates{R, R, R}));
  EXPECT_EQ(e.position, (Ints{2, 3, 4}));
  EXPECT_EQ(e.count, (Bytes{1, 1, 1}));
  EXPECT_EQ(e.id, (Ints{1, 2, 1}));
}

TEST(EncoderMap, KnowsPositionsBeforePostPadding) {
  TextSpec spec = characters(U"ab");
  spec.padding = TextSpec::End::Post;
  const EncodedText e = encode(spec, U"ba", 4);
  EXPECT_EQ(e.ids, (Ints{2, 1, 0, 0}));
  EXPECT_EQ(e.padding, (Bytes{0, 0, 1, 1}));
  EXPECT_EQ(e.position, (Ints{0, 1}));
}

TEST(EncoderMap, PreTruncatingKeepsTheEnd) {
  const EncodedText e = encode(characters(U"abcd"), U"abcd", 3);
  EXPECT_EQ(e.ids, (Ints{2, 3, 4}));
  EXPECT_EQ(e.fate, (Fates{T, R, R, R}));
  EXPECT_EQ(e.position, (Ints{-1, 0, 1, 2}));
  EXPECT_EQ(e.count, (Bytes{0, 1, 1, 1}));
  EXPECT_EQ(e.id, (Ints{-1, 2, 3, 4}));
}

TEST(EncoderMap, PostTruncatingKeepsTheBeginning) {
  TextSpec spec = characters(U"abcd");
  spec.truncating = TextSpec::End::Post;
  const EncodedText e = encode(spec, U"abcd", 3);
  EXPECT_EQ(e.ids, (Ints{1, 2, 3}));
  EXPECT_EQ(e.fate, (Fates{R, R, R, T}));
}

TEST(EncoderMap, UnknownCharactersAreDroppedAndWhatFollowsMovesUp) {
  const EncodedText e = encode(characters(U"ab"), U"a?b", -1);
  EXPECT_EQ(e.ids, (Ints{1, 2}));
  EXPECT_EQ(e.fate, (Fates{R, UD, R}));
  EXPECT_EQ(e.position, (Ints{0, -1, 1}));
}

TEST(EncoderMap, UnknownCharactersAreReadAsOov) {
  TextSpec spec = characters(U"ab");
  spec.oov = 9;
  const EncodedText e = encode(spec, U"a?b", -1);
  EXPECT_EQ(e.ids, (Ints{1, 9, 2}));
  EXPECT_EQ(e.fate, (Fates{R, UR, R}));
  EXPECT_EQ(e.id, (Ints{1, 9, 2}));
}

TEST(EncoderMap, RareCharactersAreToldFromUnknownOnes) {
  TextSpec spec = characters(U"abc");
  spec.numWords = 3;
  EXPECT_EQ(encode(spec, U"ac?", -1).fate, (Fates{R, RD, UD}));
  spec.oov = 1;
  EXPECT_EQ(encode(spec, U"ac?", -1).fate, (Fates{R, UR, UR}));
}

TEST(EncoderMap, DroppingIsToldBeforeTruncating) {
  TextSpec spec = characters(U"ab");
  // "?" stands where the text is cut off, but would not have been read in a longer input either.
  EXPECT_EQ(encode(spec, U"?aab", 2).fate, (Fates{UD, T, R, R}));
  // Read as oov it would: what it lacks is a timestep.
  spec.oov = 9;
  EXPECT_EQ(encode(spec, U"?aab", 2).fate, (Fates{T, T, R, R}));
}

TEST(EncoderMap, EmptyTextIsAllPadding) {
  const EncodedText e = encode(characters(U"ab"), U"", 3);
  EXPECT_EQ(e.ids, (Ints{0, 0, 0}));
  EXPECT_EQ(e.padding, (Bytes{1, 1, 1}));
  EXPECT_TRUE(e.fate.empty());
  EXPECT_TRUE(encode(characters(U"ab"), U"", -1).ids.empty());
}

TEST(EncoderMap, ACodePointThatLowerCasesToTwoCoversTwoTimesteps) {
  // "aİb" as the host lower-cases it.
  const EncodedText e = encode(characters(U"abi\u0307"), U"ai\u0307b", 5, {0, 1, 1, 2}, 3);
  EXPECT_EQ(e.ids, (Ints{0, 1, 3, 4, 2}));
  EXPECT_EQ(e.fate, (Fates{R, R, R}));
  EXPECT_EQ(e.position, (Ints{1, 2, 4}));
  EXPECT_EQ(e.count, (Bytes{1, 2, 1}));
  EXPECT_EQ(e.id, (Ints{1, 3, 2}));
}

TEST(EncoderMap, ItCoversOneTimestepWhereTheOtherHalfIsUnknown) {
  const EncodedText first = encode(characters(U"i"), U"i\u0307", 3, {0, 0}, 1);
  EXPECT_EQ(first.fate, (Fates{R}));
  EXPECT_EQ(first.position, (Ints{2}));
  EXPECT_EQ(first.count, (Bytes{1}));
  const EncodedText second = encode(characters(U"\u0307"), U"i\u0307", 3, {0, 0}, 1);
  EXPECT_EQ(second.fate, (Fates{R}));
  EXPECT_EQ(second.position, (Ints{2}));
  EXPECT_EQ(second.count, (Bytes{1}));
  EXPECT_EQ(encode(characters(U"a"), U"i\u0307", 3, {0, 0}, 1).fate, (Fates{UD}));
}

TEST(EncoderMap, ItCoversOneTimestepWhereTheOtherHalfIsCutOff) {
  TextSpec spec = characters(U"i\u0307a");
  const EncodedText end = encode(spec, U"i\u0307a", 2, {0, 0, 1}, 2);  // keeps U+0307 and "a"
  EXPECT_EQ(end.fate, (Fates{R, R}));
  EXPECT_EQ(end.position, (Ints{0, 1}));
  EXPECT_EQ(end.count, (Bytes{1, 1}));
  EXPECT_EQ(end.id, (Ints{2, 3}));

  spec.truncating = TextSpec::End::Post;
  const EncodedText beginning = encode(spec, U"ai\u0307", 2, {0, 1, 1}, 2);  // keeps "a" and "i"
  EXPECT_EQ(beginning.position, (Ints{0, 1}));
  EXPECT_EQ(beginning.count, (Bytes{1, 1}));
  EXPECT_EQ(beginning.id, (Ints{3, 1}));
}

TEST(EncoderMap, ItsFateIsTheFirstWhereOneHalfIsUnknownAndTheOtherCutOff) {
  EXPECT_EQ(encode(characters(U"ia"), U"i\u0307a", 1, {0, 0, 1}, 2).fate, (Fates{UD, R}));
}

TEST(EncoderMap, ItsFateIsThatOfItsFirstTimestep) {
  TextSpec spec = characters(U"\u0307");
  spec.oov = 7;
  const EncodedText e = encode(spec, U"i\u0307", -1, {0, 0}, 1);
  EXPECT_EQ(e.ids, (Ints{7, 1}));
  EXPECT_EQ(e.fate, (Fates{UR}));
  EXPECT_EQ(e.count, (Bytes{2}));
  EXPECT_EQ(e.id, (Ints{7}));
}

TEST(EncoderMap, ACodePointOfWhichTheHostLeftNothingIsFiltered) {
  const EncodedText e = encode(characters(U"ab"), U"ab", -1, {0, 2}, 3);
  EXPECT_EQ(e.fate, (Fates{R, F, R}));
  EXPECT_EQ(e.position, (Ints{0, -1, 1}));
}

TEST(EncoderMap, EveryCodePointOfAWordHasTheWordsTimestep) {
  const EncodedText e = encode(words({U"the", U"cat"}), U" the  cat!", 4);
  EXPECT_EQ(e.ids, (Ints{0, 0, 1, 2}));
  EXPECT_EQ(e.fate, (Fates{F, R, R, R, F, F, R, R, R, F}));
  EXPECT_EQ(e.position, (Ints{-1, 2, 2, 2, -1, -1, 3, 3, 3, -1}));
  EXPECT_EQ(e.count, (Bytes{0, 1, 1, 1, 0, 0, 1, 1, 1, 0}));
  EXPECT_EQ(e.id, (Ints{-1, 1, 1, 1, -1, -1, 2, 2, 2, -1}));
}

TEST(EncoderMap, WordsAreDroppedReadAsOovAndCutOffAsAWhole) {
  TextSpec spec = words({U"the", U"cat", U"sat"});
  spec.numWords = 3;
  EXPECT_EQ(encode(spec, U"a the sat cat", 1).fate, (Fates{UD, F, T, T, T, F, RD, RD, RD, F, R, R, R}));
  spec.oov = 1;
  EXPECT_EQ(encode(spec, U"a sat", -1).fate, (Fates{UR, F, UR, UR, UR}));
}

TEST(EncoderMap, TwoCodePointsOfOneWordFromOneSourceCountOnce) {
  const EncodedText e = encode(words({U"i\u0307n", U"cat"}), U"i\u0307n cat", -1, {0, 0, 1, 2, 3, 4, 5}, 6);
  EXPECT_EQ(e.ids, (Ints{1, 2}));
  EXPECT_EQ(e.position, (Ints{0, 0, -1, 1, 1, 1}));
  EXPECT_EQ(e.count, (Bytes{1, 1, 0, 1, 1, 1}));
}

TEST(EncoderMap, ACodePointWhosePartsLieInTwoWordsCoversBoth) {
  // No lower-casing does this, but a host that decomposes ligatures or fractions would.
  const EncodedText e = encode(words({U"a", U"b"}), U"a b", -1, {0, 0, 0}, 1);
  EXPECT_EQ(e.ids, (Ints{1, 2}));
  EXPECT_EQ(e.position, (Ints{0}));
  EXPECT_EQ(e.count, (Bytes{2}));
}

TEST(EncoderMap, AFilteredCharacterIsReadWhereItsReplacementLeavesAPieceBehind) {
  TextSpec spec = words({U"a"});
  spec.split = U"aa";
  // "a!" becomes "aaa": a separator made of both, and a word made of the rest of "!".
  const EncodedText e = encode(spec, U"a!", -1);
  EXPECT_EQ(e.ids, (Ints{1}));
  EXPECT_EQ(e.fate, (Fates{F, R}));
}

TEST(EncoderMap, BuffersHoldNothingOfTheTextBefore) {
  const TextEncoder encoder(characters(U"abc"));
  EncodedText encoded;
  const std::vector<uint32_t> origin{0, 1, 2, 3};
  encoder.encode({4, std::u32string_view(U"abca"), origin}, 3, encoded);
  encoder.encode({1, std::u32string_view(U"b"), std::span(origin).first(1)}, 3, encoded);
  EXPECT_EQ(encoded.ids, (Ints{0, 0, 2}));
  EXPECT_EQ(encoded.padding, (Bytes{1, 1, 0}));
  EXPECT_EQ(encoded.fate, (Fates{R}));
  EXPECT_EQ(encoded.position, (Ints{2}));
}

std::string mapRefusal(std::u32string_view text, std::vector<uint32_t> origin, size_t sourceLength) {
  return refusal([&] {
    EncodedText encoded;
    TextEncoder(characters(U"ab")).encode({sourceLength, text, origin}, -1, encoded);
  });
}

TEST(EncoderMap, RefusesOriginsThatDoNotFitTheText) {
  EXPECT_EQ(mapRefusal(U"ab", {0}, 2),
            "text-map | text: expected 2 origins, one for each code point, found 1.");
  EXPECT_EQ(mapRefusal(U"ab", {0, 2}, 2), "text-map | text: expected origins below 2, found 2 at index 1.");
  EXPECT_EQ(mapRefusal(U"ab", {1, 0}, 2),
            "text-map | text: expected origins that never fall, found 0 after 1 at index 1.");
  EXPECT_EQ(mapRefusal(std::u32string(256, U'a'), std::vector<uint32_t>(256, 0), 1),
            "text-map | text: expected at most 255 code points from one, found more at index 255.");
  EXPECT_EQ(encode(characters(U"a"), std::u32string(255, U'a'), -1, std::vector<uint32_t>(255, 0), 1).count,
            (Bytes{255}));
}

TEST(EncoderMap, RefusesZeroTimesteps) {
  EXPECT_EQ(refusal([] { encode(characters(U"ab"), U"a", 0); }),
            "text-length | text: expected at least one timestep, found 0.");
}

TEST(EncoderMap, RefusesWordsWithoutASeparator) {
  TextSpec spec = words({U"a"});
  spec.split.clear();
  EXPECT_EQ(refusal([&] { TextEncoder encoder(spec); }),
            "text-split | text: split: expected a separator, found an empty string.");
}

}  // namespace
}  // namespace charglow::testing
