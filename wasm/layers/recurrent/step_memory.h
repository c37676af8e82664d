#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "kernels/float4.h"

namespace charglow {

/// What a recurrent layer remembers of its last run over one text, so that the next computes less: an edit
/// leaves most of a text's steps as they were.
///
/// - The states after a step depend on the inputs of the steps that were computed up to there, and on nothing
///   else: masked steps leave them alone. So the first steps whose inputs are those of the last run, masked
///   ones not counted, have the same states as then, however far padding has moved them.
/// - Steps with equal inputs, wherever they are, have the same product with the kernel: behind an Embedding
///   that is a row for each token that was ever met.
///
/// Both are looked up by the inputs' bits, so whatever is reused is bit for bit what would be computed.
class StepMemory {
 public:
  /// Floats of steps that are kept at most.
  static constexpr size_t kMost = size_t{1} << 24;
  /// Floats of products that are kept at most, 4 MB: enough for the characters of any text. Behind another
  /// recurrent layer no row is ever met again, and more would only fill up.
  static constexpr size_t kMostProducts = size_t{1} << 20;

  /// Begins a run over rows (kept.size(), features), of which those with kept[s] == 0 are masked; all in the
  /// order in which they are computed. `states`: floats to keep after each step. Returns how many steps,
  /// masked ones not counted, have states that are known.
  size_t begin(std::span<const float> rows, std::span<const uint8_t> kept, size_t features, size_t states);
  /// What was kept after a step; masked ones are not counted.
  [[nodiscard]] std::span<float> after(size_t step) {
    return std::span<float>(states_).subspan(step * size_, size_);
  }
  /// What `begin` would answer, of a run that is not begun.
  [[nodiscard]] size_t recall(std::span<const float> rows, std::span<const uint8_t> kept, size_t features,
                              size_t states) const;
  /// All steps of the run were kept.
  void end() { known_ = running_; }

  /// Beside its states, `size` floats of any step of this run can be kept from now on: its trace.
  void makeRoomForTraces(size_t size) {
    traceSize_ = size;
    traces_.resize(std::max(traces_.size(), running_ * size));
  }
  /// How many of the first steps whose states are known have traces that are.
  [[nodiscard]] size_t traced() const { return traced_; }
  /// Where the trace of a step goes; those of the steps after it follow.
  [[nodiscard]] std::span<float> trace(size_t step) { return std::span(traces_).subspan(step * traceSize_); }
  /// `count` steps from `step` on were traced. They count once all before them are.
  void endTraces(size_t step, size_t count) {
    if (step == traced_) traced_ = step + count;
  }

  /// The product of a row with the kernel, `size` floats; `compute` writes it where it is not known.
  template <class Compute>
  void product(const float* row, size_t features, size_t size, float* to, Compute compute);

 private:
  [[nodiscard]] static uint64_t hash(const float* row, size_t features);

  size_t known_ = 0;    ///< steps of the last run that came to its end
  size_t running_ = 0;  ///< steps of this one
  size_t size_ = 0;
  std::vector<float> rows_;  ///< of these steps
  std::vector<float> states_;
  size_t traced_ = 0;
  size_t traceSize_ = 0;
  std::vector<float> traces_;
  std::unordered_map<uint64_t, size_t> place_;  ///< of a row's product, by the row's hash
  std::vector<float> products_;                 ///< rows with their products
};

template <class Compute>
void StepMemory::product(const float* row, size_t features, size_t size, float* to, Compute compute) {
  const size_t entry = features + size;
  const uint64_t key = hash(row, features);
  const auto found = place_.find(key);
  if (found != place_.end()) {
    const float* known = products_.data() + found->second;
    if (sameBits(row, known, features)) {
      std::copy_n(known + features, size, to);
      return;
    }
  }
  compute(row, to);
  if (found != place_.end() || products_.size() + entry > kMostProducts) return;
  place_.emplace(key, products_.size());
  products_.insert(products_.end(), row, row + features);
  products_.insert(products_.end(), to, to + size);
}

}  // namespace charglow
