#include "layers/match_axes.h"

#include <algorithm>
#include <iterator>

namespace charglow {
namespace {

/// Number of elements along the axes whose size is known, the batch left out.
int known(const Shape& shape) {
  Shape sizes;
  std::copy_if(shape.begin() + 1, shape.end(), std::back_inserter(sizes),
               [](const Dim& dim) { return dim.known(); });
  return elementCount(sizes);
}

}  // namespace

std::vector<std::optional<size_t>> matchAxes(const Shape& input, const Shape& output) {
  const auto wide = [](const Shape& shape) {
    std::vector<size_t> axes;
    for (size_t i = 1; i < shape.size(); ++i) {
      if (shape[i].size != 1) axes.push_back(i);
    }
    return axes;
  };
  const std::vector<size_t> from = wide(input);
  const std::vector<size_t> to = wide(output);
  // A size that is not known agrees with another where it is the only one and the others make up the same.
  const auto unknown = [](const Shape& shape, const std::vector<size_t>& axes) {
    return std::count_if(axes.begin(), axes.end(), [&](size_t axis) { return !shape[axis].known(); });
  };
  const bool agree = unknown(input, from) == 1 && unknown(output, to) == 1 && known(input) == known(output);
  const auto same = [&](size_t i, size_t j) {
    const Dim& dim = input[from[i]];
    return dim.size == output[to[j]].size && (dim.known() || agree);
  };
  std::vector<std::optional<size_t>> match(output.size());
  match[0] = 0;
  const size_t shorter = std::min(from.size(), to.size());
  size_t front = 0;
  for (; front < shorter && same(front, front); ++front) match[to[front]] = from[front];
  for (size_t back = 1; front + back <= shorter && same(from.size() - back, to.size() - back); ++back) {
    match[to[to.size() - back]] = from[from.size() - back];
  }
  return match;
}

}  // namespace charglow
