#include "text/stated_text.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "text/message.h"
#include "text/utf8.h"

namespace charglow {
namespace {

using nlohmann::json;

constexpr int64_t kLargestId = std::numeric_limits<int32_t>::max();

/// What TextVectorization leaves out: DEFAULT_STRIP_REGEX of
/// keras/layers/preprocessing/text_vectorization.py.
constexpr char32_t kPunctuation[] = U"!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'";

enum class Role { None, Pad, Unknown, Start };

/// Tokens that stand for no text of their own, by what they are called between brackets. Those without a role
/// here (ends, separators, masks) are of no use to a reader of single texts.
constexpr std::array<std::pair<std::string_view, Role>, 10> kRoles = {{{"pad", Role::Pad},
                                                                       {"padding", Role::Pad},
                                                                       {"unk", Role::Unknown},
                                                                       {"unknown", Role::Unknown},
                                                                       {"oov", Role::Unknown},
                                                                       {"s", Role::Start},
                                                                       {"start", Role::Start},
                                                                       {"sos", Role::Start},
                                                                       {"bos", Role::Start},
                                                                       {"go", Role::Start}}};

[[noreturn]] void fail(std::string_view where, std::string_view expected, std::string_view actual,
                       std::string_view hint = {}) {
  throw Error(Problem{"vocabulary-form", where, expected, actual, hint});
}

bool isBare(std::u32string_view token) { return token == U"PAD" || token == U"UNK" || token == U"OOV"; }

Role roleOf(std::u32string_view token) {
  if (!isBare(token)) token = token.substr(1, token.size() - 2);
  std::string name;
  for (const char32_t c : token) {
    if (c > 0x7F) return Role::None;
    name += static_cast<char>(c >= U'A' && c <= U'Z' ? c - U'A' + U'a' : c);
  }
  const auto* found =
      std::find_if(kRoles.begin(), kRoles.end(), [&](const auto& role) { return role.first == name; });
  return found == kRoles.end() ? Role::None : found->second;
}

/// {token: id} of ids and tokens. An empty token with id 0 is no token but the padding.
Vocabulary byId(std::vector<std::pair<int64_t, std::string>> entries, const std::string& where) {
  std::sort(entries.begin(), entries.end());
  std::map<std::string_view, int64_t> ids;
  Vocabulary vocabulary;
  for (const auto& [id, token] : entries) {
    const std::string at = where + ": " + inQuotes(token);
    if (id > kLargestId)
      fail(at, "an id from 0 to " + grouped(kLargestId), "the number " + std::to_string(id));
    if (token.empty() && id == 0) continue;
    if (token.empty())
      fail(at, "a token", "an empty string", "Leave it out; the padding's id is a setting of its own.");
    const auto [known, isNew] = ids.emplace(token, id);
    if (!isNew) fail(at, "every token once", "ids " + grouped(known->second) + " and " + grouped(id));
    vocabulary.emplace_back(decodeUtf8(token), static_cast<int32_t>(id));
  }
  if (vocabulary.empty()) fail(where, "at least one token", "none");
  return vocabulary;
}

}  // namespace

bool isSpecialToken(std::u32string_view token) {
  if (isBare(token)) return true;
  if (token.size() < 3) return false;
  return (token.front() == U'<' && token.back() == U'>') || (token.front() == U'[' && token.back() == U']');
}

StatedText statedByCharset(std::u32string_view charset, const std::string& where) {
  StatedText stated;
  stated.unit = TextSpec::Unit::Char;
  std::set<char32_t> seen;
  for (const char32_t character : charset) {
    const std::u32string token(1, character);
    if (!seen.insert(character).second)
      fail(where, "every character once", inQuotes(token) + " twice",
           "A {character: id} JSON says which id it has.");
    stated.vocabulary.emplace_back(token, static_cast<int32_t>(seen.size()));
  }
  stated.assumed.push_back("the first character, " + inQuotes(stated.vocabulary[0].first) + ", has id 1");
  return stated;
}

StatedText statedByList(const json& tokens, const std::string& where) {
  std::vector<std::pair<int64_t, std::string>> entries;
  for (const json& token : tokens) {
    const auto index = static_cast<int64_t>(entries.size());
    if (!token.is_string()) fail(where + ": item " + std::to_string(index), "a token", kindOf(token));
    entries.emplace_back(index, token.get<std::string>());
  }
  const bool vectorization = entries.size() > 1 && entries[0].second.empty() && entries[1].second == "[UNK]";
  StatedText stated;
  stated.vocabulary = byId(std::move(entries), where);
  if (!vectorization) {
    stated.assumed.emplace_back("ids count from 0, in the order of the list");
    readSpecialTokens(stated);
    return stated;
  }
  stated.vocabulary.erase(stated.vocabulary.begin());
  if (stated.vocabulary.empty()) fail(where, "at least one token", "none");
  stated.lower = TextSpec::Lower::Ascii;
  stated.strip = kPunctuation;
  stated.filters = U"";
  stated.splitAt = TextSpec::Split::WhiteSpace;
  stated.split.clear();
  stated.oovKnown = true;
  stated.oov = 1;
  stated.pad = 0;
  stated.padding = stated.truncating = TextSpec::End::Post;
  stated.assumed.emplace_back(
      "the list is that of a TextVectorization layer: text is read as this layer does where nobody says "
      "otherwise");
  return stated;
}

bool isInverse(const json& object) {
  const auto isEntry = [](const auto& entry) {
    const std::string& key = entry.first;
    return !key.empty() && key.find_first_not_of("0123456789") == std::string::npos &&
           entry.second.is_string();
  };
  const auto& entries = object.get_ref<const json::object_t&>();
  return !entries.empty() && std::all_of(entries.begin(), entries.end(), isEntry);
}

StatedText statedByInverse(const json& object, const std::string& where) {
  std::vector<std::pair<int64_t, std::string>> entries;
  for (const auto& [key, token] : object.items()) {
    const size_t digits = std::min(key.find_first_not_of('0'), key.size() - 1);
    if (key.size() - digits > 18) {
      fail(where + ": " + inQuotes(token.get<std::string>()), "an id from 0 to " + grouped(kLargestId),
           "the number " + key.substr(digits));
    }
    entries.emplace_back(std::stoll(key.substr(digits)), token.get<std::string>());
  }
  StatedText stated;
  stated.vocabulary = byId(std::move(entries), where);
  readSpecialTokens(stated);
  return stated;
}

void readSpecialTokens(StatedText& stated) {
  Vocabulary special;
  Vocabulary others;
  for (const auto& entry : stated.vocabulary)
    (isSpecialToken(entry.first) ? special : others).push_back(entry);
  if (special.empty() || others.empty()) return;
  const bool characters =
      std::all_of(others.begin(), others.end(), [](const auto& entry) { return entry.first.size() == 1; });
  if (characters) stated.vocabulary = std::move(others);
  for (const auto& [token, id] : special) {
    const std::string named = inQuotes(token) + " (id " + grouped(id) + ")";
    const Role role = roleOf(token);
    if (role == Role::Pad && !stated.pad) {
      stated.pad = id;
      stated.padTold = named + " fills the unused timesteps";
    } else if (role == Role::Unknown && !stated.oovKnown) {
      stated.oovKnown = true;
      stated.oov = id;
      stated.oovTold = named + " stands for unknown tokens";
    } else if (role == Role::Start && !stated.start) {
      stated.start = id;
      stated.startTold = "every text begins with " + named;
    }
  }
}

}  // namespace charglow
