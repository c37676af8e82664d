#pragma once

#include <map>
#include <memory>
#include <optional>
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

  /// Encodes a text as Keras would, for one of the model's inputs, and runs the model on it. The other inputs
  /// keep what they were last given, and before that are an empty text or zeros. Throws "no-vocabulary" where
  /// the model has none, and "empty-text" where nothing of the text is left for a model that takes any
  /// length.
  void setText(const SourceText& text, size_t input = 0);
  /// Runs the model on ids (batch, timesteps) as they are.
  void setIds(std::span<const int32_t> ids, int batch, size_t input = 0);
  /// Runs the model on numbers of the given shape, batch axis included.
  void setInput(std::span<const float> values, std::span<const int> shape, size_t input = 0);

  /// The same without running: for several inputs that change together, before `run`.
  void feedText(const SourceText& text, size_t input);
  void feedIds(std::span<const int32_t> ids, int batch, size_t input);
  void feedInput(std::span<const float> values, std::span<const int> shape, size_t input);
  /// Runs the model on what its inputs hold. Throws "batch" where they hold batches of different sizes.
  void run();

  /// Whether stateful layers go on with the states of the run before, as in Keras, or start from zero in
  /// every run (as at first, so that a text's result does not depend on what was run before). States start
  /// from zero when it is turned on.
  void carryStates(bool carry);
  /// What Keras calls reset_states: stateful layers start from zero in the next run.
  void resetStates() { carried_.clear(); }

  [[nodiscard]] const Model& model() const { return *model_; }
  /// The input that was last given something.
  [[nodiscard]] size_t lastInput() const { return last_; }
  /// How the last text met that input; nothing in it after setIds or setInput but ids and padding.
  [[nodiscard]] const EncodedText& encoded() const { return fed_[last_].encoded; }
  [[nodiscard]] bool hasText() const { return fed_[last_].hasText; }
  /// What a node of the graph computed in the last run. Throws "no-run" where there was none, or it was
  /// refused.
  [[nodiscard]] const Value& value(size_t node) const;
  /// Index of the node of a layer's first call. Throws "unknown-layer".
  [[nodiscard]] size_t nodeOf(std::string_view layer) const;
  /// Index of the node of what a layer attends with: its own weights where it attends inside, its output
  /// otherwise. Throws "unknown-layer".
  [[nodiscard]] size_t attentionNodeOf(std::string_view layer) const;
  /// The attention at a site in the last run, in the text's order.
  [[nodiscard]] SignalValues attention(const AttentionSite& site) const;
  /// A gate or a state in the last run: (batch, steps, units), in the order of the layer's input. Computed
  /// when it is asked for, by running the layer once more on what it read.
  [[nodiscard]] const Value& recorded(const StateSite& site);
  /// The same of one text, batch 1, in the text's order.
  [[nodiscard]] SignalValues state(const StateSite& site);

  /// Where a backward pass starts: d(loss)/d(a node's value), as many numbers as the value has.
  struct Seed {
    size_t node = 0;
    std::vector<float> gradient;
  };
  /// Takes gradients back through the last run: from those at `seeds` to those at `wanted`, which `gradient`
  /// then gives. Carried states are constants. Throws "no-run".
  void backward(std::span<const Seed> seeds, std::span<const size_t> wanted);
  /// d(loss)/d(a node's value) after `backward`, for those that were wanted; empty where the loss does not
  /// depend on it.
  [[nodiscard]] std::span<const float> gradient(size_t node) const { return gradients_[node]; }

  /// The gradients of an element of the outputs, of one text, with respect to the vectors of all of the
  /// model's gradients(): `gradient` gives them after it. Computed when asked for, once for a run. Returns
  /// the element, with its index. Throws "unknown-output", "output-index" and "batch", and what `backward`
  /// does.
  OutputElement differentiate(const OutputElement& of);
  /// What that element reacts to, in the text's order.
  [[nodiscard]] SignalValues reaction(const GradientSite& site, const OutputElement& of);

 private:
  /// What one of the model's inputs was given; its numbers are in `values_`.
  struct Fed {
    bool given = false;
    Shape shape;
    EncodedText encoded;
    bool hasText = false;
  };

  void store(std::span<const int32_t> ids, int batch, size_t input);
  void fillUnset();
  void settleShapes();
  [[nodiscard]] View viewOf(const Node& node, size_t position);
  /// What the call at hand reads and writes; made once for a run.
  struct Call {
    std::vector<View> inputs;
    std::vector<Output> outputs;
  };
  void runCall(size_t node, Call& call, std::map<size_t, std::vector<float>>& carried);
  size_t require(size_t input) const;
  void backwardCall(size_t node, const std::vector<uint8_t>& needed);

  std::shared_ptr<const Model> model_;
  std::vector<Fed> fed_;  ///< for each of the model's inputs
  size_t last_ = 0;
  bool ran_ = false;                ///< the last run reached its end
  std::vector<Shape> inputShapes_;  ///< of the last run; shapes are inferred again only when they change
  std::vector<Value> values_;
  std::vector<Scratch> scratch_;
  std::vector<std::vector<uint8_t>> masks_;  ///< those that a node hands over as numbers, as flags
  bool carry_ = false;
  /// States of stateful layers by the node of their call: after the last run, and as that run found them.
  std::map<size_t, std::vector<float>> carried_;
  std::map<size_t, std::vector<float>> found_;
  std::optional<OutputElement> differentiated_;    ///< what gradients_ are of
  std::vector<std::vector<float>> gradients_;      ///< of the last backward pass, by node
  std::map<size_t, std::vector<Value>> recorded_;  ///< gates and states of the last run, by node
};

}  // namespace charglow
