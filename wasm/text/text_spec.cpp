#include "text/text_spec.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "bundle/strict_json.h"
#include "error.h"
#include "text/capitals.h"
#include "text/message.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace charglow {
namespace {

using nlohmann::json;

constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();

constexpr std::array<std::string_view, 15> kKeys{"unit",    "vocabulary", "num_words", "lower",   "strip",
                                                 "filters", "split",      "oov",       "pad",     "start",
                                                 "padding", "truncating", "length",    "one_hot", "assumed"};

/// Reads the members of a `text` object, each with its default, and gathers what is wrong.
class Reader {
 public:
  Reader(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

  std::vector<Problem>& problems() { return problems_; }
  [[nodiscard]] std::string place(const char* key) const { return where_ + ": " + key; }

  /// The member, or null where it is absent.
  [[nodiscard]] const json& member(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? absent_ : *found;
  }
  [[nodiscard]] bool has(const char* key) const { return object_.contains(key); }

  void refuse(const char* key, std::string_view expected) {
    problems_.push_back({"text-field", place(key), expected, kindOf(member(key)), ""});
  }

  bool boolean(const char* key, bool absent) {
    if (!has(key)) return absent;
    if (member(key).is_boolean()) return member(key).get<bool>();
    refuse(key, "true or false");
    return absent;
  }

  std::u32string text(const char* key, std::u32string absent) {
    if (!has(key)) return absent;
    if (member(key).is_string()) return decodeUtf8(member(key).get_ref<const std::string&>());
    refuse(key, "a string");
    return absent;
  }

  /// True where the member is `yes`, false where it is `no`.
  bool choice(const char* key, const char* yes, const char* no, bool absent) {
    if (!has(key)) return absent;
    if (member(key) == yes) return true;
    if (member(key) == no) return false;
    refuse(key, inQuotes(yes) + " or " + inQuotes(no));
    return absent;
  }

  /// A whole number from `least`, or nothing where the member is absent or `none`.
  std::optional<int32_t> whole(const char* key, int32_t least, const json& none) {
    const json& value = member(key);
    if (!has(key) || value == none) return std::nullopt;
    if (isWhole(value, static_cast<uint64_t>(kLargest)) && value.get<int32_t>() >= least)
      return value.get<int32_t>();
    refuse(key, "a whole number from " + std::to_string(least) + " to " + grouped(kLargest) +
                    (none.is_null() ? " or null" : " or " + none.dump()));
    return std::nullopt;
  }

 private:
  const json& object_;
  const json absent_;
  std::string where_;
  std::vector<Problem> problems_;
};

TextSpec::Lower readLower(Reader& reader) {
  const json& lower = reader.member("lower");
  if (lower == "ascii") return TextSpec::Lower::Ascii;
  if (lower.is_boolean() || !reader.has("lower")) {
    return reader.boolean("lower", true) ? TextSpec::Lower::Unicode : TextSpec::Lower::No;
  }
  reader.refuse("lower", "true, false or \"ascii\"");
  return TextSpec::Lower::No;
}

/// How words are told apart: `filters` and `split`, which say nothing at unit char but must be right all the
/// same.
void readWords(Reader& reader, TextSpec& spec) {
  spec.filters = reader.text("filters", kKerasFilters);
  const json& split = reader.member("split");
  if (!reader.has("split") || (split.is_string() && split != "")) {
    spec.split = reader.text("split", U" ");
  } else if (split.is_null()) {
    spec.splitAt = TextSpec::Split::WhiteSpace;
  } else if (split == false) {
    spec.splitAt = TextSpec::Split::Nowhere;
  } else {
    reader.refuse("split", "a separator, null (white space) or false (nowhere)");
  }
}

std::vector<std::string> readAssumed(Reader& reader) {
  std::vector<std::string> assumed;
  const json& list = reader.member("assumed");
  const bool strings =
      list.is_array() && std::all_of(list.begin(), list.end(), [](const json& s) { return s.is_string(); });
  if (strings) {
    for (const json& sentence : list) assumed.push_back(sentence.get<std::string>());
  } else if (reader.has("assumed")) {
    reader.refuse("assumed", "an array of strings");
  }
  return assumed;
}

}  // namespace

TextSpec parseTextSpec(const json& object, std::string_view where) {
  const std::string place(where);
  if (!object.is_object()) throw Error(Problem{"text-field", place, "an object", kindOf(object), ""});
  Reader reader(object, place);
  std::vector<Problem>& problems = reader.problems();
  for (const auto& [key, value] : object.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      problems.push_back({"text-unknown", place, "keys of the text encoding (FORMAT.md section 5)",
                          inQuotes(key), "A newer charglow may have written it: update this one."});
    }
  }

  TextSpec spec;
  spec.unit = reader.choice("unit", "char", "word", true) ? TextSpec::Unit::Char : TextSpec::Unit::Word;
  if (reader.has("vocabulary")) {
    spec.vocabulary = readVocabulary(reader.member("vocabulary"), reader.place("vocabulary"), problems);
  } else {
    problems.push_back({"text-missing", place, "\"vocabulary\"", "none", ""});
  }
  spec.numWords = reader.whole("num_words", 1, json());
  spec.lower = readLower(reader);
  spec.strip = reader.text("strip", U"");
  if (spec.unit == TextSpec::Unit::Word) {
    readWords(reader, spec);
  } else {
    TextSpec unused;
    readWords(reader, unused);
    requireSingleCharacters(spec.vocabulary, reader.place("vocabulary"), problems);
  }
  spec.oov = reader.whole("oov", 0, "drop");
  if (reader.has("pad")) {
    if (isWhole(reader.member("pad"), static_cast<uint64_t>(kLargest))) {
      spec.pad = reader.member("pad").get<int32_t>();
    } else {
      reader.refuse("pad", "a whole number from 0 to " + grouped(kLargest));
    }
  }
  spec.start = reader.whole("start", 0, json());
  spec.padding = reader.choice("padding", "pre", "post", true) ? TextSpec::End::Pre : TextSpec::End::Post;
  spec.truncating =
      reader.choice("truncating", "pre", "post", true) ? TextSpec::End::Pre : TextSpec::End::Post;
  spec.length = reader.whole("length", 1, json());
  spec.oneHot = reader.boolean("one_hot", false);
  spec.assumed = readAssumed(reader);
  if (!problems.empty()) throw Error(std::move(problems));
  return spec;
}

