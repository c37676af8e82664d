#pragma once

#include <map>
#include <string>
#include <vector>

#include "bundle/bundle.h"
#include "error.h"
#include "keras/choices.h"
#include "keras/graph_spec.h"
#include "layers/layer.h"

namespace charglow {

/// Tensors waiting to be taken, in the file's order. The layers of a model within a model share one, since
/// the file lists their weights together.
struct WeightQueue {
  std::string source;  ///< the file's name for where they come from
  std::vector<const TensorView*> tensors;
  size_t next = 0;
};

/// Which tensors of the file each layer takes.
struct WeightAssignment {
  std::vector<WeightQueue> queues;
  /// For each layer of the spec the queue it takes from, or kNone. Layers that share one take from it in the
  /// spec's order.
  std::vector<size_t> queueOf;
  static constexpr size_t kNone = static_cast<size_t>(-1);
};

/// Gives every tensor of the file to a layer. In a Keras 3 tree by class and place (keras/weights_tree.h); in
/// a legacy file by the layers' names, or, where names differ (a weights-only
/// file with a model built again), in order, which is Keras's own rule in load_weights. The weights of a
/// model within the model are told apart by the names of its layers in them, or else given out in order. What
/// belongs to no layer is added to `problems`. `layers` are those of `spec`; one that is not made yet,
/// nullptr, waits to be recognised by its weights and so takes some.
WeightAssignment assignWeights(const GraphSpec& spec, std::span<const std::unique_ptr<Layer>> layers,
                               const Bundle& bundle, Choices& choices, std::vector<Problem>& problems);

}  // namespace charglow
