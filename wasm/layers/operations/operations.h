#pragma once

#include <memory>

#include "keras/config_reader.h"
#include "layers/layer.h"

/// The factories behind the table of operations (registry.h): each reads its options and nothing else. Axes
/// are written as in numpy, the batch's being 0, and negative from the end.
namespace charglow {

/// Element by element: `function` of `operands`, which are tensors, numbers and arrays of numbers, broadcast
/// by numpy's rule.
std::unique_ptr<Layer> makeElementwise(ConfigReader& config);
/// `kind` (sum, mean, max, min or prod) over `axis`, one or several.
std::unique_ptr<Layer> makeReduce(ConfigReader& config);
/// The place of the largest or smallest (`kind` max or min) value along `axis`.
std::unique_ptr<Layer> makeArgument(ConfigReader& config);
/// The sum of all values up to each one along `axis`.
std::unique_ptr<Layer> makeCumulate(ConfigReader& config);
/// x / (Σ x + `epsilon`) over `axis`: a softmax that is written out ends in this.
std::unique_ptr<Layer> makeNormalise(ConfigReader& config);
/// What numpy's x[items] gives: `items` are whole numbers, {"start", "stop", "step"}, null for a new axis and
/// "..." for all axes that are not mentioned; or {"part": i, "of": n}, the i-th of n equal parts.
std::unique_ptr<Layer> makeSlice(ConfigReader& config);
std::unique_ptr<Layer> makeExpandDims(ConfigReader& config);
std::unique_ptr<Layer> makeSqueeze(ConfigReader& config);
/// To `shape`, batch included. A size may be {"input": i, "axis": a}, that of an axis of another input.
std::unique_ptr<Layer> makeReshapeTo(ConfigReader& config);
/// Axes in the order `perm`; or the two axes `swap` exchanged; or an axis moved (`move`: from, to).
std::unique_ptr<Layer> makeTranspose(ConfigReader& config);
/// Each element (`elements`) or the whole of `axis` repeated `times` times; all axes where there is no
/// `axis`.
std::unique_ptr<Layer> makeRepeat(ConfigReader& config);
/// A product of two tensors summed over an axis of each: `function` matmul, matvec, batch_dot or einsum.
std::unique_ptr<Layer> makeContract(ConfigReader& config);
/// Ids as rows of `depth` numbers with a single 1.
std::unique_ptr<Layer> makeOneHot(ConfigReader& config);
/// The length of `axis` as a number, of shape (1,).
std::unique_ptr<Layer> makeSize(ConfigReader& config);
/// The mask that Keras keeps with the input, as numbers: 1 where a timestep counts.
std::unique_ptr<Layer> makeMaskOf(ConfigReader& config);
/// A tensor of the input's shape that is `value` everywhere.
std::unique_ptr<Layer> makeFill(ConfigReader& config);
/// As many outputs as inputs, each the same as its input.
std::unique_ptr<Layer> makeOutputs(ConfigReader& config);

}  // namespace charglow
