#include "layers/recurrent/step_memory.h"

namespace charglow {

size_t StepMemory::begin(std::span<const float> rows, std::span<const uint8_t> kept, size_t features,
                         size_t states) {
  const size_t most = states == size_ ? std::min(steps_, kept.size()) : 0;
  size_t same = 0;
  while (same < most && kept[same] == kept_[same] &&
         std::memcmp(rows.data() + same * features, rows_.data() + same * features,
                     features * sizeof(float)) == 0)
    ++same;
  steps_ = same;  // until the run has come to its end
  size_ = states;
  rows_.assign(rows.begin(), rows.end());
  kept_.assign(kept.begin(), kept.end());
  states_.resize(kept.size() * states);
  return same;
}

/// FNV-1a, a float at a time.
uint64_t StepMemory::hash(const float* row, size_t features) {
  uint64_t value = 14695981039346656037u;
  for (size_t i = 0; i < features; ++i) {
    uint32_t bits = 0;
    std::memcpy(&bits, row + i, sizeof bits);
    value = (value ^ bits) * 1099511628211u;
  }
  return value;
}

}  // namespace charglow
