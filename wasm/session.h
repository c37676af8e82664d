#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model.h"
#include "tensor.h"
#include "text/encoder.h"

namespace charglow {

/// One text, or one batch of inputs, on one model. Holds every node's values of the last run; buffers are
/// reused, so that typing allocates nothing large once it has seen the model's shapes. Not safe to use from
/// two threads at once.
class Session {
 public:
  explicit Session(std::shared_ptr<const Model> model);

  /// Encodes a text as Keras would and runs the model on it. Throws "no-vocabulary" where the model has none,
  /// and "empty-text" where nothing of the text is left for a model that takes any length.
  void setText(const SourceText& text);
  /// Runs the model on ids (batch, timesteps) as they are.
  void setIds(std::span<const int32_t> ids, int batch);
  /// Runs the model on numbers of the given shape, batch axis included.
  void setInput(std::span<const float> values, std::span<const int> shape);

  [[nodiscard]] const Model& model() const { return *model_; }
  /// How the last text met the model's input; nothing in it after setIds or setInput but ids and padding.
  [[nodiscard]] const EncodedText& encoded() const { return encoded_; }
  [[nodiscard]] bool hasText() const { return hasText_; }
  /// What a node of the graph computed in the last run. Throws "no-run" where there was none, or it was
  /// refused.
  [[nodiscard]] const Value& value(size_t node) const;
  /// Index of the node of a layer's first call. Throws "unknown-layer".
  [[nodiscard]] size_t nodeOf(std::string_view layer) const;
  /// The attention at a site in the last run, in the text's order.
  [[nodiscard]] std::vector<float> attention(const AttentionSite& site) const;

 private:
  void run(const Shape& input);
  void feedIds(std::span<const int32_t> ids, int batch);

  std::shared_ptr<const Model> model_;
  EncodedText encoded_;
  bool hasText_ = false;
  bool ran_ = false;  ///< the last run reached its end
  Shape inputShape_;  ///< of the last run; shapes are inferred again only when it changes
  std::vector<Value> values_;
  std::vector<Scratch> scratch_;
};

}  // namespace charglow
