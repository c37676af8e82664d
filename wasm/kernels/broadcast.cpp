#include "kernels/broadcast.h"

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

}  // namespace charglow
