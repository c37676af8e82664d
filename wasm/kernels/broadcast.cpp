#include "kernels/broadcast.h"

#include <vector>

namespace charglow {

bool broadcast(Shape& shape, const Shape& other) {
  if (other.size() > shape.size()) shape.insert(shape.begin(), other.size() - shape.size(), Dim{1});
  const size_t missing = shape.size() - other.size();
  for (size_t i = 0; i < other.size(); ++i) {
    Dim& mine = shape[missing + i];
    const Dim& theirs = other[i];
    if (mine.size == 1 && theirs.size != 1) {
      mine = theirs;
      continue;
    }
    if (theirs.size == 1) continue;
    if (mine.known() && theirs.known() && mine.size != theirs.size) return false;
    if (!mine.known()) mine.size = theirs.size;
    if (!mine.isTime()) mine.follow(theirs);
  }
  return true;
}

StridedWalk broadcastWalk(const Shape& from, const Shape& to) {
  std::vector<size_t> stride(to.size(), 0);  // 0 along the axes it is repeated on
  const size_t missing = to.size() - from.size();
  size_t step = 1;
  for (size_t i = from.size(); i-- > 0;) {
    if (from[i].size != 1) stride[missing + i] = step;
    step *= static_cast<size_t>(from[i].size);
  }
  return {to, stride};
}

}  // namespace charglow
