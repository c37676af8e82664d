#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.h"
#include "keras/choices.h"
#include "keras/config_reader.h"
#include "layers/layer.h"

namespace charglow {

/// Sizes of a layer's weights by the letters of a pattern.
using Sizes = std::map<char, int>;

/// What a file tells of a layer of a class that Keras does not have. The code that computes it is not in the
/// file.
struct CustomLayer {
  ConfigReader& config;                        ///< to read the options with
  const nlohmann::json& options;               ///< the same, to look at
  std::span<const TensorView* const> weights;  ///< in the file's order
  bool masked = false;     ///< whether the model has masks at all, so that one may reach the layer
  size_t inputs = 1;       ///< how many tensors it is called with
  size_t tensorsRead = 1;  ///< how many of the layer's tensors the model reads, from the first on

  /// The class without the package it is registered in: "AttLayer" for "text>AttLayer".
  [[nodiscard]] std::string_view className() const;
  [[nodiscard]] std::string lowerClassName() const;
  /// The choice of what it is.
  [[nodiscard]] std::string choiceId() const;

  /// Whether the weights have the shapes of a pattern: a string for each weight, with a letter or a 1 for
  /// each axis, the same letter for the same size. {"dk", "k", "k1"} is (5, 6), (6,), (6, 1).
  [[nodiscard]] std::optional<Sizes> fit(std::initializer_list<std::string_view> pattern) const;

  /// `W (5, 6), b (6,)`.
  [[nodiscard]] std::string weightsText() const;

  /// Whether something about it is called attention: its class, itself, or a weight.
  [[nodiscard]] bool calledAttention() const;
};

/// A way in which a layer with these weights may compute.
struct Form {
  std::string value;     ///< of the choice between forms
  std::string label;     ///< for people: how it computes
  int told = 0;          ///< how much besides the weights speaks for it: its class's name, its options
  bool distinct = true;  ///< no common layer of another kind has such weights
  std::function<std::unique_ptr<Layer>(CustomLayer&)> make;
};

// The families of layers: each adds what a layer can be.
void addPooledForms(const CustomLayer& layer, std::vector<Form>& forms);
void addSelfAttentionForms(const CustomLayer& layer, std::vector<Form>& forms);
void addLastStepForms(const CustomLayer& layer, std::vector<Form>& forms);
void addBahdanauForms(const CustomLayer& layer, std::vector<Form>& forms);
void addDecoderForms(const CustomLayer& layer, std::vector<Form>& forms);

/// Whether a layer is to be recognised by its weights: its class is none of Keras's, or shares the name
/// "Attention" with one that people wrote before and after Keras had it.
bool isCustomLayer(std::string_view className, const nlohmann::json& config);

/// Recognises a layer by its options and the shapes of its weights, its class's name only deciding between
/// what fits, and makes it. What it is taken for is told, and where it could be something else, up to the
/// user: the choice "LAYER.attention". nullptr where it is none that the engine knows; then that is a
/// problem.
std::unique_ptr<Layer> makeCustomLayer(CustomLayer layer, Choices& choices);

/// Whether files of a layer's generation were written while it computed as before June 2020, when
/// keras-self-attention 0.46 changed how it treats masks and windows. Keras beside TensorFlow ended in 2019.
bool writtenBeforeJune2020(const Dialect& dialect);

}  // namespace charglow
