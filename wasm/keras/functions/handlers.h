#pragma once

#include "keras/functions/table.h"

/// The handlers behind the table of functions (table.cpp), by what they do.
namespace charglow::functions {

// reductions.cpp
Term reduction(Operations& operations, Arguments& arguments, std::string_view kind);
Term anyOrAll(Operations& operations, Arguments& arguments, std::string_view kind);
Term variance(Operations& operations, Arguments& arguments, std::string_view root);
Term logSumExp(Operations& operations, Arguments& arguments, std::string_view);
Term norm(Operations& operations, Arguments& arguments, std::string_view);
Term place(Operations& operations, Arguments& arguments, std::string_view kind);
Term cumulated(Operations& operations, Arguments& arguments, std::string_view);
Term softmax(Operations& operations, Arguments& arguments, std::string_view);
Term logSoftmax(Operations& operations, Arguments& arguments, std::string_view);
Term normalised(Operations& operations, Arguments& arguments, std::string_view);
Term addAll(Operations& operations, Arguments& arguments, std::string_view);

// pointwise.cpp
Term pointwise(Operations& operations, Arguments& arguments, std::string_view function);
Term pointwiseOfTwo(Operations& operations, Arguments& arguments, std::string_view function);
Term squareRoot(Operations& operations, Arguments& arguments, std::string_view);
Term activation(Operations& operations, Arguments& arguments, std::string_view name);
Term relu(Operations& operations, Arguments& arguments, std::string_view);
Term leakyRelu(Operations& operations, Arguments& arguments, std::string_view);
Term elu(Operations& operations, Arguments& arguments, std::string_view);
Term gelu(Operations& operations, Arguments& arguments, std::string_view approximate);
Term clip(Operations& operations, Arguments& arguments, std::string_view);
Term where(Operations& operations, Arguments& arguments, std::string_view);
Term choice(Operations& operations, Arguments& arguments, std::string_view);
Term cast(Operations& operations, Arguments& arguments, std::string_view type);
Term difference(Operations& operations, Arguments& arguments, std::string_view);
Term identity(Operations& operations, Arguments& arguments, std::string_view);
Term second(Operations& operations, Arguments& arguments, std::string_view);
Term filled(Operations& operations, Arguments& arguments, std::string_view value);
Term constant(Operations& operations, Arguments& arguments, std::string_view number);

// shapes.cpp
Term expandDims(Operations& operations, Arguments& arguments, std::string_view);
Term squeeze(Operations& operations, Arguments& arguments, std::string_view);
Term transpose(Operations& operations, Arguments& arguments, std::string_view);
Term swapAxes(Operations& operations, Arguments& arguments, std::string_view);
Term moveAxis(Operations& operations, Arguments& arguments, std::string_view);
Term reshape(Operations& operations, Arguments& arguments, std::string_view);
Term flatten(Operations& operations, Arguments& arguments, std::string_view);
Term repeatElements(Operations& operations, Arguments& arguments, std::string_view);
Term repeatVector(Operations& operations, Arguments& arguments, std::string_view);
Term tile(Operations& operations, Arguments& arguments, std::string_view);
Term concatenate(Operations& operations, Arguments& arguments, std::string_view);
Term stack(Operations& operations, Arguments& arguments, std::string_view);
Term split(Operations& operations, Arguments& arguments, std::string_view);
Term unstack(Operations& operations, Arguments& arguments, std::string_view);
Term take(Operations& operations, Arguments& arguments, std::string_view);
Term part(Operations& operations, Arguments& arguments, std::string_view);
Term stridedSlice(Operations& operations, Arguments& arguments, std::string_view);
Term item(Operations& operations, Arguments& arguments, std::string_view);
Term flip(Operations& operations, Arguments& arguments, std::string_view);
Term oneHot(Operations& operations, Arguments& arguments, std::string_view);
Term shapeOf(Operations& operations, Arguments& arguments, std::string_view);

// products.cpp
Term matmul(Operations& operations, Arguments& arguments, std::string_view);
Term matvec(Operations& operations, Arguments& arguments, std::string_view);
Term batchDot(Operations& operations, Arguments& arguments, std::string_view);
Term einsum(Operations& operations, Arguments& arguments, std::string_view);
Term acrossTheBatch(Operations& operations, Arguments& arguments, std::string_view);

/// x[index], in Python's sense: of a tensor, a list or a shape.
Term subscript(Operations& operations, const Term& x, const Term& index);

}  // namespace charglow::functions
