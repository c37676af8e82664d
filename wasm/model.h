#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.h"
#include "explain/attention.h"
#include "explain/gradients.h"
#include "explain/states.h"
#include "graph.h"
#include "keras/choices.h"
#include "keras/dialect.h"
#include "text/encoder.h"
#include "text/text_choices.h"

namespace charglow {

/// What a model is fed.
enum class InputKind {
  Ids,     ///< (batch, timesteps), read by an Embedding
  OneHot,  ///< (batch, timesteps, tokens): ids as rows with a single 1
  Values,  ///< numbers that text does not turn into
};

/// One of a model's inputs.
struct ModelInput {
  size_t node = 0;  ///< of the graph
  InputKind kind = InputKind::Values;
  int idCount = 0;                               ///< number of different ids it takes, where it is fed ids
  std::shared_ptr<const TextEncoder> encoder{};  ///< how text becomes its ids; nullptr: no vocabulary
  std::string
      textLayer{};  ///< the layer in the file that reads text so; "" where the encoding was given apart
};

/// A loaded model: immutable, shared by its sessions.
class Model {
 public:
  /// Reads a bundle (scripts/FORMAT.md), either form. Throws Error with everything that is wrong with it.
  /// `choices` overrides what the engine assumes where the file is silent (keras/choices.h), id to value, on
  /// top of the bundle's own; an id that decides nothing in this model is an error.
  static std::shared_ptr<const Model> open(std::vector<std::byte> bytes, std::string fileName,
                                           const std::map<std::string, std::string>& choices = {});

  /// The same model, weights shared, with another text encoding (text/text_spec.h, parseVocabulary).
  [[nodiscard]] std::shared_ptr<const Model> withText(std::string_view vocabulary,
                                                      std::string_view fileName) const;

  [[nodiscard]] const Graph& graph() const { return core_->graph; }
  [[nodiscard]] const std::vector<AttentionSite>& attention() const { return core_->attention; }
  /// Gates and states of its recurrent layers.
  [[nodiscard]] const std::vector<StateSite>& states() const { return core_->states; }
  /// What its outputs react to, for each place where text becomes vectors.
  [[nodiscard]] const std::vector<GradientSite>& gradients() const { return core_->gradients; }
  /// The model's inputs, in its own order.
  [[nodiscard]] const std::vector<ModelInput>& inputs() const { return inputs_; }
  /// Shape of an input as the architecture gives it.
  [[nodiscard]] const Shape& inputShape(size_t input = 0) const {
    return graph().nodes[inputs_[input].node].shape;
  }
  /// nullptr where the input has no vocabulary.
  [[nodiscard]] const TextEncoder* encoder(size_t input) const { return inputs_[input].encoder.get(); }
  /// Timesteps to encode a text for an input to, or -1: as many as it has.
  [[nodiscard]] int textLength(size_t input = 0) const;

  /// Everything about the model, for people and for the page: ModelCard of engine.d.ts, as JSON text.
  [[nodiscard]] std::string card() const;
  /// The `parity` metadata (FORMAT.md section 6), or "".
  [[nodiscard]] const std::string& parity() const { return core_->parity; }

 private:
  /// What all text encodings of a model share. The bundle's bytes are not kept: the layers hold the weights,
  /// packed.
  struct Core {
    Graph graph;
    std::vector<AttentionSite> attention;
    std::vector<StateSite> states;
    std::vector<GradientSite> gradients;
    Dialect dialect;
    std::string fileName;
    size_t fileSize = 0;
    std::string title, layout, sourceFile, backend, licence, labels, examples, parity;
    Choices choices;
    TextChoices textChoices;  ///< for the encodings that are given apart from the model
  };

  Model() = default;
  void setText(TextSpec spec, const std::string& where);
  void setText(size_t input, std::shared_ptr<const TextEncoder> encoder, const std::string& where);

  std::shared_ptr<const Core> core_;
  std::vector<ModelInput> inputs_;
};

}  // namespace charglow
