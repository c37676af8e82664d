#include "bundle/strict_json.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "error.h"
#include "text/message.h"
#include "text/utf8.h"

namespace charglow {
namespace {

/// The bytes of a text for nlohmann's parser, telling how far it has read; its own callbacks do not say.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, size_t* read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*read_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  size_t* read_;
};

[[noreturn]] void fail(const char* code, std::string_view where, std::string_view expected,
                       std::string_view actual, std::string_view hint = {}) {
  throw Error(Problem{code, where, expected, actual, hint});
}

/// What stands before byte `offset`, for people who look for the place.
std::string placeBefore(std::string_view text, size_t offset) {
  if (offset == 0) return "at byte 0";
  constexpr size_t kContext = 24;
  size_t begin = offset > kContext ? offset - kContext : 0;
  while (begin < offset && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
    ++begin;  // not inside a character
  return "at byte " + std::to_string(offset) + ", after " + inQuotes(text.substr(begin, offset - begin));
}

/// Stands between nlohmann's parser and a JsonEvents: what it must not let through, and depth.
class Guard {
 public:
  using json = nlohmann::json;

  Guard(std::string_view text, std::string_view where, int maxDepth, JsonEvents& events, const size_t& read)
      : text_(text), where_(where), maxDepth_(maxDepth), events_(events), read_(read) {}

  bool null() { return tell(json(nullptr)); }
  bool boolean(bool value) { return tell(json(value)); }
  bool number_integer(json::number_integer_t value) { return tell(json(value)); }
  bool number_unsigned(json::number_unsigned_t value) { return tell(json(value)); }
  bool number_float(json::number_float_t value, const std::string&) { return tell(json(value)); }
  bool string(std::string& value) { return tell(json(std::move(value))); }
  bool binary(json::binary_t&) { return false; }  // not in JSON text
  bool start_object(size_t) {
    enter();
    events_.startObject();
    return true;
  }
  bool key(std::string& name) {
    events_.offset = read_;
    events_.key(name);
    return true;
  }
  bool end_object() {
    --depth_;
    events_.offset = read_;
    events_.endObject();
    return true;
  }
  bool start_array(size_t) {
    enter();
    events_.startArray();
    return true;
  }
  bool end_array() {
    --depth_;
    events_.offset = read_;
    events_.endArray();
    return true;
  }

  bool parse_error(size_t position, const std::string&, const json::exception& error) {
    // `position` counts the byte at fault, and the end of the text as one byte.
    const size_t offset = position == 0 ? 0 : position - 1;
    if (dynamic_cast<const json::out_of_range*>(&error) != nullptr) {
      fail("json-number", where_, "numbers a double can hold", "a number that is too large " + place(offset));
    }
    if (offset >= text_.size()) {
      fail("json-syntax", where_, "JSON", "its end too early, " + placeBefore(text_, text_.size()),
           "The file may be cut off.");
    }
    fail("json-syntax", where_, "JSON", "a syntax error " + place(offset));
  }

 private:
  bool tell(json scalar) {
    events_.offset = read_;
    events_.value(scalar);
    return true;
  }

  void enter() {
    events_.offset = read_;
    if (++depth_ > maxDepth_) {
      fail("json-depth", where_, "at most " + std::to_string(maxDepth_) + " levels of nesting",
           "more at byte " + std::to_string(read_));
    }
  }

  [[nodiscard]] std::string place(size_t offset) const {
    return placeBefore(text_, std::min(offset, text_.size()));
  }

  std::string_view text_;
  std::string_view where_;
  int maxDepth_;
  JsonEvents& events_;
  const size_t& read_;
  int depth_ = 0;
};

/// Builds the tree of a JSON text, refusing duplicate keys.
class TreeBuilder final : public JsonEvents {
 public:
  explicit TreeBuilder(std::string_view where) : where_(where) {}

  void startObject() override { open_.push_back(add(nlohmann::json::object())); }
  void startArray() override { open_.push_back(add(nlohmann::json::array())); }
  void endObject() override { open_.pop_back(); }
  void endArray() override { open_.pop_back(); }
  void key(std::string& name) override {
    if (open_.back()->contains(name)) duplicateKey(where_, name, offset);
    key_ = std::move(name);
  }
  void value(nlohmann::json& scalar) override { add(std::move(scalar)); }

  nlohmann::json take() { return std::move(root_); }

 private:
  /// Puts `value` where it belongs and returns its place there, which does not move while it is being filled:
  /// nothing is added to its parent before it is closed.
  nlohmann::json* add(nlohmann::json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    nlohmann::json& parent = *open_.back();
    if (parent.is_array()) return &parent.emplace_back(std::move(value));
    return &*parent.emplace(std::move(key_), std::move(value)).first;
  }

  std::string_view where_;
  nlohmann::json root_;
  std::vector<nlohmann::json*> open_;
  std::string key_;
};

}  // namespace

void readStrictJson(std::string_view text, std::string_view where, int maxDepth, JsonEvents& events) {
  // nlohmann's lexer skips a byte order mark, and takes a NUL for the end of the text whatever follows it.
  if (text.substr(0, 3) == "\xEF\xBB\xBF") {
    fail("json-utf8", where, "UTF-8 without byte order mark", "a byte order mark at byte 0");
  }
  if (const std::optional<size_t> invalid = firstInvalidUtf8(text)) {
    fail("json-utf8", where, "UTF-8 text", "a byte that is not UTF-8 " + placeBefore(text, *invalid));
  }
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    fail("json-utf8", where, "UTF-8 text without NUL", "a NUL " + placeBefore(text, nul));
  }
  size_t read = 0;
  Guard guard(text, where, maxDepth, events, read);
  const char* begin = text.data();
  nlohmann::json::sax_parse(CountingIterator(begin, &read), CountingIterator(begin + text.size(), &read),
                            &guard);
}

nlohmann::json parseStrictJson(std::string_view text, std::string_view where, int maxDepth) {
  TreeBuilder builder(where);
  readStrictJson(text, where, maxDepth, builder);
  return builder.take();
}

void duplicateKey(std::string_view where, std::string_view key, size_t offset) {
  fail("json-duplicate-key", where, "every key once",
       inQuotes(key) + " again before byte " + std::to_string(offset));
}

std::string describeJson(const nlohmann::json& value) {
  const auto counted = [&](const char* what) {
    return "an " + std::string(what) + " of " + std::to_string(value.size());
  };
  if (value.is_array()) return counted("array");
  if (value.is_object()) return counted("object");
  if (value.is_string()) return inQuotes(value.get_ref<const std::string&>());
  return value.dump();
}

bool isWhole(const nlohmann::json& value, uint64_t most) {
  // nlohmann holds what a program gives it as an int in another type than what it parses.
  if (value.is_number_unsigned()) return value.get<uint64_t>() <= most;
  return value.is_number_integer() && value.get<int64_t>() >= 0 && value.get<uint64_t>() <= most;
}

}  // namespace charglow
