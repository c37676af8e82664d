#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keras/config_reader.h"
#include "layers/layer.h"

namespace charglow {

/// Makes an operation: a layer inside of a Lambda's function, or an operation on tensors outside of layers.
/// Its class is one of this registry's own, not of the layers that a file can name. Whatever it is, it
/// neither sees nor hands on the masks that Keras keeps with tensors.
///
/// `config` holds {"op": the options of the class, "of": the class that people see, such as "Lambda"}, and
/// perhaps "source" (what it says of itself in place of its own options) and "output_shape" (what the file
/// says comes out, sizes without the batch; "lambda-shape" where it is something else).
std::unique_ptr<Layer> makeOperation(const std::string& name, const std::string& className,
                                     const nlohmann::json& config, const Dialect& dialect,
                                     std::vector<Problem>& problems);

/// Id of the choice by which people say what a layer computes: "lambda:NAME".
std::string lambdaChoice(const std::string& layer);

}  // namespace charglow
