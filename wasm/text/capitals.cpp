#include "text/capitals.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace charglow {
namespace {

/// Every `step`-th code point from `first` to `last`: many scripts have capitals and small letters by turns.
struct Run {
  char32_t first, last;
  uint32_t step;
};

constexpr Run kRuns[] = {
#include "text/capitals.inc"
};

}  // namespace

bool isCapital(char32_t codePoint) {
  const Run* after = std::upper_bound(std::begin(kRuns), std::end(kRuns), codePoint,
                                      [](char32_t c, const Run& run) { return c < run.first; });
  if (after == std::begin(kRuns)) return false;
  const Run& run = after[-1];
  return codePoint <= run.last && (codePoint - run.first) % run.step == 0;
}

}  // namespace charglow
