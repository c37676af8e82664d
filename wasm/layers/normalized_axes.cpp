#include "layers/normalized_axes.h"

#include <algorithm>
#include <string>

namespace charglow {

std::vector<int> readAxes(ConfigReader& config) {
  return config.has("axis") ? config.integers("axis") : std::vector<int>{-1};
}

std::vector<size_t> knownAxes(const Layer& layer, std::span<const int> axes, const Shape& shape) {
  std::vector<size_t> known;
  for (const int axis : axes) {
    known.push_back(resolveAxis(layer, axis, shape));
    if (!shape[known.back()].known())
      refuseInput(layer, "of known size along axis " + std::to_string(known.back()), shape);
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  return known;
}

std::vector<size_t> otherAxes(std::span<const size_t> axes, const Shape& shape) {
  std::vector<size_t> others;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) others.push_back(i);
  }
  return others;
}

std::vector<size_t> strideAlong(const Shape& shape, std::span<const size_t> axes) {
  std::vector<size_t> stride(shape.size(), 0);
  size_t step = 1;
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    stride[*axis] = step;
    step *= static_cast<size_t>(shape[*axis].size);
  }
  return stride;
}

}  // namespace charglow
