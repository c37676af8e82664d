#include "layers/layer.h"

#include <algorithm>

#include "error.h"
#include "keras/call_reader.h"
#include "kernels/float4.h"

namespace charglow {

std::unique_ptr<Layer> Layer::forCall(CallReader& call) const {
  call.inputs();
  return nullptr;
}

void addGradient(std::span<const float> gradient, std::span<float> to) {
  const size_t count = std::min(gradient.size(), to.size());
  for (size_t i = 0; i < count; i += 4) {
    const size_t left = count - i;
    storeUpTo(loadUpTo(to.data() + i, left) + loadUpTo(gradient.data() + i, left), to.data() + i, left);
  }
}

void refuseInput(const Layer& layer, std::string_view expected, const Shape& actual) {
  throw Error({"layer-input", "layer \"" + layer.name() + "\" (" + layer.className() + ")",
               "an input of shape " + std::string(expected), shapeText(actual), ""});
}

size_t resolveAxis(const Layer& layer, int axis, const Shape& shape) {
  const int rank = static_cast<int>(shape.size());
  const int resolved = axis < 0 ? axis + rank : axis;
  if (resolved < 1 || resolved >= rank) {
    refuseInput(layer, "with an axis " + std::to_string(axis) + " that is not the batch's", shape);
  }
  return static_cast<size_t>(resolved);
}

}  // namespace charglow
