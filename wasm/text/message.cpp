#include "text/message.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>

#include "text/utf8.h"

namespace charglow {
namespace {

constexpr size_t kMostShown = 120;

/// Characters that show nothing, or reorder what stands around them (CVE-2021-42574): those that Python's
/// str.isprintable() rejects, unassigned ones excepted.
bool needsEscape(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  constexpr std::array<Range, 23> kRanges{
      {{0x00, 0x1F},       {0x7F, 0xA0},       {0xAD, 0xAD},       {0x0600, 0x0605},   {0x061C, 0x061C},
       {0x06DD, 0x06DD},   {0x070F, 0x070F},   {0x0890, 0x0891},   {0x08E2, 0x08E2},   {0x1680, 0x1680},
       {0x180E, 0x180E},   {0x2000, 0x200F},   {0x2028, 0x202F},   {0x205F, 0x206F},   {0x3000, 0x3000},
       {0xD800, 0xF8FF},   {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD},
       {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0x10FFFF}}};
  return std::any_of(kRanges.begin(), kRanges.end(), [&](Range r) { return c >= r.first && c <= r.last; });
}

/// As Python's "unicode_escape" codec writes it.
std::string escaped(char32_t c) {
  if (c == '\t') return "\\t";
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  constexpr char kHex[] = "0123456789abcdef";
  const size_t digits = c <= 0xFF ? 2 : c <= 0xFFFF ? 4 : 8;
  std::string out = digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
  for (size_t i = digits; i-- > 0;) out += kHex[(c >> (4 * i)) & 15];
  return out;
}

std::string shownCodePoints(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text.substr(0, kMostShown)) {
    out += needsEscape(c) ? escaped(c) : encodeUtf8(std::u32string_view(&c, 1));
  }
  if (text.size() > kMostShown) out += "…";
  return out;
}

/// The beginning of `text`, as far as it can be shown and one character more; a name in a file may be
/// megabytes long.
std::u32string beginning(std::string_view text) { return decodeUtf8(text.substr(0, 4 * (kMostShown + 1))); }

std::string quotedWithLength(std::u32string_view start, size_t length) {
  std::string out = '"' + shownCodePoints(start) + '"';
  if (length > kMostShown) out += " (" + grouped(static_cast<int64_t>(length)) + " characters)";
  return out;
}

}  // namespace

std::string shown(std::string_view text) { return shownCodePoints(beginning(text)); }

std::string inQuotes(std::string_view text) {
  const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return quotedWithLength(beginning(text),
                          static_cast<size_t>(std::count_if(text.begin(), text.end(), starts)));
}

std::string inQuotes(std::u32string_view text) { return quotedWithLength(text, text.size()); }

std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t end = digits.size(); end > first + 3;) {
    end -= 3;
    digits.insert(end, 1, ',');
  }
  return digits;
}

std::string shownNumber(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", number);
  return text.data();
}

}  // namespace charglow
