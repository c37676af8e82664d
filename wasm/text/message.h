#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// How messages show what comes from a file: the same as scripts/charglow_convert/errors.py.
namespace charglow {

/// `text` (UTF-8) with everything escaped that could hide, or move what stands around it, and cut after 120
/// characters, so that a name can neither flood nor forge a message.
std::string shown(std::string_view text);

/// shown() in double quotes, followed by the number of characters where it was cut.
std::string inQuotes(std::string_view text);
std::string inQuotes(std::u32string_view text);

/// "1,234,567"
std::string grouped(int64_t number);

/// At most six significant digits: "0.1", "1e+39".
std::string shownNumber(double number);

}  // namespace charglow
