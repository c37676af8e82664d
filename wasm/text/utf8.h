#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace charglow {

/// Offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms,
/// no surrogates, nothing above U+10FFFF); empty where all of `text` is well-formed.
std::optional<size_t> firstInvalidUtf8(std::string_view text);

/// Code points of `text`. A byte that is not part of well-formed UTF-8 becomes U+FFFD.
std::u32string decodeUtf8(std::string_view text);

/// UTF-8 of `text`. What is no Unicode scalar value (a surrogate, or above U+10FFFF) becomes U+FFFD.
std::string encodeUtf8(std::u32string_view text);

}  // namespace charglow
