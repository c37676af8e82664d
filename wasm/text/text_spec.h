#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace charglow {

/// How text becomes ids: the `text` object of FORMAT.md section 5. Defaults are Keras's own.
struct TextSpec {
  enum class Unit { Char, Word };
  enum class End { Pre, Post };
  enum class Lower {
    No,
    Ascii,    ///< A to Z only, as tf.strings.lower does; the encoder's work
    Unicode,  ///< as Python's str.lower; the host's work (encoder.h, SourceText)
  };
  enum class Split {
    Separator,   ///< at `split`
    WhiteSpace,  ///< at runs of space, \t, \n, \v, \f and \r, as tf.strings.split does
    Nowhere,     ///< the whole text is one word
  };

  Unit unit = Unit::Char;
  std::vector<std::pair<std::u32string, int32_t>> vocabulary;  ///< token and id; by rising id, then token
  std::optional<int32_t> numWords;                             ///< only ids below it are used
  Lower lower = Lower::Unicode;
  std::u32string strip;    ///< characters left out before anything else, after lower-casing
  std::u32string filters;  ///< unit word only: characters that separate words
  Split splitAt = Split::Separator;
  std::u32string split;        ///< unit word only; "" unless words end at a separator
  std::optional<int32_t> oov;  ///< id of unknown tokens; empty: they are dropped
  int32_t pad = 0;
  std::optional<int32_t> start;  ///< id that every text begins with
  End padding = End::Pre;
  End truncating = End::Pre;
  std::optional<int32_t> length;  ///< timesteps; empty: what the model's input says
  bool oneHot = false;
  std::vector<std::string> assumed;  ///< for people

  /// False where num_words keeps the id from ever reaching the model (unless it is oov or pad).
  [[nodiscard]] bool uses(int32_t id) const { return !numWords || id < *numWords; }
};

/// Reads and checks a `text` object. `where` opens the messages ("model.safetensors, text").
/// Throws Error with every field that is wrong.
TextSpec parseTextSpec(const nlohmann::json& object, std::string_view where);

/// Reads a vocabulary as people hold it, from its JSON text: a Keras Tokenizer's to_json(), a {token: id} or
/// {id: token} object, a list of tokens by id, a string of characters, or a `text` object. Same rules, same
/// defaults and same `assumed` sentences as scripts/charglow_convert/text.py, which does not read `text`
/// objects. Throws Error.
TextSpec parseVocabulary(std::string_view json, std::string_view fileName);

/// The `text` object of FORMAT.md section 5 as JSON text: the bytes that the converter writes for the same
/// spec.
std::string textObject(const TextSpec& spec);

/// A model's ids must be rows of its embedding (or columns of its one-hot input). Throws naming the token
/// with the first id outside [0, rows), and what would fit.
void checkIds(const TextSpec& spec, int64_t rows, std::string_view where);

/// Things worth telling a person: tokens that share an id, a pad that is a real token's id, capitals in the
/// vocabulary of a text that is lower-cased.
std::vector<std::string> notesOn(const TextSpec& spec);

}  // namespace charglow
