#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "error.h"
#include "keras/expand_operations.h"

namespace charglow::testing {

/// A model of a layer that is called with `inputs` tensors, "x", "x1" …, and is the model's output.
inline GraphSpec modelOf(const std::string& name, const std::string& className, nlohmann::json config,
                         size_t inputs = 1) {
  GraphSpec spec;
  std::vector<TensorRef> tensors;
  for (size_t i = 0; i < inputs; ++i) {
    LayerSpec input;
    input.name = i == 0 ? "x" : "x" + std::to_string(i);
    input.className = "InputLayer";
    input.calls = {CallSpec{}};
    tensors.push_back({input.name, 0, 0});
    spec.inputs.push_back(tensors.back());
    spec.layers.push_back(std::move(input));
  }
  LayerSpec layer;
  layer.name = name;
  layer.className = className;
  layer.config = std::move(config);
  layer.calls = {CallSpec::of(tensors)};
  spec.layers.push_back(std::move(layer));
  spec.outputs = {{name, 0, 0}};
  return spec;
}

/// The operations of an expanded model: [{"class", "op", "inputs"}], inputs counted as in make_lambdas.py:
/// first the model's, then the operations. Where a layer could not be expanded, the code of its problem.
inline nlohmann::json operationsOf(const GraphSpec& spec) {
  nlohmann::json operations = nlohmann::json::array();
  std::vector<std::string> known;
  for (const LayerSpec& layer : spec.layers) {
    if (!layer.problems.empty()) return layer.problems.front().code;
    known.push_back(layer.name);
    if (!layer.operation) continue;
    nlohmann::json inputs = nlohmann::json::array();
    for (const TensorRef& ref : layer.calls.at(0).inputs) {
      inputs.push_back(std::find(known.begin(), known.end(), ref.layer) - known.begin());
    }
    operations.push_back({{"class", layer.className}, {"op", layer.config["op"]}, {"inputs", inputs}});
  }
  return operations;
}

/// The first problem of a layer that could not be expanded, as people read it.
inline std::string problemOf(const GraphSpec& spec) {
  for (const LayerSpec& layer : spec.layers) {
    if (!layer.problems.empty()) return layer.problems.front().text();
  }
  return "";
}

inline GraphSpec expanded(const GraphSpec& spec, const std::string& kerasVersion = "2.15.0",
                          std::map<std::string, std::string, std::less<>> choices = {}) {
  const Dialect dialect = Dialect::parse(kerasVersion, "");
  Choices all(std::move(choices));
  return expandOperations(spec, dialect, all);
}

}  // namespace charglow::testing
