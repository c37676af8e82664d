#include "keras/infer/orders.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace charglow {
namespace {

/// The stages of a text model.
enum Stage {
  kEmbed,
  kConvolve,
  kRecur,
  kTurn,   ///< the first Permute, of attention for each feature
  kScore,  ///< Dense layers that give scores
  kFlatten,
  kNormalise,
  kRepeat,
  kPermute,
  kJoin,
  kReduce,
  kFlattenLate,
  kDecide,
};

/// Where layers of a class are mostly, by the beginning of the stem.
Stage stageOf(const SeenLayer& layer) {
  struct Entry {
    std::string_view beginning;
    Stage stage;
  };
  constexpr Entry kStages[] = {{"embedding", kEmbed},
                               {"masking", kEmbed},
                               {"spatialdropout", kEmbed},
                               {"conv", kConvolve},
                               {"maxpooling", kConvolve},
                               {"averagepooling", kConvolve},
                               {"gru", kRecur},
                               {"lstm", kRecur},
                               {"simplernn", kRecur},
                               {"rnn", kRecur},
                               {"bidirectional", kRecur},
                               {"timedistributed", kScore},
                               {"dense", kDecide},
                               {"flatten", kFlatten},
                               {"reshape", kFlatten},
                               {"activation", kNormalise},
                               {"softmax", kNormalise},
                               {"repeatvector", kRepeat},
                               {"permute", kPermute},
                               {"multiply", kJoin},
                               {"dot", kJoin},
                               {"concatenate", kJoin},
                               {"add", kJoin},
                               {"lambda", kReduce},
                               {"global", kReduce},
                               {"dropout", kDecide},
                               {"batchnormalization", kDecide}};
  for (const Entry& entry : kStages) {
    if (layer.stem.starts_with(entry.beginning)) return entry.stage;
  }
  return layer.tensors.empty() ? kDecide : kReduce;  // a layer of the user's own that attends
}

}  // namespace

std::vector<std::vector<SeenLayer>> likelyOrders(const std::vector<SeenLayer>& layers) {
  const auto countOf = [&](std::string_view stem) {
    return static_cast<size_t>(std::count_if(layers.begin(), layers.end(),
                                             [&](const SeenLayer& layer) { return layer.stem == stem; }));
  };
  const size_t dense = countOf("dense");
  std::vector<std::vector<SeenLayer>> orders;
  for (size_t scores = 0; scores <= std::min<size_t>(dense, 4); ++scores) {
    for (const bool lateFlatten : {false, true}) {
      for (const bool turned : {false, true}) {
        if ((lateFlatten && countOf("flatten") == 0) || (turned && countOf("permute") == 0)) continue;
        std::vector<std::pair<Stage, const SeenLayer*>> staged;
        for (const SeenLayer& layer : layers) {
          Stage stage = stageOf(layer);
          if (layer.stem == "dense" && layer.groupNumber() < scores) stage = kScore;
          if (layer.stem == "flatten" && lateFlatten) stage = kFlattenLate;
          if (layer.stem == "permute" && turned && layer.groupNumber() == 0) stage = kTurn;
          staged.emplace_back(stage, &layer);
        }
        std::stable_sort(staged.begin(), staged.end(), [](const auto& a, const auto& b) {
          if (a.first != b.first) return a.first < b.first;
          if (a.second->stem != b.second->stem) return a.second->stem < b.second->stem;
          return a.second->groupNumber() < b.second->groupNumber();
        });
        std::vector<SeenLayer>& order = orders.emplace_back();
        for (const auto& [stage, layer] : staged) order.push_back(*layer);
      }
    }
  }
  return orders;
}

}  // namespace charglow
