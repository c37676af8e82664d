#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.h"
#include "explain/attention.h"
#include "graph.h"
#include "keras/dialect.h"
#include "text/encoder.h"

namespace charglow {

/// What a model is fed.
enum class InputKind {
  Ids,     ///< (batch, timesteps), read by an Embedding
  OneHot,  ///< (batch, timesteps, tokens): ids as rows with a single 1
  Values,  ///< numbers that text does not turn into
};

/// A loaded model: immutable, shared by its sessions.
class Model {
 public:
  /// Reads a bundle (scripts/FORMAT.md), either form. Throws Error with everything that is wrong with it.
  static std::shared_ptr<const Model> open(std::vector<std::byte> bytes, std::string fileName);

  /// The same model, weights shared, with another text encoding (text/text_spec.h, parseVocabulary).
  [[nodiscard]] std::shared_ptr<const Model> withText(std::string_view vocabulary,
                                                      std::string_view fileName) const;

  [[nodiscard]] const Graph& graph() const { return core_->graph; }
  [[nodiscard]] const std::vector<AttentionSite>& attention() const { return core_->attention; }
  [[nodiscard]] InputKind inputKind() const { return inputKind_; }
  /// Shape of the model's input as the architecture gives it.
  [[nodiscard]] const Shape& inputShape() const { return graph().nodes[graph().inputs[0]].shape; }
  /// nullptr where the model has no vocabulary.
  [[nodiscard]] const TextEncoder* encoder() const { return encoder_ ? &*encoder_ : nullptr; }
  /// Timesteps to encode a text to, or -1: as many as it has.
  [[nodiscard]] int textLength() const;
  /// Number of different ids the model takes, where it is fed ids.
  [[nodiscard]] int idCount() const { return idCount_; }

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
    Dialect dialect;
    std::string fileName;
    size_t fileSize = 0;
    std::string title, layout, sourceFile, backend, licence, labels, examples, parity;
    std::vector<std::string> assumptions;
  };

  Model() = default;
  void setText(TextSpec spec, const std::string& where);

  std::shared_ptr<const Core> core_;
  InputKind inputKind_ = InputKind::Values;
  int idCount_ = 0;
  std::optional<TextEncoder> encoder_;
};

}  // namespace charglow
