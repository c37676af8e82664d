#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "bundle_writer.h"
#include "fixtures.h"
#include "model.h"

namespace charglow::testing {

/// A fixture's bundle, taken apart so that a test can change it.
struct TakenApart {
  TestBundle bundle;
  nlohmann::json config;

  explicit TakenApart(const std::string& fixture) {
    const Bundle original = Bundle::open(readFile(bundlePath(fixture)), fixture);
    for (const TensorView& tensor : original.tensors()) {
      std::vector<float> values(tensor.count());
      tensor.copyTo(values);
      bundle.tensors.push_back({tensor.name, tensor.dtype, tensor.shape, {values.begin(), values.end()}});
    }
    for (const LayerWeights& layer : original.layers()) {
      bundle.layers.push_back({layer.layer, {}, layer.kerasName});
      for (const TensorView* tensor : layer.tensors) bundle.layers.back().weights.push_back(tensor->name);
    }
    for (const char* key : {"source", "keras_version", "backend", "text"}) {
      if (const auto value = original.metadata(key)) bundle.metadata[key] = std::string(*value);
    }
    config = nlohmann::json::parse(*original.metadata("model_config"));
  }

  /// The configuration of a layer by name.
  nlohmann::json& layer(const std::string& name) {
    for (nlohmann::json& entry : config["config"]["layers"]) {
      if (entry["config"]["name"] == name) return entry;
    }
    throw std::runtime_error("no layer " + name);
  }

  std::shared_ptr<const Model> open() {
    bundle.metadata["model_config"] = config.dump();
    return Model::open(bytesOf(bundle.binary()), "m.safetensors");
  }

  /// "code | text" of everything that is wrong, a line each.
  std::string refusal() {
    try {
      open();
    } catch (const Error& error) {
      std::string all;
      for (const Problem& problem : error.problems())
        all += (all.empty() ? "" : "\n") + problem.code + " | " + problem.text();
      return all;
    }
    return "accepted";
  }
};

}  // namespace charglow::testing
