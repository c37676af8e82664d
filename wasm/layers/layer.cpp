#include "layers/layer.h"

#include "error.h"

namespace charglow {

void refuseInput(const Layer& layer, const std::string& expected, const Shape& actual) {
  throw Error({"layer-input", "layer \"" + layer.name() + "\" (" + layer.className() + ")",
               "an input of shape " + expected, shapeText(actual), ""});
}

}  // namespace charglow
