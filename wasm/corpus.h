#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model.h"
#include "tensor.h"
#include "text/encoder.h"

namespace charglow {

/// Runs a model on many texts, for one of its inputs; the others stay empty texts or zeros. Texts of one
/// length go through the model as batches, those that begin alike in the same batch, where what they share is
/// computed once (layers/recurrent/shared_steps.h). A text's outputs have the same bits as by itself. The
/// batches are small enough that all values of the model take some tens of megabytes.
///
/// Returns the model's outputs, in Keras's order, each with one row for each text: (texts, …). Where a model
/// takes texts of any length and puts out a sequence, texts of different lengths throw "corpus-shape".
/// Throws what Session::setText throws, with the number of the text, counted from 1.
std::vector<Value> runTexts(const std::shared_ptr<const Model>& model, std::span<const SourceText> texts,
                            size_t input = 0);

}  // namespace charglow
