#include "text/encoder.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "error.h"

namespace charglow {
namespace {

constexpr uint8_t kNothingLost = 0xFF;
constexpr size_t kMostFromOne = std::numeric_limits<uint8_t>::max();

[[noreturn]] void failMap(std::string expected, std::string actual) {
  throw Error(Problem{"text-map", "text", std::move(expected), std::move(actual), ""});
}

std::u32string sorted(std::u32string characters) {
  std::sort(characters.begin(), characters.end());
  return characters;
}

bool contains(const std::u32string& sortedCharacters, char32_t c) {
  return std::binary_search(sortedCharacters.begin(), sortedCharacters.end(), c);
}

/// What tf.strings.split splits at: C's isspace, and so ASCII only.
bool isWhiteSpace(char32_t c) { return c == U' ' || (c >= U'\t' && c <= U'\r'); }

void checkMap(const SourceText& source) {
  if (source.origin.size() != source.text.size()) {
    failMap(std::to_string(source.text.size()) + " origins, one for each code point",
            std::to_string(source.origin.size()));
  }
  if (source.text.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max()) ||
      source.length > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    failMap("fewer than 2^31 code points", "more");
  }
  uint32_t previous = 0;
  size_t fromOne = 0;
  for (size_t i = 0; i < source.origin.size(); ++i) {
    const uint32_t origin = source.origin[i];
    if (origin >= source.length) {
      failMap("origins below " + std::to_string(source.length),
              std::to_string(origin) + " at index " + std::to_string(i));
    }
    if (origin < previous) {
      failMap("origins that never fall", std::to_string(origin) + " after " + std::to_string(previous) +
                                             " at index " + std::to_string(i));
    }
    fromOne = origin == previous ? fromOne + 1 : 1;
    if (fromOne > kMostFromOne) {
      failMap("at most " + std::to_string(kMostFromOne) + " code points from one",
              "more at index " + std::to_string(i));
    }
    previous = origin;
  }
}

}  // namespace

TextEncoder::TextEncoder(TextSpec spec)
    : spec_(std::move(spec)), strip_(sorted(spec_.strip)), filters_(sorted(spec_.filters)) {
  if (spec_.unit == TextSpec::Unit::Word) {
    // Python's str.split refuses an empty separator; here it would never end.
    if (spec_.splitAt == TextSpec::Split::Separator && spec_.split.empty())
      throw Error(Problem{"text-split", "text: split", "a separator", "an empty string", ""});
    for (const auto& [token, id] : spec_.vocabulary) words_.emplace(token, id);
  } else {
    for (const auto& [token, id] : spec_.vocabulary) {
      if (token.size() == 1) characters_.emplace(token[0], id);
    }
  }
}

/// Tokenizer.texts_to_sequences_generator, keras_preprocessing/text.py (Keras 2.15:
/// keras/src/preprocessing/text.py, lines 394-404): an unknown token, and one whose id is not below
/// num_words, become the oov id or nothing.
EncodedText::Token TextEncoder::read(const int32_t* known) const {
  if (known != nullptr && spec_.uses(*known)) return {*known, Fate::Read};
  if (spec_.oov) return {*spec_.oov, Fate::UnknownRead};
  return {-1, known != nullptr ? Fate::RareDropped : Fate::UnknownDropped};
}

void TextEncoder::encode(const SourceText& source, int length, EncodedText& out) const {
  checkMap(source);
  if (length == 0) throw Error(Problem{"text-length", "text", "at least one timestep", "0", ""});
  out.fate.assign(source.length, Fate::Filtered);
  out.position.assign(source.length, -1);
  out.count.assign(source.length, 0);
  out.id.assign(source.length, -1);
  out.lost_.assign(source.length, kNothingLost);
  out.tokens_.clear();
  if (spec_.start) out.tokens_.push_back({*spec_.start, Fate::Read});
  // From here to pad(), `position` counts tokens, not timesteps.
  if (spec_.unit == TextSpec::Unit::Char) {
    encodeCharacters(source, out);
  } else {
    encodeWords(source, out);
  }
  pad(length, out);
}

/// TextVectorization._preprocess (keras/src/layers/preprocessing/text_vectorization.py, Keras 2.15):
/// lower-cases ASCII only, then leaves out punctuation.
std::optional<char32_t> TextEncoder::standardized(char32_t c) const {
  if (spec_.lower == TextSpec::Lower::Ascii && c >= U'A' && c <= U'Z') c += U'a' - U'A';
  if (contains(strip_, c)) return std::nullopt;
  return c;
}

