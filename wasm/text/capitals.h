#pragma once

namespace charglow {

/// True for the code points that Python's str.lower() changes (Unicode 14, Python 3.11). Enough to see
/// whether a vocabulary tells capitals from small letters; lower-casing itself is the host's work.
bool isCapital(char32_t codePoint);

}  // namespace charglow
