#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/text_spec.h"

namespace charglow {

/// What became of one code point of the text. The numbers are part of the JavaScript interface (engine.d.ts).
enum class Fate : uint8_t {
  Read = 0,            ///< has a position and an id of its own
  UnknownRead = 1,     ///< not in the vocabulary; read as the out-of-vocabulary id
  UnknownDropped = 2,  ///< not in the vocabulary, and no id for such: left out, what follows moves up
  RareDropped = 3,     ///< in the vocabulary, but its id is not below num_words, and no id for such
  Filtered = 4,        ///< removed by the filters, or a separator between words
  Truncated = 5,       ///< cut off: the text is longer than the model's input
};

/// A text as the host hands it over. Lower-casing is the host's work, because Unicode's rules for it are
/// whole-string (final sigma) and large; `origin` keeps the way back.
struct SourceText {
  size_t length = 0;  ///< code points in the source text
  std::span<const char32_t>
      text;  ///< code points to read: the source, or its lower-cased form where the encoding says so
  std::span<const uint32_t>
      origin;  ///< for each of `text`: index of the source code point it came from, never falling
};

/// How a text met the model's input.
struct EncodedText {
  std::vector<int32_t> ids;      ///< model input, timestep by timestep, padding included
  std::vector<uint8_t> padding;  ///< 1 where a timestep is padding; same length as ids
  // One entry for each code point of the source text:
  std::vector<Fate> fate;
  std::vector<int32_t> position;  ///< first timestep it covers, or -1
  std::vector<uint8_t> count;     ///< how many timesteps it covers
  std::vector<int32_t> id;        ///< id of its first timestep, or -1

 private:
  friend class TextEncoder;
  // Work space, kept so that encoding while somebody types allocates nothing.
  struct Token {
    int32_t id;
    Fate fate;  ///< Read or UnknownRead
  };
  std::vector<Token> tokens_;  ///< what Tokenizer gives, before padding and truncating
  std::vector<uint8_t>
      lost_;  ///< for each source code point: the Fate of the first part of it that gave no token
  std::u32string replaced_;  ///< unit word: the text without what is left out, with filtered characters
                             ///< replaced by a separator
  std::vector<uint32_t>
      replacedAt_;  ///< for each of `replaced_`: index of the code point of the text it came from
};

/// Text to ids exactly as Keras does it: Tokenizer.texts_to_sequences (keras_preprocessing/text.py) followed
/// by pad_sequences (keras/utils/sequence_utils.py), or TextVectorization
/// (keras/layers/preprocessing/text_vectorization.py), keeping the map from every code point to its timestep.
class TextEncoder {
 public:
  /// Throws "text-split" where the unit is word and there is no separator.
  explicit TextEncoder(TextSpec spec);

  [[nodiscard]] const TextSpec& spec() const { return spec_; }

  /// Encodes `source` to `length` timesteps, or to as many as the text has tokens where `length` < 0.
  /// Buffers of `out` are reused; nothing else is allocated once they have grown.
  /// A code point that lower-casing turned into several covers the timesteps of all that are read; where none
  /// is, its fate is the first that befell a part of it: dropping comes before truncating. Throws "text-map"
  /// where `source` is inconsistent (origin out of range or falling, or more than 255 code points from one),
  /// "text-length" where `length` is 0, which no model has and Keras's pad_sequences does not cut to.
  void encode(const SourceText& source, int length, EncodedText& out) const;

 private:
  /// Id and fate of a token; an id < 0 is none.
  [[nodiscard]] EncodedText::Token read(const int32_t* known) const;
  /// The code point to read in place of `c`; nothing where it is left out.
  [[nodiscard]] std::optional<char32_t> standardized(char32_t c) const;
  void encodeCharacters(const SourceText& source, EncodedText& out) const;
  void encodeWords(const SourceText& source, EncodedText& out) const;
  /// Replaces what separates words by one separator.
  void separate(const SourceText& source, EncodedText& out) const;
  void addWord(const SourceText& source, size_t begin, size_t end, EncodedText& out) const;
  void pad(int length, EncodedText& out) const;

  /// So that a word can be looked up where it stands in the text, without a copy.
  struct WordHash {
    using is_transparent = void;
    size_t operator()(std::u32string_view word) const { return std::hash<std::u32string_view>{}(word); }
  };

  TextSpec spec_;
  std::unordered_map<std::u32string, int32_t, WordHash, std::equal_to<>> words_;  ///< unit word
  std::unordered_map<char32_t, int32_t> characters_;                              ///< unit char
  std::u32string strip_;                                                          ///< sorted
  std::u32string filters_;                                                        ///< sorted
};

}  // namespace charglow
