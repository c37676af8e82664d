#include "keras/functions/table.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "keras/functions/handlers.h"

namespace charglow {
namespace {

using namespace functions;  // NOLINT: the handlers

constexpr unsigned K = kBackend;
constexpr unsigned TF = kTensorFlow;
constexpr unsigned OPS = kOps;
constexpr unsigned NP = kNumpy;
constexpr unsigned ACT = kActivations;

// Parameters as the libraries name and order them: keras/backend.py (2.2.5, 2.15), TensorFlow 1.15 and 2.15,
// keras/src/ops (3.x), numpy 1.26. The first name of each is the one that handlers read it by.
// clang-format off
constexpr KnownFunction kFunctions[] = {
    // Reductions.
    {K | OPS, "sum", "x axis keepdims", reduction, "sum"},
    {K | OPS, "mean", "x axis keepdims", reduction, "mean"},
    {K | OPS, "max", "x axis keepdims initial", reduction, "max"},
    {K | OPS, "min", "x axis keepdims initial", reduction, "min"},
    {K | OPS, "prod", "x axis keepdims dtype", reduction, "prod"},
    {K | OPS, "any", "x axis keepdims", anyOrAll, "any"},
    {K | OPS, "all", "x axis keepdims", anyOrAll, "all"},
    {K | OPS, "var", "x axis keepdims", variance, "var"},
    {K | OPS, "std", "x axis keepdims", variance, "std"},
    {K | OPS, "logsumexp", "x axis keepdims", logSumExp, ""},
    {OPS, "amax", "x axis keepdims", reduction, "max"},
    {OPS, "amin", "x axis keepdims", reduction, "min"},
    {K, "argmax", "x axis", place, "max"},
    {K, "argmin", "x axis", place, "min"},
    {OPS, "argmax", "x axis keepdims", place, "max"},
    {OPS, "argmin", "x axis keepdims", place, "min"},
    {K, "cumsum", "x axis", cumulated, ""},
    {OPS, "cumsum", "x axis dtype", cumulated, ""},
    {OPS, "norm", "x ord axis keepdims", norm, ""},
    {TF, "reduce_sum", "x|input_tensor axis|reduction_indices keepdims|keep_dims", reduction, "sum"},
    {TF, "reduce_mean", "x|input_tensor axis|reduction_indices keepdims|keep_dims", reduction, "mean"},
    {TF, "reduce_max", "x|input_tensor axis|reduction_indices keepdims|keep_dims", reduction, "max"},
    {TF, "reduce_min", "x|input_tensor axis|reduction_indices keepdims|keep_dims", reduction, "min"},
    {TF, "reduce_prod", "x|input_tensor axis|reduction_indices keepdims|keep_dims", reduction, "prod"},
    {TF, "reduce_any", "x|input_tensor axis|reduction_indices keepdims|keep_dims", anyOrAll, "any"},
    {TF, "reduce_all", "x|input_tensor axis|reduction_indices keepdims|keep_dims", anyOrAll, "all"},
    {TF, "reduce_variance", "x|input_tensor axis keepdims", variance, "var"},
    {TF, "reduce_std", "x|input_tensor axis keepdims", variance, "std"},
    {TF, "reduce_logsumexp", "x|input_tensor axis|reduction_indices keepdims|keep_dims", logSumExp, ""},
    {TF, "reduce_euclidean_norm", "x|input_tensor axis keepdims", norm, ""},
    {TF, "argmax", "x|input axis|dimension dtype|output_type", place, "max"},
    {TF, "argmin", "x|input axis|dimension dtype|output_type", place, "min"},
    {TF, "cumsum", "x axis exclusive reverse", cumulated, ""},
    {TF, "norm", "x|tensor ord axis keepdims|keep_dims", norm, ""},
    {NP, "sum", "x|a axis *keepdims", reduction, "sum"},
    {NP, "mean", "x|a axis *keepdims", reduction, "mean"},
    {NP, "max", "x|a axis *keepdims", reduction, "max"},
    {NP, "min", "x|a axis *keepdims", reduction, "min"},
    {NP, "amax", "x|a axis *keepdims", reduction, "max"},
    {NP, "amin", "x|a axis *keepdims", reduction, "min"},
    {NP, "prod", "x|a axis *keepdims", reduction, "prod"},
    {NP, "any", "x|a axis *keepdims", anyOrAll, "any"},
    {NP, "all", "x|a axis *keepdims", anyOrAll, "all"},
    {NP, "var", "x|a axis *keepdims", variance, "var"},
    {NP, "std", "x|a axis *keepdims", variance, "std"},
    {NP, "argmax", "x|a axis *keepdims", place, "max"},
    {NP, "argmin", "x|a axis *keepdims", place, "min"},
    {NP, "cumsum", "x|a axis", cumulated, ""},
    // Along an axis.
    {K | ACT | OPS, "softmax", "x axis", softmax, ""},
    {TF, "softmax", "x|logits axis|dim", softmax, ""},
    {ACT | OPS, "log_softmax", "x axis", logSoftmax, ""},
    {TF, "log_softmax", "x|logits axis|dim", logSoftmax, ""},
    {K, "l2_normalize", "x axis", normalised, ""},
    {TF, "l2_normalize", "x axis|dim epsilon", normalised, ""},
    {OPS, "normalize", "x axis order epsilon", normalised, "ops"},
    {TF, "add_n", "x|inputs", addAll, ""},
    // Of single elements.
    {K | OPS | TF, "abs", "x", pointwise, "absolute"},
    {OPS | NP, "absolute", "x", pointwise, "absolute"},
    {NP, "abs", "x", pointwise, "absolute"},
    {OPS | TF | NP, "negative", "x", pointwise, "negative"},
    {TF, "neg", "x", pointwise, "negative"},
    {K | OPS | TF | NP, "square", "x", pointwise, "square"},
    {K, "sqrt", "x", squareRoot, ""},
    {OPS | TF | NP, "sqrt", "x", pointwise, "sqrt"},
    {OPS | TF, "rsqrt", "x", pointwise, "rsqrt"},
    {K | OPS | TF | NP, "exp", "x", pointwise, "exp"},
    {OPS | TF | NP, "expm1", "x", pointwise, "expm1"},
    {K | OPS | TF | NP, "log", "x", pointwise, "log"},
    {OPS | TF | NP, "log1p", "x", pointwise, "log1p"},
    {K | OPS | TF | NP, "sign", "x", pointwise, "sign"},
    {K | OPS | TF | NP, "sin", "x", pointwise, "sin"},
    {K | OPS | TF | NP, "cos", "x", pointwise, "cos"},
    {OPS | TF | NP, "tan", "x", pointwise, "tan"},
    {OPS | NP, "arctan", "x", pointwise, "arctan"},
    {TF, "atan", "x", pointwise, "arctan"},
    {OPS | TF | NP, "sinh", "x", pointwise, "sinh"},
    {OPS | TF | NP, "cosh", "x", pointwise, "cosh"},
    {OPS | TF, "erf", "x", pointwise, "erf"},
    {OPS | TF | NP, "floor", "x", pointwise, "floor"},
    {OPS | TF | NP, "ceil", "x", pointwise, "ceil"},
    {K | OPS | TF | NP, "round", "x", pointwise, "round"},
    {OPS | TF | NP, "logical_not", "x", pointwise, "logical_not"},
    {K | OPS | NP | TF | ACT, "tanh", "x", activation, "tanh"},
    {K | OPS | TF | ACT, "sigmoid", "x", activation, "sigmoid"},
    {K | OPS | ACT, "hard_sigmoid", "x", activation, "hard_sigmoid"},
    {K | OPS | ACT, "softplus", "x", activation, "softplus"},
    {TF, "softplus", "x|features", activation, "softplus"},
    {K | OPS | ACT, "softsign", "x", activation, "softsign"},
    {TF, "softsign", "x|features", activation, "softsign"},
    {OPS | ACT, "silu", "x", activation, "silu"},
    {OPS | ACT, "swish", "x", activation, "silu"},
    {TF, "silu", "x|features", activation, "silu"},
    {TF, "swish", "x|features", activation, "silu"},
    {OPS | ACT, "selu", "x", activation, "selu"},
    {TF, "selu", "x|features", activation, "selu"},
    {OPS | ACT, "relu6", "x", activation, "relu6"},
    {TF, "relu6", "x|features", activation, "relu6"},
    {OPS | ACT, "log_sigmoid", "x", activation, "log_sigmoid"},
    {TF, "log_sigmoid", "x", activation, "log_sigmoid"},
    {OPS | ACT, "mish", "x", activation, "mish"},
    {ACT, "linear", "x", identity, ""},
    {ACT, "exponential", "x", pointwise, "exp"},
    {K, "relu", "x alpha max_value threshold", relu, ""},
    {ACT, "relu", "x alpha|negative_slope max_value threshold", relu, ""},
    {OPS, "relu", "x", relu, ""},
    {TF, "relu", "x|features", relu, ""},
    {OPS | ACT, "leaky_relu", "x alpha|negative_slope", leakyRelu, ""},
    {TF, "leaky_relu", "x|features alpha", leakyRelu, ""},
    {K | OPS | ACT, "elu", "x alpha", elu, ""},
    {TF, "elu", "x|features", elu, ""},
    {OPS, "gelu", "x approximate", gelu, "approximate"},
    {ACT, "gelu", "x approximate", gelu, ""},
    {TF, "gelu", "x|features approximate", gelu, ""},
    {K, "clip", "x min|min_value max|max_value", clip, ""},
    {OPS, "clip", "x min|x_min max|x_max", clip, ""},
    {TF, "clip_by_value", "x|t min|clip_value_min max|clip_value_max", clip, ""},
    {NP, "clip", "x|a min|a_min max|a_max", clip, ""},
    // Of the elements of two.
    {OPS, "add", "x|x1 y|x2", pointwiseOfTwo, "add"},
    {TF | NP, "add", "x|x1 y|x2", pointwiseOfTwo, "add"},
    {OPS | TF | NP, "subtract", "x|x1 y|x2", pointwiseOfTwo, "subtract"},
    {OPS | TF | NP, "multiply", "x|x1 y|x2", pointwiseOfTwo, "multiply"},
    {TF, "scalar_mul", "x|scalar y|x", pointwiseOfTwo, "multiply"},
    {OPS | TF | NP, "divide", "x|x1 y|x2", pointwiseOfTwo, "divide"},
    {OPS | NP, "true_divide", "x|x1 y|x2", pointwiseOfTwo, "divide"},
    {TF, "truediv", "x y", pointwiseOfTwo, "divide"},
    {TF, "div", "x y", pointwiseOfTwo, "divide"},
    {TF, "divide_no_nan", "x y", pointwiseOfTwo, "divide_no_nan"},
    {TF, "div_no_nan", "x y", pointwiseOfTwo, "divide_no_nan"},
    {OPS, "divide_no_nan", "x|x1 y|x2", pointwiseOfTwo, "divide_no_nan"},
    {OPS | NP, "floor_divide", "x|x1 y|x2", pointwiseOfTwo, "floor_divide"},
    {TF, "floordiv", "x y", pointwiseOfTwo, "floor_divide"},
    {OPS | NP, "mod", "x|x1 y|x2", pointwiseOfTwo, "modulo"},
    {TF, "floormod", "x y", pointwiseOfTwo, "modulo"},
    {TF, "mod", "x y", pointwiseOfTwo, "modulo"},
    {K, "pow", "x y|a", pointwiseOfTwo, "power"},
    {TF, "pow", "x y", pointwiseOfTwo, "power"},
    {OPS | NP, "power", "x|x1 y|x2", pointwiseOfTwo, "power"},
    {K | OPS | TF | NP, "maximum", "x|x1 y|x2", pointwiseOfTwo, "maximum"},
    {K | OPS | TF | NP, "minimum", "x|x1 y|x2", pointwiseOfTwo, "minimum"},
    {K | OPS | TF | NP, "equal", "x|x1 y|x2", pointwiseOfTwo, "equal"},
    {K | OPS | TF | NP, "not_equal", "x|x1 y|x2", pointwiseOfTwo, "not_equal"},
    {TF, "eq", "x y", pointwiseOfTwo, "equal"},
    {TF, "ne", "x y", pointwiseOfTwo, "not_equal"},
    {K | OPS | TF | NP, "less", "x|x1 y|x2", pointwiseOfTwo, "less"},
    {K | OPS | TF | NP, "less_equal", "x|x1 y|x2", pointwiseOfTwo, "less_equal"},
    {K | OPS | TF | NP, "greater", "x|x1 y|x2", pointwiseOfTwo, "greater"},
    {K | OPS | TF | NP, "greater_equal", "x|x1 y|x2", pointwiseOfTwo, "greater_equal"},
    {OPS | TF | NP, "logical_and", "x|x1 y|x2", pointwiseOfTwo, "logical_and"},
    {OPS | TF | NP, "logical_or", "x|x1 y|x2", pointwiseOfTwo, "logical_or"},
    {OPS | TF | NP, "logical_xor", "x|x1 y|x2", pointwiseOfTwo, "logical_xor"},
    {TF, "squared_difference", "x y", difference, ""},
    {OPS | NP, "where", "condition x|x1 y|x2", where, ""},
    {TF, "where", "condition x y", where, ""},
    {K, "switch", "condition x|then_expression y|else_expression", choice, ""},
    {K | OPS, "cast", "x dtype", cast, ""},
    {TF, "cast", "x dtype", cast, ""},
    {TF, "to_float", "x", cast, "float32"},
    {TF, "to_int32", "x", cast, "int32"},
    {K, "identity", "x", identity, ""},
    {TF, "identity", "x|input", identity, ""},
    {OPS | NP, "identity", "x", identity, ""},
    {K, "stop_gradient", "x|variables", identity, ""},
    {OPS, "stop_gradient", "x|variable", identity, ""},
    {TF, "stop_gradient", "x|input", identity, ""},
    {TF, "convert_to_tensor", "x|value dtype", identity, ""},
    {OPS, "convert_to_tensor", "x", identity, ""},
    {TF | K, "constant", "x|value dtype shape", identity, ""},
    {NP, "array", "x|object", identity, ""},
    {NP, "asarray", "x|a", identity, ""},
    {NP, "float32", "x", cast, "float32"},
    {K, "in_train_phase", "x alt training", second, ""},
    {K, "in_test_phase", "x alt training", identity, ""},
    {K | OPS, "ones_like", "x dtype", filled, "1"},
    {K | OPS, "zeros_like", "x dtype", filled, "0"},
    {TF, "ones_like", "x|input|tensor dtype", filled, "1"},
    {TF, "zeros_like", "x|input|tensor dtype", filled, "0"},
    {NP, "ones_like", "x|a", filled, "1"},
    {NP, "zeros_like", "x|a", filled, "0"},
    {OPS, "full_like", "x value|fill_value dtype", filled, "given"},
    {K, "epsilon", "", constant, "epsilon"},
    {K, "floatx", "", constant, "floatx"},
    // Shapes.
    {K, "expand_dims", "x axis|dim", expandDims, ""},
    {OPS, "expand_dims", "x axis", expandDims, ""},
    {TF, "expand_dims", "x|input axis|dim", expandDims, ""},
    {NP, "expand_dims", "x|a axis", expandDims, ""},
    {K | OPS, "squeeze", "x axis", squeeze, ""},
    {TF, "squeeze", "x|input axis|squeeze_dims", squeeze, ""},
    {NP, "squeeze", "x|a axis", squeeze, ""},
    {K, "permute_dimensions", "x perm|pattern", transpose, ""},
    {K, "transpose", "x", transpose, ""},
    {OPS, "transpose", "x perm|axes", transpose, ""},
    {NP, "transpose", "x|a perm|axes", transpose, ""},
    {TF, "transpose", "x|a perm conjugate", transpose, ""},
    {TF, "matrix_transpose", "x|a conjugate", swapAxes, ""},
    {OPS, "swapaxes", "x axis1 axis2", swapAxes, ""},
    {NP, "swapaxes", "x|a axis1 axis2", swapAxes, ""},
    {OPS, "moveaxis", "x source destination", moveAxis, ""},
    {NP, "moveaxis", "x|a source destination", moveAxis, ""},
    {K, "reshape", "x shape", reshape, ""},
    {OPS, "reshape", "x shape|newshape", reshape, ""},
    {TF, "reshape", "x|tensor shape", reshape, ""},
    {NP, "reshape", "x|a shape|newshape", reshape, ""},
    {K, "batch_flatten", "x", flatten, ""},
    {K, "repeat_elements", "x times|rep axis", repeatElements, ""},
    {K, "repeat", "x n", repeatVector, ""},
    {OPS, "repeat", "x times|repeats axis", repeatElements, ""},
    {TF, "repeat", "x|input times|repeats axis", repeatElements, ""},
    {NP, "repeat", "x|a times|repeats axis", repeatElements, ""},
    {K, "tile", "x times|n", tile, ""},
    {OPS, "tile", "x times|repeats", tile, ""},
    {TF, "tile", "x|input times|multiples", tile, ""},
    {NP, "tile", "x|A times|reps", tile, ""},
    {K, "concatenate", "x|tensors axis", concatenate, "-1"},
    {OPS, "concatenate", "x|xs axis", concatenate, "-1"},
    {TF, "concat", "x|values axis", concatenate, ""},
    {NP, "concatenate", "x|arrays axis", concatenate, ""},
    {K | OPS, "stack", "x axis", stack, ""},
    {TF, "stack", "x|values axis", stack, ""},
    {NP, "stack", "x|arrays axis", stack, ""},
    {TF, "split", "x|value sections|num_or_size_splits axis", split, ""},
    {OPS, "split", "x sections|indices_or_sections axis", split, "places"},
    {NP, "split", "x|ary sections|indices_or_sections axis", split, "places"},
    {TF, "unstack", "x|value num axis", unstack, ""},
    {OPS, "unstack", "x num axis", unstack, ""},
    {TF, "gather", "x|params indices validate_indices axis batch_dims", take, ""},
    {K, "gather", "x|reference indices", take, ""},
    {OPS, "take", "x indices axis", take, ""},
    {NP, "take", "x|a indices axis", take, ""},
    {TF, "slice", "x|input_ begin size", part, ""},
    {K, "slice", "x begin|start size", part, ""},
    {OPS, "slice", "x|inputs begin|start_indices size|shape", part, ""},
    {TF, "strided_slice", "x|input_ begin end strides begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask", stridedSlice, ""},
    {TF, "getitem", "x|tensor index|slice_spec|key", item, ""},
    {K, "reverse", "x axis|axes", flip, ""},
    {TF, "reverse", "x|tensor axis", flip, ""},
    {OPS, "flip", "x axis", flip, ""},
    {NP, "flip", "x|m axis", flip, ""},
    {K, "one_hot", "x|indices depth|num_classes", oneHot, ""},
    {TF, "one_hot", "x|indices depth on_value off_value axis dtype", oneHot, ""},
    {OPS, "one_hot", "x depth|num_classes axis dtype sparse", oneHot, ""},
    {K, "int_shape", "x", shapeOf, ""},
    {K, "shape", "x", shapeOf, ""},
    {TF, "shape", "x|input dtype|out_type", shapeOf, ""},
    {OPS, "shape", "x", shapeOf, ""},
    {NP, "shape", "x|a", shapeOf, ""},
    // Products.
    {TF, "matmul", "a b transpose_a transpose_b adjoint_a adjoint_b", matmul, ""},
    {OPS, "matmul", "a|x1 b|x2", matmul, ""},
    {NP, "matmul", "a|x1 b|x2", matmul, ""},
    {TF, "matvec", "a b transpose_a", matvec, ""},
    {K, "batch_dot", "x y axes", batchDot, ""},
    {TF | OPS | NP, "einsum", "equation|subscripts operands…", einsum, ""},
    {K, "dot", "x y", acrossTheBatch, ""},
    {OPS | NP, "dot", "x|x1|a y|x2|b", acrossTheBatch, ""},
    {TF, "tensordot", "a b axes", acrossTheBatch, ""},
    {OPS | NP, "tensordot", "x1|a x2|b axes", acrossTheBatch, ""},
};
// clang-format on

struct Module {
  std::string_view name;
  Library library;
};

/// Under which names people import the libraries, and the modules of each.
constexpr Module kModules[] = {
    {"K", kBackend},
    {"k", kBackend},
    {"KB", kBackend},
    {"backend", kBackend},
    {"keras.backend", kBackend},
    {"tf.keras.backend", kBackend},
    {"tensorflow.keras.backend", kBackend},
    {"tensorflow.python.keras.backend", kBackend},
    {"tf.compat.v1.keras.backend", kBackend},
    {"tf", kTensorFlow},
    {"tensorflow", kTensorFlow},
    {"tf.math", kTensorFlow},
    {"tensorflow.math", kTensorFlow},
    {"tf.nn", kTensorFlow},
    {"tensorflow.nn", kTensorFlow},
    {"tf.linalg", kTensorFlow},
    {"tensorflow.linalg", kTensorFlow},
    {"tf.__operators__", kTensorFlow},
    {"tf.compat.v1", kTensorFlow},
    {"tf.compat.v1.math", kTensorFlow},
    {"tf.compat.v1.nn", kTensorFlow},
    {"tf.compat.v2", kTensorFlow},
    {"tf.compat.v2.math", kTensorFlow},
    {"ops", kOps},
    {"keras.ops", kOps},
    {"tf.keras.ops", kOps},
    {"keras.ops.nn", kOps},
    {"keras.ops.numpy", kOps},
    {"keras.ops.linalg", kOps},
    {"keras.ops.math", kOps},
    {"ops.nn", kOps},
    {"ops.numpy", kOps},
    {"ops.linalg", kOps},
    {"np", kNumpy},
    {"numpy", kNumpy},
    {"jnp", kNumpy},
    {"jax.numpy", kNumpy},
    {"tnp", kNumpy},
    {"tf.experimental.numpy", kNumpy},
    {"math", kNumpy},
    {"keras.activations", kActivations},
    {"activations", kActivations},
    {"tf.keras.activations", kActivations},
    {"tensorflow.keras.activations", kActivations},
    {"jax.nn", kActivations},
};

}  // namespace

const KnownFunction* findFunction(unsigned library, std::string_view name) {
  const auto* found = std::find_if(
      std::begin(kFunctions), std::end(kFunctions),
      [&](const KnownFunction& each) { return (each.libraries & library) != 0 && each.name == name; });
  return found == std::end(kFunctions) ? nullptr : found;
}

const KnownFunction* findFunction(const std::string& dotted, bool bareNames) {
  const size_t dot = dotted.find_last_of('.');
  if (dot == std::string::npos) {
    if (!bareNames) return nullptr;
    for (const unsigned library : {K, OPS, TF, ACT}) {
      if (const KnownFunction* function = findFunction(library, dotted)) return function;
    }
    return nullptr;
  }
  const std::string_view module = std::string_view(dotted).substr(0, dot);
  const std::string_view name = std::string_view(dotted).substr(dot + 1);
  const auto* known = std::find_if(std::begin(kModules), std::end(kModules),
                                   [&](const Module& each) { return each.name == module; });
  if (known == std::end(kModules)) return nullptr;
  const KnownFunction* function = findFunction(known->library, name);
  // Some import Keras 3's ops as K.
  if (function == nullptr && known->library == kBackend) function = findFunction(kOps, name);
  return function;
}

Term callFunction(const KnownFunction& function, Operations& operations, const CallTerms& call) {
  Arguments arguments(function.parameters, call);
  Term result = function.handler(operations, arguments, function.what);
  arguments.finish();
  return result;
}

}  // namespace charglow
