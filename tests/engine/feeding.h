#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "session.h"

namespace charglow::testing {

/// Feeds one input of the model.
inline void feedOne(Session& session, const nlohmann::json& one, size_t input) {
  if (one.contains("input")) {
    session.feedInput(one["input"]["values"].get<std::vector<float>>(),
                      one["input"]["shape"].get<std::vector<int>>(), input);
    return;
  }
  if (one["ids"][0][0].is_array()) {  // words within sentences
    std::vector<float> values;
    for (const auto& text : one["ids"]) {
      for (const auto& sentence : text) {
        for (const auto& id : sentence) values.push_back(id.get<float>());
      }
    }
    const nlohmann::json& first = one["ids"][0];
    const std::vector<int> shape = {static_cast<int>(one["ids"].size()), static_cast<int>(first.size()),
                                    static_cast<int>(first[0].size())};
    session.feedInput(values, shape, input);
    return;
  }
  std::vector<int32_t> ids;
  for (const auto& row : one["ids"]) {
    for (const auto& id : row) ids.push_back(id.get<int32_t>());
  }
  session.feedIds(ids, static_cast<int>(one["ids"].size()), input);
}

/// Feeds a case to the model, input by input where it has several, and runs it.
inline void feed(Session& session, const nlohmann::json& one) {
  if (!one.value("continues", false)) session.resetStates();
  if (!one.contains("inputs")) feedOne(session, one, 0);
  for (size_t i = 0; one.contains("inputs") && i < session.model().inputs().size(); ++i) {
    const Graph& graph = session.model().graph();
    feedOne(session, one["inputs"].at(graph.nodes[session.model().inputs()[i].node].layer->name()), i);
  }
  session.run();
}

}  // namespace charglow::testing