std::string textObject(const TextSpec& spec) {
  using Json = nlohmann::ordered_json;
  const auto end = [](TextSpec::End which) { return which == TextSpec::End::Pre ? "pre" : "post"; };
  const auto orNull = [](const std::optional<int32_t>& number) { return number ? Json(*number) : Json(); };
  const bool words = spec.unit == TextSpec::Unit::Word;
  // Appended, not looked up: ordered objects search through all their keys.
  Json::object_t vocabulary;
  for (const auto& [token, id] : spec.vocabulary) vocabulary.emplace_back(encodeUtf8(token), id);
  Json text = {{"unit", words ? "word" : "char"}};
  text["vocabulary"] = std::move(vocabulary);
  text["num_words"] = orNull(spec.numWords);
  text["lower"] =
      spec.lower == TextSpec::Lower::Ascii ? Json("ascii") : Json(spec.lower != TextSpec::Lower::No);
  if (!spec.strip.empty()) text["strip"] = encodeUtf8(spec.strip);
  if (words) {
    text["filters"] = encodeUtf8(spec.filters);
    text["split"] = spec.splitAt == TextSpec::Split::Separator ? Json(encodeUtf8(spec.split))
                    : spec.splitAt == TextSpec::Split::Nowhere ? Json(false)
                                                               : Json();
  }
  text["oov"] = spec.oov ? Json(*spec.oov) : Json("drop");
  text["pad"] = spec.pad;
  if (spec.start) text["start"] = *spec.start;
  text["padding"] = end(spec.padding);
  text["truncating"] = end(spec.truncating);
  text["length"] = orNull(spec.length);
  text["one_hot"] = spec.oneHot;
  text["assumed"] = spec.assumed;
  return text.dump();
}

void checkIds(const TextSpec& spec, int64_t rows, std::string_view where) {
  const std::string place(where);
  const std::string expected =
      "ids below " + grouped(rows) +
      (spec.oneHot ? ", the width of the one-hot input" : ", the rows of the embedding");
  std::vector<Problem> problems;
  const auto check = [&](const std::string& at, const std::string& what, int32_t id,
                         const std::string& hint) {
    if (id >= rows)
      problems.push_back({"id-out-of-range", place + ": " + at, expected, what + grouped(id), hint});
  };

  int64_t largest = -1;  // of the ids that are used
  for (const auto& [token, id] : spec.vocabulary) {
    if (spec.uses(id)) largest = std::max<int64_t>(largest, id);
  }
  const std::string hint = largest == rows ? "The vocabulary needs " + grouped(largest + 1) +
                                                 " rows: was the embedding made without the one for id 0?"
                                           : "The vocabulary needs " + grouped(largest + 1) +
                                                 " rows: does it belong to another model?";
  for (const auto& [token, id] : spec.vocabulary) {
    if (!spec.uses(id) || id < rows) continue;
    check("vocabulary", inQuotes(token) + " with id ", id, hint);
    break;
  }
  if (spec.oov) check("oov", "id ", *spec.oov, "");
  check("pad", "id ", spec.pad, "");
  if (spec.start) check("start", "id ", *spec.start, "");
  if (!problems.empty()) throw Error(std::move(problems));
}

std::vector<std::string> notesOn(const TextSpec& spec) {
  std::vector<std::string> notes;
  // Neighbours in the vocabulary, which is sorted by id.
  size_t shared = 0;
  std::string example;
  for (size_t i = 1; i < spec.vocabulary.size(); ++i) {
    const auto& [token, id] = spec.vocabulary[i];
    const auto& [before, idBefore] = spec.vocabulary[i - 1];
    if (id != idBefore || !spec.uses(id)) continue;
    if (++shared == 1) example = inQuotes(before) + " and " + inQuotes(token) + " share id " + grouped(id);
  }
  if (shared > 0) {
    notes.push_back(
        example +
        (shared == 1 ? "" : ", and " + grouped(static_cast<int64_t>(shared - 1)) + " more do likewise") +
        ": the model cannot tell them apart");
  }
  for (const auto& [token, id] : spec.vocabulary) {
    if (id != spec.pad || !spec.uses(id)) continue;
    notes.push_back("padding has id " + grouped(id) + ", which is also " + inQuotes(token) +
                    ": the model cannot tell them apart");
    break;
  }
  const auto isLowered = [&](char32_t c) {
    return spec.lower == TextSpec::Lower::Ascii ? c >= U'A' && c <= U'Z' : isCapital(c);
  };
  if (spec.lower != TextSpec::Lower::No) {
    for (const auto& [token, id] : spec.vocabulary) {
      if (id == spec.oov || std::none_of(token.begin(), token.end(), isLowered)) continue;
      notes.push_back("text is lower-cased, so " + inQuotes(token) +
                      " in the vocabulary, which has a capital letter, is never met");
      break;
    }
  }
  return notes;
}

}  // namespace charglow
