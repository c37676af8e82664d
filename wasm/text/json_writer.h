#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace charglow {

/// Writes JSON piece by piece, in the order of the calls, with the commas where they belong. For texts that
/// are only written: a tree to write from would cost many times their size, in code as in memory.
///
///     json.beginObject().key("name").string(name).key("size").number(3).endObject();
class JsonWriter {
 public:
  JsonWriter& beginObject() { return begin('{'); }
  JsonWriter& endObject() { return end('}'); }
  JsonWriter& beginArray() { return begin('['); }
  JsonWriter& endArray() { return end(']'); }
  /// The next value's key; not escaped.
  JsonWriter& key(const char* name);
  /// Bytes that are not UTF-8 become U+FFFD.
  JsonWriter& string(std::string_view text);
  JsonWriter& number(int64_t value) { return json(std::to_string(value)); }
  JsonWriter& boolean(bool value) { return json(value ? "true" : "false"); }
  JsonWriter& null() { return json("null"); }
  /// A value that is JSON already.
  JsonWriter& json(std::string_view text);

  /// All of it, once everything is closed.
  std::string take() { return std::move(text_); }

 private:
  JsonWriter& begin(char bracket);
  JsonWriter& end(char bracket);
  /// A comma, where something stands before what comes now.
  void separate();

  std::string text_;
};

}  // namespace charglow
