#include "layers/recurrent/step_memory.h"

namespace charglow {

size_t StepMemory::begin(std::span<const float> rows, std::span<const uint8_t> kept, size_t features,
                         size_t states) {
  if (states != size_) known_ = 0;
  size_ = states;
  rows_.resize(std::max(rows_.size(), rows.size()));
  bool same = true;
  size_t reused = 0;
  running_ = 0;
  for (size_t s = 0; s < kept.size(); ++s) {
    if (kept[s] == 0) continue;
    const float* row = rows.data() + s * features;
    float* known = rows_.data() + running_ * features;
    same = same && running_ < known_ && sameBits(row, known, features);
    if (same) {
      ++reused;
    } else {
      std::copy_n(row, features, known);
    }
    ++running_;
  }
  known_ = reused;  // until the run has come to its end
  traced_ = std::min(traced_, reused);
  states_.resize(std::max(states_.size(), running_ * states));
  return reused;
}

size_t StepMemory::recall(std::span<const float> rows, std::span<const uint8_t> kept, size_t features,
                          size_t states) const {
  if (states != size_) return 0;
  size_t reused = 0;
  for (size_t s = 0; s < kept.size() && reused < known_; ++s) {
    if (kept[s] == 0) continue;
    if (!sameBits(rows.data() + s * features, rows_.data() + reused * features, features)) break;
    ++reused;
  }
  return reused;
}

/// FNV-1a on four lanes, a float at a time each.
uint64_t StepMemory::hash(const float* row, size_t features) {
  Bits4 lanes = {2166136261u, 2166136262u, 2166136263u, 2166136264u};
  for (size_t i = 0; i < features; i += 4)
    lanes = (lanes ^ reinterpret_cast<Bits4>(loadUpTo(row + i, features - i))) * 16777619u;
  uint64_t value = 14695981039346656037u;
  for (int lane = 0; lane < 4; ++lane) value = (value ^ lanes[lane]) * 1099511628211u;
  return value;
}

}  // namespace charglow
