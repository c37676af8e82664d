#pragma once

#include <span>
#include <vector>

#include "keras/config_reader.h"
#include "layers/layer.h"
#include "tensor.h"

namespace charglow {

/// The option `axis` of a layer that normalises: one or several, the last where nothing is said.
std::vector<int> readAxes(ConfigReader& config);

/// `axes` of `shape` counted from the front and rising, as Keras sorts them. Throws "layer-input" where the
/// shape has no such axis, it is the batch's, or its size is not known.
std::vector<size_t> knownAxes(const Layer& layer, std::span<const int> axes, const Shape& shape);

/// The axes of `shape` that are not among `axes`.
std::vector<size_t> otherAxes(std::span<const size_t> axes, const Shape& shape);

/// How far apart in a tensor that has only `axes` of `shape` neighbours along each axis of `shape` lie.
std::vector<size_t> strideAlong(const Shape& shape, std::span<const size_t> axes);

}  // namespace charglow
