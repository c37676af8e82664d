#include "bundle/digest.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "bundle/sha256.h"

namespace charglow {
namespace {

/// FORMAT.md's L(b): the length of `b` as 8 bytes little-endian, then `b`.
void updateWithLength(Sha256& sha, std::span<const std::byte> bytes) {
  std::array<std::byte, 8> length{};
  for (size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<std::byte>((static_cast<uint64_t>(bytes.size()) >> (8 * i)) & 0xFF);
  }
  sha.update(length);
  sha.update(bytes);
}

void updateWithLength(Sha256& sha, std::string_view text) {
  updateWithLength(sha, std::as_bytes(std::span(text.data(), text.size())));
}

/// "[2,3]"
std::string jsonShape(std::span<const int64_t> shape) {
  std::string text = "[";
  for (const int64_t dimension : shape) {
    if (text.size() > 1) text += ',';
    text += std::to_string(dimension);
  }
  return text + "]";
}

}  // namespace

std::string contentDigest(const RawBundle& raw) {
  Sha256 sha;
  for (const auto& [key, value] : raw.metadata) {  // std::map: ascending byte order
    if (key == "digest") continue;
    updateWithLength(sha, key);
    updateWithLength(sha, value);
  }
  std::vector<const TensorEntry*> byName;
  for (const TensorEntry& entry : raw.entries) byName.push_back(&entry);
  std::sort(byName.begin(), byName.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  for (const TensorEntry* entry : byName) {
    updateWithLength(sha, entry->name);
    updateWithLength(sha, dtypeName(entry->dtype));
    updateWithLength(sha, jsonShape(entry->shape));
    updateWithLength(sha, raw.payload.subspan(static_cast<size_t>(entry->begin),
                                              static_cast<size_t>(entry->end - entry->begin)));
  }
  return "sha256:" + sha.finish();
}

}  // namespace charglow
