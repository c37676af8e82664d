#pragma once

#include <cstddef>
#include <cstdint>

/// What a bundle may not exceed. All of them are MUSTs of scripts/FORMAT.md but where said otherwise.
namespace charglow::limits {

inline constexpr uint64_t kHeaderBytes = uint64_t{16} << 20;  ///< header of the binary form
inline constexpr int kHeaderDepth = 16;  ///< nesting of the header, and of the JSON in metadata
inline constexpr size_t kRank = 8;       ///< dimensions of a tensor
inline constexpr uint64_t kDimension = (uint64_t{1} << 31) - 1;
inline constexpr uint64_t kWholeNumber = (uint64_t{1} << 53) - 1;  ///< what every JSON reader reads exactly

/// Nesting of `model_config`. Not of the format: models hold models, and a wrapper adds six levels.
inline constexpr int kConfigDepth = 200;
/// Number of metadata keys that are read before the unknown ones are named. Not of the format: it knows
/// fifteen.
inline constexpr size_t kMetadataKeys = 64;

/// Shortest binary bundle: the length, and the shortest header padded to a multiple of 8.
inline constexpr size_t kShortestFile = 16;
/// Bytes of the header's length.
inline constexpr size_t kLengthBytes = 8;

}  // namespace charglow::limits
