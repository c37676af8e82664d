#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "bundle/strict_json.h"
#include "text/capitals.h"
#include "text/message.h"
#include "text/stated_text.h"
#include "text/text_spec.h"
#include "text/utf8.h"

namespace charglow {
namespace {

using nlohmann::json;

constexpr int32_t kLargestId = std::numeric_limits<int32_t>::max();
constexpr size_t kMostListed = 20;  // of a vocabulary's entries; more would only bury what matters
constexpr int kDepth = 16;

constexpr char kExpected[] =
    "a Keras Tokenizer (to_json()), a JSON object {token: id} or {id: token}, or a JSON list of tokens";

constexpr std::array<std::string_view, 12> kTokenizerKeys{
    "num_words",      "filters",     "lower",     "split",      "char_level", "oov_token",
    "document_count", "word_counts", "word_docs", "index_docs", "index_word", "word_index"};

[[noreturn]] void fail(std::string_view where, std::string_view expected, std::string_view actual,
                       std::string_view hint = {}) {
  throw Error(Problem{"vocabulary-form", where, expected, actual, hint});
}

bool isDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<Problem> problemOfEntry(const std::string& token, const json& id, const std::string& where) {
  const std::string at = where + ": " + inQuotes(token);
  if (!id.is_number_integer()) {
    return Problem{"vocabulary-id", at, "a whole number as id", kindOf(id),
                   id.is_string() && isDigits(token) ? "This looks like {id: token}: turn it round." : ""};
  }
  if (!isWhole(id, static_cast<uint64_t>(kLargestId))) {
    return Problem{"vocabulary-id", at, "an id from 0 to " + grouped(kLargestId), kindOf(id), ""};
  }
  return std::nullopt;
}

bool hasCapital(std::u32string_view token) { return std::any_of(token.begin(), token.end(), isCapital); }

/// The vocabulary, which must be right in every entry.
Vocabulary requireVocabulary(const json& object, const std::string& where) {
  std::vector<Problem> problems;
  Vocabulary vocabulary = readVocabulary(object, where, problems);
  if (!problems.empty()) throw Error(std::move(problems));
  const auto empty = std::find_if(vocabulary.begin(), vocabulary.end(),
                                  [](const auto& entry) { return entry.first.empty(); });
  if (empty != vocabulary.end()) {
    fail(where + ": \"\"", "a token", "an empty string",
         "Leave it out; the padding's id is a setting of its own.");
  }
  return vocabulary;
}

bool booleanOf(const json& config, const char* key, const std::string& where) {
  const json& value = config[key];
  if (!value.is_boolean()) fail(where + ": " + key, "true or false", kindOf(value));
  return value.get<bool>();
}

std::u32string stringOf(const json& config, const char* key, const std::string& where,
                        std::u32string absent) {
  const auto value = config.find(key);
  if (value == config.end()) return absent;
  if (!value->is_string()) fail(where + ": " + key, "a string", kindOf(*value));
  return decodeUtf8(value->get_ref<const std::string&>());
}

/// Ids below which the Tokenizer uses; Keras tests the truth of it, so that 0 is no limit.
std::optional<int32_t> numWordsOf(const json& config, const std::string& where) {
  const json value = config.value("num_words", json());
  if (value.is_null()) return std::nullopt;
  if (!isWhole(value, std::numeric_limits<uint64_t>::max()))
    fail(where + ": num_words", "a whole number or null", kindOf(value));
  // Every id is below a limit beyond all ids.
  if (value == 0 || value.get<uint64_t>() > static_cast<uint64_t>(kLargestId)) return std::nullopt;
  return value.get<int32_t>();
}

/// The id of `token`, if the vocabulary has it.
std::optional<int32_t> idOf(const Vocabulary& vocabulary, std::u32string_view token) {
  const auto found = std::find_if(vocabulary.begin(), vocabulary.end(),
                                  [&](const auto& entry) { return entry.first == token; });
  if (found == vocabulary.end()) return std::nullopt;
  return found->second;
}

void readOovToken(const json& config, const std::string& where, StatedText& stated) {
  stated.oovKnown = true;
  const json token = config.value("oov_token", json());
  if (token.is_null()) return;
  const std::u32string text = token.is_string() ? decodeUtf8(token.get_ref<const std::string&>()) : U"";
  stated.oov = idOf(stated.vocabulary, text);
  if (!stated.oov) {
    fail(where + ": oov_token", "a token of word_index", kindOf(token),
         "Call fit_on_texts before to_json().");
  }
  if (stated.unit == TextSpec::Unit::Char && text.size() != 1) {
    // No single character of a text can equal it; its id lives on as `oov`.
    std::erase_if(stated.vocabulary, [&](const auto& entry) { return entry.first == text; });
  }
}

/// Keras's Tokenizer.to_json(): keras_preprocessing/text.py, get_config().
StatedText fromTokenizer(const json& config, const std::string& where) {
  if (!config.is_object()) fail(where, "a Tokenizer's configuration", kindOf(config));
  for (const auto& [key, value] : config.items()) {
    if (std::find(kTokenizerKeys.begin(), kTokenizerKeys.end(), key) == kTokenizerKeys.end()) {
      fail(where, "the options of Keras's Tokenizer", "the unknown " + inQuotes(key));
    }
  }
  for (const char* key : {"char_level", "lower", "word_index"}) {
    if (!config.contains(key)) {
      fail(where, "the member " + inQuotes(key), "none", "Write the file with Tokenizer.to_json().");
    }
  }
  const std::string indexWhere = where + ": word_index";
  json wordIndex = config["word_index"];
  if (wordIndex.is_string()) {  // to_json() stores it as JSON inside JSON
    wordIndex = parseStrictJson(wordIndex.get_ref<const std::string&>(), indexWhere, kDepth);
  }
  StatedText stated;
  stated.vocabulary = requireVocabulary(wordIndex, indexWhere);
  const bool characters = booleanOf(config, "char_level", where);
  stated.unit = characters ? TextSpec::Unit::Char : TextSpec::Unit::Word;
  stated.numWords = numWordsOf(config, where);
  stated.lower = booleanOf(config, "lower", where) ? TextSpec::Lower::Unicode : TextSpec::Lower::No;
  if (!characters) {
    stated.filters = stringOf(config, "filters", where, kKerasFilters);
    stated.split = stringOf(config, "split", where, U" ");
    if (stated.split.empty()) fail(where + ": split", "a separator", "an empty string");
  }
  readOovToken(config, where, stated);
  return stated;
}

/// Fills in Keras's defaults and says so in `assumed`: build() of scripts/charglow_convert/text.py.
TextSpec complete(StatedText stated, const std::string& where) {
  TextSpec spec;
  spec.vocabulary = std::move(stated.vocabulary);
  spec.assumed = std::move(stated.assumed);
  spec.strip = std::move(stated.strip);
  if (spec.vocabulary.empty())
    fail(where, "at least one token", "none");  // nothing was left beside the oov token

  const auto longer = [](const auto& a, const auto& b) {
    const bool special = isSpecialToken(a.first);
    return special == isSpecialToken(b.first) ? a.first.size() < b.first.size() : special;
  };
  const std::u32string& longest =
      std::max_element(spec.vocabulary.begin(), spec.vocabulary.end(), longer)->first;
  spec.unit = stated.unit.value_or(longest.size() == 1 ? TextSpec::Unit::Char : TextSpec::Unit::Word);
  const bool characters = spec.unit == TextSpec::Unit::Char;
  if (!stated.unit) {
    spec.assumed.push_back(characters ? "the model reads characters: every token is one"
                                      : "the model reads words: the vocabulary has " + inQuotes(longest));
  }
  std::vector<Problem> problems;
  if (characters) requireSingleCharacters(spec.vocabulary, where, problems);
  if (!problems.empty()) throw Error(std::move(problems));

  if (stated.lower) {
    spec.lower = *stated.lower;
  } else {
    const auto capital = std::find_if(spec.vocabulary.begin(), spec.vocabulary.end(), [](const auto& entry) {
      return hasCapital(entry.first) && !isSpecialToken(entry.first);
    });
    const bool none = capital == spec.vocabulary.end();
    spec.lower = none ? TextSpec::Lower::Unicode : TextSpec::Lower::No;
    spec.assumed.push_back(none ? "text is lower-cased first: no token has a capital letter"
                                : "text is not lower-cased: the vocabulary has " + inQuotes(capital->first));
  }
  spec.oov = stated.oov;
  if (!stated.oovKnown) {
    spec.assumed.push_back(characters ? "characters outside the vocabulary are left out"
                                      : "words outside the vocabulary are left out");
  }
  if (!stated.oovTold.empty()) spec.assumed.push_back(std::move(stated.oovTold));
  if (!stated.pad) spec.assumed.push_back("id 0 fills the unused timesteps");
  for (std::string* told : {&stated.padTold, &stated.startTold}) {
    if (!told->empty()) spec.assumed.push_back(std::move(*told));
  }
  if (!stated.padding) spec.assumed.push_back("short texts are filled at the front (padding \"pre\")");
  if (!stated.truncating) spec.assumed.push_back("long texts are cut at the front (truncating \"pre\")");
  spec.pad = stated.pad.value_or(0);
  spec.start = stated.start;
  spec.padding = stated.padding.value_or(TextSpec::End::Pre);
  spec.truncating = stated.truncating.value_or(TextSpec::End::Pre);
  spec.assumed.push_back("the model is fed ids, not one-hot rows");
  spec.numWords = stated.numWords;
  if (!characters) {
    if (!stated.filters) {
      spec.assumed.push_back(
          "punctuation is removed and words are split at spaces, as Keras's Tokenizer does");
    }
    spec.filters = stated.filters.value_or(kKerasFilters);
    spec.splitAt = stated.splitAt;
    spec.split = stated.split;
  }
  return spec;
}

}  // namespace

std::string kindOf(const json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number()) return "the number " + value.dump();
  if (value.is_string()) return "the string " + inQuotes(value.get_ref<const std::string&>());
  return value.is_array() ? "a list" : "an object";
}

