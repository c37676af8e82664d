#include "tensor.h"

#include <algorithm>

namespace charglow {

std::string shapeText(const Shape& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += shape[i].known() ? std::to_string(shape[i].size) : "None";
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

int elementCount(const Shape& shape, size_t from, size_t to) {
  int64_t count = 1;
  for (size_t i = from; i < to; ++i) {
    if (!shape[i].known()) return kUnknown;
    count = std::min<int64_t>(count * shape[i].size, kMaxElements + 1);
  }
  return static_cast<int>(count);
}

int elementCount(const Shape& shape) { return elementCount(shape, 0, shape.size()); }

void Value::reshape(const Shape& to) {
  shape = to;
  data.resize(static_cast<size_t>(elementCount(shape)));
  mask.clear();
}

}  // namespace charglow
