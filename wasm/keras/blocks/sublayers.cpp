#include "keras/blocks/sublayers.h"

#include <algorithm>

namespace charglow {
namespace {

std::string_view parentOf(std::string_view name) {
  name = name.substr(0, std::min(name.rfind('/'), name.size()));
  if (name.ends_with("/vars")) name.remove_suffix(5);
  return name;
}

bool isBias(const std::vector<TensorView>& weights, std::span<const int64_t> of) {
  if (weights.size() == 1) return true;
  return weights.size() == 2 &&
         std::equal(of.begin(), of.end(), weights[1].shape.begin(), weights[1].shape.end());
}

Sublayer::Kind kindOf(const Sublayer& layer) {
  const std::vector<int64_t>& first = layer.weights[0].shape;
  const std::span<const int64_t> shape = first;
  if (first.size() == 3 &&
      (isBias(layer.weights, shape.subspan(1)) || isBias(layer.weights, shape.subspan(2))))
    return Sublayer::Kind::Projection;
  if (first.size() == 2 && layer.weights.size() == 1) return Sublayer::Kind::Embedding;
  if (first.size() == 2 && isBias(layer.weights, shape.subspan(1))) return Sublayer::Kind::Dense;
  if (first.size() == 1 && layer.weights.size() == 2 && layer.weights[1].shape == first)
    return Sublayer::Kind::Norm;
  return Sublayer::Kind::Unknown;
}

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool hasShape(const Sublayer& layer, std::initializer_list<int> first, std::initializer_list<int> bias) {
  const auto same = [](const std::vector<int64_t>& shape, std::initializer_list<int> sizes) {
    return std::equal(shape.begin(), shape.end(), sizes.begin(), sizes.end());
  };
  return same(layer.weights[0].shape, first) &&
         (layer.weights.size() == 1 || same(layer.weights[1].shape, bias));
}

}  // namespace

bool Sublayer::says(std::string_view word) const {
  return std::search(path.begin() + static_cast<ptrdiff_t>(from), path.end(), word.begin(), word.end(),
                     [](char a, char b) { return lowered(a) == b; }) != path.end();
}

int Sublayer::size(size_t axis) const { return static_cast<int>(weights[0].shape[axis]); }

std::vector<Sublayer> sublayersOf(std::span<const TensorView* const> weights) {
  std::vector<Sublayer> layers;
  for (const TensorView* weight : weights) {
    const std::string_view parent = parentOf(weight->name);
    if (layers.empty() || layers.back().path != parent) layers.push_back({std::string(parent), {}});
    layers.back().weights.push_back(*weight);
  }
  // What all paths begin with is the layer around them.
  size_t common = layers.empty() ? 0 : layers[0].path.size();
  for (const Sublayer& layer : layers) {
    const auto [a, b] =
        std::mismatch(layer.path.begin(), layer.path.end(), layers[0].path.begin(), layers[0].path.end());
    common = std::min(common, static_cast<size_t>(a - layer.path.begin()));
  }
  for (Sublayer& layer : layers) {
    const size_t slash = layer.path.rfind('/', common);
    layer.from = layers.size() == 1 || slash == std::string::npos ? 0 : slash;
    layer.kind = kindOf(layer);
  }
  return layers;
}

std::optional<AttentionWeights> attentionOf(std::span<const Sublayer> four) {
  if (four.size() != 4 || std::any_of(four.begin(), four.end(), [](const Sublayer& layer) {
        return layer.kind != Sublayer::Kind::Projection;
      }))
    return std::nullopt;
  AttentionWeights attention;
  attention.width = four[0].size(0);
  attention.heads = four[0].size(1);
  attention.keyDim = four[0].size(2);
  attention.valueDim = four[2].size(2);
  attention.output = four[3].size(2);
  attention.bias = four[0].weights.size() == 2;
  const auto& [heads, keyDim, valueDim, width, output, bias, weights] = attention;
  const bool fits = hasShape(four[0], {width, heads, keyDim}, {heads, keyDim}) &&
                    hasShape(four[1], {four[1].size(0), heads, keyDim}, {heads, keyDim}) &&
                    hasShape(four[2], {four[1].size(0), heads, valueDim}, {heads, valueDim}) &&
                    hasShape(four[3], {heads, valueDim, output}, {output}) &&
                    std::all_of(four.begin(), four.end(), [&](const Sublayer& layer) {
                      return (layer.weights.size() == 2) == attention.bias;
                    });
  if (!fits) return std::nullopt;
  for (const Sublayer& layer : four)
    attention.weights.insert(attention.weights.end(), layer.weights.begin(), layer.weights.end());
  return attention;
}

std::optional<int> featuresOfDenseAttention(std::span<const Sublayer> four) {
  if (four.size() != 4) return std::nullopt;
  const int features = four[0].size(0);
  const bool fits = std::all_of(four.begin(), four.end(), [&](const Sublayer& layer) {
    return layer.kind == Sublayer::Kind::Dense && hasShape(layer, {features, features}, {features});
  });
  return fits ? std::optional(features) : std::nullopt;
}

AttentionWeights denseAttentionOf(std::span<const Sublayer> four, int heads) {
  AttentionWeights attention;
  attention.heads = heads;
  attention.width = attention.output = four[0].size(0);
  attention.keyDim = attention.valueDim = attention.width / heads;
  attention.bias = true;
  for (const Sublayer& layer : four) {
    const bool last = &layer == &four[3];
    TensorView kernel = layer.weights[0];
    TensorView bias = layer.weights[1];
    if (last) {
      kernel.shape = {heads, attention.valueDim, attention.output};
    } else {
      kernel.shape = {attention.width, heads, attention.keyDim};
      bias.shape = {heads, attention.keyDim};
    }
    attention.weights.push_back(std::move(kernel));
    attention.weights.push_back(std::move(bias));
  }
  return attention;
}

}  // namespace charglow