Vocabulary readVocabulary(const json& object, const std::string& where, std::vector<Problem>& problems) {
  Vocabulary vocabulary;
  if (!object.is_object()) {
    problems.push_back({"vocabulary-form", where, "an object {token: id}", kindOf(object), ""});
    return vocabulary;
  }
  if (object.empty()) problems.push_back({"vocabulary-empty", where, "at least one token", "none", ""});
  size_t wrong = 0;
  vocabulary.reserve(object.size());
  for (const auto& [token, id] : object.items()) {
    if (std::optional<Problem> problem = problemOfEntry(token, id, where)) {
      if (++wrong <= kMostListed) problems.push_back(*std::move(problem));
    } else {
      vocabulary.emplace_back(decodeUtf8(token), id.get<int32_t>());
    }
  }
  if (wrong > kMostListed) {
    problems.push_back({"vocabulary-id", where, "whole numbers as ids",
                        grouped(static_cast<int64_t>(wrong - kMostListed)) + " more entries that are not",
                        ""});
  }
  std::sort(vocabulary.begin(), vocabulary.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second < b.second : a.first < b.first;
  });
  return vocabulary;
}

void requireSingleCharacters(const Vocabulary& vocabulary, const std::string& where,
                             std::vector<Problem>& problems) {
  const auto isLong = [](const auto& entry) { return entry.first.size() != 1; };
  const auto first = std::find_if(vocabulary.begin(), vocabulary.end(), isLong);
  if (first == vocabulary.end()) return;
  const auto others = std::count_if(first, vocabulary.end(), isLong) - 1;
  std::string actual = std::to_string(first->first.size()) + " characters";
  if (others > 0)
    actual += ", and " + grouped(others) + (others == 1 ? " more token" : " more tokens") + " like it";
  problems.push_back(
      {"vocabulary-token", where + ": " + inQuotes(first->first), "tokens of one character (unit char)",
       std::move(actual),
       "Leave special tokens out: the ids of padding and unknown tokens are settings of their own."});
}

