#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "keras/choices.h"
#include "keras/dialect.h"
#include "keras/infer/wiring.h"

namespace charglow {

/// Whether the layers have the names of DeepMoji's (deepmoji/model_def.py), a public model that many have
/// trained further: it masks id 0 and joins the last layer first.
bool isDeepMoji(std::span<const WiredLayer> layers);

/// Completes the configuration of a layer in a wiring by all that its weights do not tell: activations,
/// masks, directions … Each is an assumption.
class OptionChooser {
 public:
  OptionChooser(std::span<const WiredLayer> layers, const Wiring& wiring, const Dialect& dialect,
                Choices& choices)
      : layers_(layers), wiring_(wiring), dialect_(dialect), choices_(choices) {}

  /// The form's class and configuration, completed. `layer` is the index of the layer.
  LayerForm complete(size_t layer);

 private:
  void embedding(size_t layer, LayerForm& form);
  void recurrent(size_t layer, LayerForm& form);
  void gates(size_t layer, const std::string& className, LayerForm& form);
  void dense(size_t layer, LayerForm& form);
  void activation(size_t layer, LayerForm& form);
  void softmax(size_t layer, LayerForm& form);
  void lambda(size_t layer, LayerForm& form);
  void convolution(size_t layer, LayerForm& form);
  void pooling(size_t layer, LayerForm& form);
  void normalisation(size_t layer, LayerForm& form);
  void bidirectional(size_t layer, LayerForm& form);

  [[nodiscard]] std::string likelyActivation(size_t layer) const;
  /// Whether a recurrent layer's weights are in the layout of CuDNN.
  [[nodiscard]] bool isCudnn(size_t layer) const;
  [[nodiscard]] bool hardSigmoidGates(size_t layer, const LayerForm& form) const;
  [[nodiscard]] const std::string& nameOf(size_t layer) const { return layers_[layer].seen->name; }
  [[nodiscard]] const LayerForm& formOf(size_t layer) const {
    return layers_[layer].forms[wiring_.steps[layer].form];
  }
  [[nodiscard]] const Sizes& outputOf(size_t layer) const { return wiring_.shapes[layer + 1]; }
  [[nodiscard]] bool isOutput(size_t layer) const;
  [[nodiscard]] bool isDense(size_t layer) const;
  /// The layers that read a layer's output.
  [[nodiscard]] std::vector<size_t> readersOf(size_t layer) const;
  /// The layer that a layer reads first; nothing where that is the model's input.
  [[nodiscard]] std::optional<size_t> sourceOf(size_t layer) const;
  std::string choose(size_t layer, const char* option, const std::string& what,
                     const std::vector<std::string>& values, const std::string& likely, bool open = false);

  std::span<const WiredLayer> layers_;
  const Wiring& wiring_;
  const Dialect& dialect_;
  Choices& choices_;
};

}  // namespace charglow
