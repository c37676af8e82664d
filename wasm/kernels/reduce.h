#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "kernels/strided.h"
#include "tensor.h"

namespace charglow {

/// How values along the reduced axes become one.
enum class ReduceKind { Sum, Mean, Max, Min, Prod };

/// The shape left after reducing `axes` (rising, not the batch's): they are gone, or of length 1 where kept.
Shape reducedShape(const Shape& shape, std::span<const size_t> axes, bool keepDims);

/// The axis of the input that axis `axis` of reducedShape(…) runs along; nothing for one that was reduced and
/// kept.
std::optional<size_t> reducedAxis(size_t axis, const Shape& shape, std::span<const size_t> axes,
                                  bool keepDims);

/// Adds the values of `from`, in C order, to those of `to` that a walk meets.
void addStrided(const StridedWalk& walk, const float* from, float* to);

/// The first value that is no finite number, or nullptr.
const float* firstNotFinite(std::span<const float> values);

/// Reduces `axes` of `input` into `output`, which has reducedShape(…) values.
void reduce(ReduceKind kind, std::span<const float> input, const Shape& shape, std::span<const size_t> axes,
            std::span<float> output);

/// The vector-Jacobian product of `reduce`: adds to `to`, of the input's shape, what `above`,
/// d(loss)/d(output), comes to there. `output`: what `reduce` gave. The largest (smallest) of several equal
/// values share the gradient evenly, as in TensorFlow. `room`: reduceBackwardRoom(output's values) floats to
/// work in.
void reduceBackward(ReduceKind kind, std::span<const float> input, const Shape& shape,
                    std::span<const size_t> axes, std::span<const float> output, std::span<const float> above,
                    float* room, std::span<float> to);
constexpr size_t reduceBackwardRoom(size_t outputs) { return 2 * outputs; }

}  // namespace charglow