TextSpec parseVocabulary(std::string_view jsonText, std::string_view fileName) {
  const std::string where(fileName);
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (jsonText.substr(0, 2) == "\xFF\xFE" || jsonText.substr(0, 2) == "\xFE\xFF") {
    fail(where, "UTF-8 text", "UTF-16 text (as PowerShell's > writes)", "Save it again as UTF-8.");
  }
  if (jsonText.substr(0, kByteOrderMark.size()) == kByteOrderMark)
    jsonText.remove_prefix(kByteOrderMark.size());
  json content = parseStrictJson(jsonText, where, kDepth);
  if (content.is_string()) {
    const std::string inner = content.get<std::string>();
    if (inner.empty()) fail(where, kExpected, "an empty string");
    const size_t first = inner.find_first_not_of(" \t\n\r");
    if (first == std::string::npos || (inner[first] != '{' && inner[first] != '['))
      return complete(statedByCharset(decodeUtf8(inner), where), where);
    content = parseStrictJson(inner, where,
                              kDepth);  // json.dump(tokenizer.to_json()), as TensorFlow's tutorials do
  }
  if (content.is_array()) return complete(statedByList(content, where), where);
  if (!content.is_object()) fail(where, kExpected, kindOf(content));

  const auto className = content.find("class_name");
  const auto config = content.find("config");
  if (className != content.end() && *className == "Tokenizer") {
    return complete(fromTokenizer(config == content.end() ? json() : *config, where + ": config"), where);
  }
  if (config != content.end() && config->is_structured()) {
    const std::string name =
        className != content.end() && className->is_string() ? className->get<std::string>() : "None";
    fail(where, kExpected, "the configuration of a " + inQuotes(name),
         "An architecture is not a vocabulary.");
  }
  const auto vocabulary = content.find("vocabulary");
  if (vocabulary != content.end() && vocabulary->is_structured()) return parseTextSpec(content, where);

  if (isInverse(content)) return complete(statedByInverse(content, where), where);
  StatedText stated;
  stated.vocabulary = requireVocabulary(content, where);
  readSpecialTokens(stated);
  return complete(std::move(stated), where);
}

}  // namespace charglow
