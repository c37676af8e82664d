#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "error.h"

namespace charglow {

using Vocabulary = std::vector<std::pair<std::u32string, int32_t>>;

/// Keras's default for Tokenizer(filters=…): keras_preprocessing/text.py, Tokenizer.__init__.
inline constexpr char32_t kKerasFilters[] = U"!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n";

/// Reads {token: id}, sorted by id, then token. What is wrong with an entry is added to `problems`.
Vocabulary readVocabulary(const nlohmann::json& object, const std::string& where,
                          std::vector<Problem>& problems);

/// At unit char a token is one code point; adds a problem where one is not.
void requireSingleCharacters(const Vocabulary& vocabulary, const std::string& where,
                             std::vector<Problem>& problems);

/// What a JSON value is, for messages about vocabularies: `the string "3"`.
std::string kindOf(const nlohmann::json& value);

}  // namespace charglow