/// char_level=True: every code point is a token; filters and split are not applied (text.py, lines 377-383).
/// So it is with TextVectorization(split="character"), where it is tf.strings.unicode_split.
void TextEncoder::encodeCharacters(const SourceText& source, EncodedText& out) const {
  for (size_t i = 0; i < source.text.size(); ++i) {
    const std::optional<char32_t> character = standardized(source.text[i]);
    if (!character) continue;
    const auto found = characters_.find(*character);
    const EncodedText::Token token = read(found == characters_.end() ? nullptr : &found->second);
    const uint32_t from = source.origin[i];
    if (token.id < 0) {
      if (out.lost_[from] == kNothingLost) out.lost_[from] = static_cast<uint8_t>(token.fate);
      continue;
    }
    if (out.count[from]++ == 0) out.position[from] = static_cast<int32_t>(out.tokens_.size());
    out.tokens_.push_back(token);
  }
}

void TextEncoder::separate(const SourceText& source, EncodedText& out) const {
  const bool atWhiteSpace = spec_.splitAt == TextSpec::Split::WhiteSpace;
  out.replaced_.clear();
  out.replacedAt_.clear();
  for (size_t i = 0; i < source.text.size(); ++i) {
    const std::optional<char32_t> character = standardized(source.text[i]);
    if (!character) continue;
    if (contains(filters_, *character)) {
      out.replaced_ += spec_.splitAt == TextSpec::Split::Separator ? std::u32string_view(spec_.split) : U" ";
    } else if (atWhiteSpace && isWhiteSpace(*character)) {
      out.replaced_ += U' ';
    } else {
      out.replaced_ += *character;
    }
    out.replacedAt_.resize(out.replaced_.size(), static_cast<uint32_t>(i));
  }
}

/// text_to_word_sequence (text.py, lines 73-81): filtered characters become `split`, the text is split there,
/// and empty words are left out.
void TextEncoder::encodeWords(const SourceText& source, EncodedText& out) const {
  separate(source, out);
  const std::u32string_view text = out.replaced_;
  if (spec_.splitAt == TextSpec::Split::Nowhere) {
    if (!text.empty()) addWord(source, 0, text.size(), out);
    return;
  }
  const std::u32string_view separator =
      spec_.splitAt == TextSpec::Split::Separator ? std::u32string_view(spec_.split) : U" ";
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) addWord(source, begin, end, out);
    begin = end + separator.size();
  }
}

/// The word at [begin, end) of the text with its separators replaced.
void TextEncoder::addWord(const SourceText& source, size_t begin, size_t end, EncodedText& out) const {
  const auto found = words_.find(std::u32string_view(out.replaced_).substr(begin, end - begin));
  const EncodedText::Token token = read(found == words_.end() ? nullptr : &found->second);
  const auto index = static_cast<int32_t>(out.tokens_.size());
  for (size_t i = begin; i < end; ++i) {
    const uint32_t from = source.origin[out.replacedAt_[i]];
    if (token.id < 0) {
      if (out.lost_[from] == kNothingLost) out.lost_[from] = static_cast<uint8_t>(token.fate);
    } else if (out.count[from] == 0) {
      out.position[from] = index;
      out.count[from] = 1;
    } else if (out.position[from] + out.count[from] == index) {
      ++out.count[from];  // its parts lie in two words
    }
  }
  if (token.id >= 0) out.tokens_.push_back(token);
}

/// pad_sequences for one sequence (keras/src/utils/data_utils.py, Keras 2.15): "pre" truncation keeps the end
/// of the sequence, "post" its beginning; padding fills the other timesteps.
void TextEncoder::pad(int length, EncodedText& out) const {
  const auto tokens = static_cast<int32_t>(out.tokens_.size());
  const int32_t steps = length < 0 ? tokens : length;
  const int32_t kept = std::min(tokens, steps);
  const int32_t firstKept = spec_.truncating == TextSpec::End::Pre ? tokens - kept : 0;
  const int32_t firstStep = spec_.padding == TextSpec::End::Pre ? steps - kept : 0;

  out.ids.assign(static_cast<size_t>(steps), spec_.pad);
  out.padding.assign(static_cast<size_t>(steps), 1);
  for (int32_t i = 0; i < kept; ++i) {
    out.ids[static_cast<size_t>(firstStep + i)] = out.tokens_[static_cast<size_t>(firstKept + i)].id;
    out.padding[static_cast<size_t>(firstStep + i)] = 0;
  }

  for (size_t i = 0; i < out.fate.size(); ++i) {
    const int32_t first = std::max(out.position[i], firstKept);
    const int32_t last = std::min(out.position[i] + out.count[i], firstKept + kept);
    if (out.count[i] > 0 && first < last) {
      const EncodedText::Token& token = out.tokens_[static_cast<size_t>(first)];
      out.fate[i] = token.fate;
      out.id[i] = token.id;
      out.position[i] = firstStep + first - firstKept;
      out.count[i] = static_cast<uint8_t>(last - first);
      continue;
    }
    if (out.lost_[i] != kNothingLost) {
      out.fate[i] = static_cast<Fate>(out.lost_[i]);
    } else if (out.count[i] > 0) {
      out.fate[i] = Fate::Truncated;
    }
    out.position[i] = -1;
    out.count[i] = 0;
  }
}

}  // namespace charglow
