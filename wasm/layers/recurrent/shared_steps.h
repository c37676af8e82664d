#pragma once

#include <cstddef>
#include <vector>

namespace charglow {

/// Rows of a batch that were alike up to some step. They have the same states, so it is enough to compute one
/// of them: the padding in front of a thousand short texts is computed once, and texts that begin with the
/// same words are one text until they part.
class SharedSteps {
 public:
  /// Begins with rows that all start from the same states, or, where `alike` is false, each from its own.
  void begin(size_t rows, bool alike) {
    leader_.resize(rows);
    next_.resize(rows);
    for (size_t row = 0; row < rows; ++row) leader_[row] = alike ? 0 : row;
    leaders_ = alike && rows > 0 ? 1 : rows;
  }

  /// The first of the rows that were like this one so far: the one that is computed for all of them.
  [[nodiscard]] size_t leader(size_t row) const { return leader_[row]; }
  [[nodiscard]] bool leads(size_t row) const { return leader_[row] == row; }

  /// A step: same(a, b) says whether two rows have the same input there. Where rows part, part(from, to) is
  /// called for each new leader `to`, whose states are those of `from`, before the step.
  template <class Same, class Part>
  void step(Same same, Part part) {
    if (leaders_ == leader_.size()) return;
    next_.assign(next_.size(), kNone);
    for (size_t row = 0; row < leader_.size(); ++row) {
      // Those that led a part of its rows in this step, one after the other, from the old leader on.
      size_t candidate = leader_[row];
      while (!same(candidate, row)) {
        if (next_[candidate] == kNone) {
          next_[candidate] = row;
          part(leader_[row], row);
          ++leaders_;
        }
        candidate = next_[candidate];
      }
      leader_[row] = candidate;
    }
  }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  std::vector<size_t> leader_;
  std::vector<size_t> next_;
  size_t leaders_ = 0;
};

}  // namespace charglow
