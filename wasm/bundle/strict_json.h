#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "bundle/limits.h"

namespace charglow {

/// Parses JSON as RFC 8259 has it and not a byte more: strict UTF-8 without byte order mark or NUL, no
/// duplicate keys (nlohmann keeps the last one in silence), no comments, no NaN, no number beyond a double,
/// nothing after the value, and objects and arrays at most `maxDepth` deep. Works without recursion, whatever
/// the nesting.
///
/// `where` opens the messages. Throws Error with the codes "json-utf8", "json-syntax", "json-number",
/// "json-depth" and "json-duplicate-key", all with the offset of the byte at fault.
nlohmann::json parseStrictJson(std::string_view text, std::string_view where,
                               int maxDepth = limits::kHeaderDepth);

/// Receives a JSON text piece by piece, for texts whose tree would take many times their own size in memory.
/// Any of the functions may throw, which ends the reading. Keys are not checked for duplicates: call
/// duplicateKey().
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual void startObject() = 0;
  virtual void key(std::string& name) = 0;
  virtual void endObject() = 0;
  virtual void startArray() = 0;
  virtual void endArray() = 0;
  /// A string, number, boolean or null.
  virtual void value(nlohmann::json& scalar) = 0;

  /// Offset of the byte after the piece that is being told, to within a byte or two.
  size_t offset = 0;
};

/// Reads `text` with the strictness of parseStrictJson() and tells `events` what it holds.
void readStrictJson(std::string_view text, std::string_view where, int maxDepth, JsonEvents& events);

/// Throws "json-duplicate-key".
[[noreturn]] void duplicateKey(std::string_view where, std::string_view key, size_t offset);

/// A JSON value for messages: short ones as they are, long ones cut, arrays and objects by their size.
std::string describeJson(const nlohmann::json& value);

/// `value` as a whole number from 0 to `most`, where it is written as one: 3, but not 3.0, 3e0 or "3".
bool isWhole(const nlohmann::json& value, uint64_t most = limits::kWholeNumber);

}  // namespace charglow
