#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/text_spec.h"
#include "text/vocabulary.h"

namespace charglow {

/// A vocabulary file's own statements. What nobody stated stays empty.
struct StatedText {
  Vocabulary vocabulary;
  std::optional<TextSpec::Unit> unit;
  std::optional<TextSpec::Lower> lower;
  std::u32string strip;
  std::optional<int32_t> numWords;
  std::optional<std::u32string> filters;
  TextSpec::Split splitAt = TextSpec::Split::Separator;
  std::u32string split = U" ";
  bool oovKnown = false;
  std::optional<int32_t> oov;
  std::optional<int32_t> pad;
  std::optional<int32_t> start;
  std::optional<TextSpec::End> padding;
  std::optional<TextSpec::End> truncating;
  std::vector<std::string> assumed;
  std::string oovTold, padTold, startTold;  ///< why they are so, where a token's name says it
};

/// What a charset states: its i-th code point has the id i + 1.
StatedText statedByCharset(std::u32string_view charset, const std::string& where);

/// What a list of tokens states: the i-th has the id i. A list that begins as
/// TextVectorization.get_vocabulary() does means that layer.
StatedText statedByList(const nlohmann::json& tokens, const std::string& where);

/// Whether an object is {id: token}.
bool isInverse(const nlohmann::json& object);
StatedText statedByInverse(const nlohmann::json& object, const std::string& where);

/// Whether a token is called as tokens are that stand for no text: "<PAD>", "[UNK]", "UNK".
bool isSpecialToken(std::u32string_view token);
/// Takes tokens such as "<PAD>" and "[UNK]" for what they are called. Among characters they are no tokens of
/// a text.
void readSpecialTokens(StatedText& stated);

}  // namespace charglow
