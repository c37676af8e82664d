#include <algorithm>
#include <utility>

#include "keras/blocks/block.h"

namespace charglow {

using nlohmann::json;

size_t Pieces::push(Piece piece) {
  pieces_.push_back(std::move(piece));
  return inputs_ + pieces_.size() - 1;
}

size_t Pieces::add(std::string part, std::string className, json config, std::vector<size_t> inputs,
                   std::vector<TensorView> weights) {
  Piece piece{.part = std::move(part), .spec = {}, .inputs = std::move(inputs)};
  piece.spec.className = std::move(className);
  piece.spec.config = std::move(config);
  piece.spec.weights = std::move(weights);
  return push(std::move(piece));
}

size_t Pieces::addOperation(std::string part, std::string className, json config,
                            std::vector<size_t> inputs) {
  json wrapped = {{"op", std::move(config)}, {"of", block_.className}};
  const size_t index = add(std::move(part), std::move(className), std::move(wrapped), std::move(inputs));
  pieces_.back().spec.operation = true;
  return index;
}

size_t Pieces::addAttention(std::string part, const AttentionWeights& attention, size_t query, size_t value,
                            bool causal) {
  const json config = {
      {"num_heads", attention.heads},
      {"key_dim", attention.keyDim},
      {"value_dim", attention.valueDim},
      {"use_bias", attention.bias},
      {"output_shape", attention.output == attention.width ? json() : json(attention.output)}};
  const size_t index = add(std::move(part), "MultiHeadAttention", config, {query, value}, attention.weights);
  pieces_.back().apart = true;
  if (causal) pieces_.back().kwargs["use_causal_mask"] = true;
  return index;
}

std::string Pieces::nameOf(size_t piece) const {
  return piece + 1 == pieces_.size() ? "" : "/" + pieces_[piece].part;
}

std::vector<LayerSpec> Pieces::layers() const {
  std::vector<LayerSpec> layers;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    LayerSpec spec = piece.spec;
    spec.name = block_.name + nameOf(i);
    spec.model = block_.model;
    if (!block_.ownName.empty()) spec.ownName = block_.ownName + nameOf(i);
    for (size_t k = 0; k < block_.calls.size(); ++k) {
      const CallSpec& outer = block_.calls[k];
      std::vector<TensorRef> inputs;
      std::vector<std::optional<TensorRef>> masks;
      std::vector<size_t> unmasked;
      for (size_t at = 0; at < piece.inputs.size(); ++at) {
        const size_t input = piece.inputs[at];
        const bool given = input < inputs_;
        inputs.push_back(given ? outer.inputs[input]
                               : TensorRef{block_.name + nameOf(input - inputs_), static_cast<int>(k), 0});
        masks.push_back(given && input < outer.masks.size() ? outer.masks[input] : std::nullopt);
        if (given && std::find(outer.unmasked.begin(), outer.unmasked.end(), input) != outer.unmasked.end())
          unmasked.push_back(at);
      }
      CallSpec call = CallSpec::of(std::move(inputs));
      if (piece.apart) call.args = call.args[0];
      call.kwargs = piece.kwargs;
      call.masks = std::move(masks);
      call.unmasked = std::move(unmasked);
      spec.calls.push_back(std::move(call));
    }
    layers.push_back(std::move(spec));
  }
  return layers;
}

}  // namespace charglow
