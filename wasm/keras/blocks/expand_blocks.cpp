#include "keras/blocks/expand_blocks.h"

#include <algorithm>
#include <array>
#include <utility>

#include "error.h"
#include "keras/blocks/block.h"
#include "keras/call_reader.h"
#include "keras/weight_assignment.h"
#include "layers/attention/custom.h"
#include "layers/operations/registry.h"
#include "layers/registry.h"

namespace charglow {
namespace {

using nlohmann::json;

bool mayBeBlock(const LayerSpec& layer) {
  return !layer.operation && layer.problems.empty() && layer.config.is_object() &&
         isCustomLayer(layer.className, layer.config);
}

bool statesMasks(const LayerSpec& layer) {
  return std::any_of(layer.calls.begin(), layer.calls.end(), [](const CallSpec& call) {
    return std::any_of(call.masks.begin(), call.masks.end(),
                       [](const auto& mask) { return mask.has_value(); });
  });
}

bool makesMasks(const LayerSpec& layer) {
  return layer.className == "Masking" ||
         (layer.config.is_object() && layer.config.value("mask_zero", json()) == true) || statesMasks(layer);
}

class BlockExpander {
 public:
  BlockExpander(const Bundle& bundle, const Dialect& dialect, Choices& choices)
      : bundle_(bundle), dialect_(dialect), choices_(choices) {}

  GraphSpec expand(GraphSpec spec) {
    if (std::none_of(spec.layers.begin(), spec.layers.end(), mayBeBlock)) return spec;
    const WeightAssignment assignment = assigned(spec);
    const bool fileMasks = std::any_of(spec.layers.begin(), spec.layers.end(), statesMasks);
    GraphSpec expanded = spec;
    expanded.layers.clear();
    bool masked = false;
    for (size_t i = 0; i < spec.layers.size(); ++i) {
      std::vector<LayerSpec> parts;
      if (mayBeBlock(spec.layers[i]))
        parts = partsOf(spec.layers[i], ownWeights(assignment, i), masked, fileMasks);
      if (parts.empty()) parts.push_back(std::move(spec.layers[i]));
      for (LayerSpec& part : parts) {
        masked = masked || makesMasks(part);
        expanded.layers.push_back(std::move(part));
      }
    }
    return expanded;
  }

 private:
  /// Which weights each layer takes. What is wrong with any is told when the graph is built.
  WeightAssignment assigned(const GraphSpec& spec) const {
    std::vector<Problem> ignored;
    Choices quiet;
    std::vector<std::unique_ptr<Layer>> layers;
    for (const LayerSpec& layer : spec.layers) {
      const auto make = layer.operation ? makeOperation : makeLayer;
      layers.push_back(mayBeBlock(layer) || !layer.problems.empty()
                           ? nullptr
                           : make(layer.name, layer.className, layer.config, dialect_, ignored));
    }
    return assignWeights(spec, layers, bundle_, quiet, ignored);
  }

  static std::span<const TensorView* const> ownWeights(const WeightAssignment& assignment, size_t layer) {
    const size_t queue = assignment.queueOf[layer];
    const bool own = std::count(assignment.queueOf.begin(), assignment.queueOf.end(), queue) == 1;
    if (queue == WeightAssignment::kNone || !own) return {};
    return assignment.queues[queue].tensors;
  }

  std::vector<LayerSpec> partsOf(LayerSpec& layer, std::span<const TensorView* const> weights, bool masked,
                                 bool fileMasks) {
    if (weights.empty() || layer.calls.empty()) return {};
    std::vector<Problem> problems;
    ConfigReader config(layer.config, layer.name, layer.className, dialect_, problems);
    Block block{.layer = layer,
                .sublayers = sublayersOf(weights),
                .config = config,
                .choices = choices_,
                .masked = masked,
                .fileMasks = fileMasks};
    Pieces pieces(layer);
    if (!expandPositionEmbedding(block, pieces) && !expandTransformer(block, pieces)) return {};
    for (const char* key : {"supports_masking", "build_config"}) config.ignore(key);
    config.finish();
    for (const CallSpec& call : layer.calls) {
      CallReader reader(call, layer.name, layer.className, problems);
      reader.everyTensor();
      reader.finish();
    }
    layer.problems = std::move(problems);
    return layer.problems.empty() ? pieces.layers() : std::vector<LayerSpec>();
  }

  const Bundle& bundle_;
  const Dialect& dialect_;
  Choices& choices_;
};

}  // namespace

std::string Block::lowerClassName() const {
  std::string name = layer.className.substr(layer.className.rfind('>') + 1);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name;
}

std::string Block::about() const {
  return "Layer \"" + layer.name + "\" (" + layer.className +
         ") is none of Keras's own, and is taken for what its weights are those of. ";
}

GraphSpec expandBlocks(GraphSpec spec, const Bundle& bundle, const Dialect& dialect, Choices& choices) {
  return BlockExpander(bundle, dialect, choices).expand(std::move(spec));
}

}  // namespace charglow
