#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "bundle/bundle.h"

// Loops over every byte of a file: in WebAssembly built for speed, unlike the rest of what reads.
namespace charglow {

/// `count` bytes, all 0.
std::vector<std::byte> zeroBytes(size_t count);

/// Index of the first element that is NaN or infinite; empty where all are finite.
std::optional<size_t> firstNotFinite(std::span<const std::byte> bytes, DType dtype);

}  // namespace charglow
