#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "keras/infer/layer_forms.h"
#include "keras/infer/seen_layer.h"
#include "keras/infer/sizes.h"

namespace charglow {

/// One way to connect the layers of a file. Tensor 0 is the model's input, tensor i + 1 the output of layer
/// i.
struct Wiring {
  struct Step {
    size_t form = 0;             ///< index into the layer's forms
    std::vector<size_t> inputs;  ///< tensors it reads
  };
  std::vector<Step> steps;    ///< for each layer
  std::vector<Sizes> shapes;  ///< of each tensor
  Unknowns unknowns;
  std::vector<size_t> outputs;  ///< tensors that nobody reads
  int cost = 0;                 ///< how unlikely it is
};

/// A layer with what it may be.
struct WiredLayer {
  const SeenLayer* seen = nullptr;
  std::vector<LayerForm> forms;
};

struct Wirings {
  std::vector<Wiring> found;  ///< the likeliest first; those that are much less likely are left out
  size_t reached = 0;         ///< how many layers could be connected, one after the other
};

/// Connects the layers, each to earlier ones, so that all widths fit and every tensor is read, but for the
/// model's outputs. `timesteps` is the length of the model's input, where something says it.
Wirings wire(std::span<const WiredLayer> layers, std::optional<int64_t> timesteps);

}  // namespace charglow
