#pragma once

#include <string>

#include "bundle/raw_bundle.h"

namespace charglow {

/// The digest of a bundle's content (FORMAT.md section 4): "sha256:" and 64 lower-case hexadecimal digits.
/// The offsets of `raw.entries` must lie within `raw.payload`.
std::string contentDigest(const RawBundle& raw);

}  // namespace charglow
