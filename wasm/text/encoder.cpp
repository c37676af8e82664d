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

TextEncoder::TextEncoder(TextSpec spec) : spec_(std::move(spec)) {
  if (spec_.unit == TextSpec::Unit::Word) {
    // Python's str.split refuses an empty separator; here it would never end.
    if (spec_.split.empty())
      throw Error(Problem{"text-split", "text: split", "a separator", "an empty string", ""});
    for (const auto& [token, id] : spec_.vocabulary) words_.emplace(token, id);
    filters_ = spec_.filters;
    std::sort(filters_.begin(), filters_.end());
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
  // From here to pad(), `position` counts tokens, not timesteps.
  if (spec_.unit == TextSpec::Unit::Char) {
    encodeCharacters(source, out);
  } else {
    encodeWords(source, out);
  }
  pad(length, out);
}

/// char_level=True: every code point is a token; filters and split are not applied (text.py, lines 377-383).
void TextEncoder::encodeCharacters(const SourceText& source, EncodedText& out) const {
  for (size_t i = 0; i < source.text.size(); ++i) {
    const auto found = characters_.find(source.text[i]);
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

/// text_to_word_sequence (text.py, lines 73-81): filtered characters become `split`, the text is split there,
/// and empty words are left out.
void TextEncoder::encodeWords(const SourceText& source, EncodedText& out) const {
  const auto isFiltered = [&](char32_t c) { return std::binary_search(filters_.begin(), filters_.end(), c); };
  out.replaced_.clear();
  out.replacedAt_.clear();
  for (size_t i = 0; i < source.text.size(); ++i) {
    if (isFiltered(source.text[i])) {
      out.replaced_ += spec_.split;
    } else {
      out.replaced_ += source.text[i];
    }
    out.replacedAt_.resize(out.replaced_.size(), static_cast<uint32_t>(i));
  }

  const std::u32string_view text = out.replaced_;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(spec_.split, begin), text.size());
    const std::u32string_view word = text.substr(begin, end - begin);
    if (!word.empty()) {
      const auto found = words_.find(word);
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
    begin = end + spec_.split.size();
  }
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
