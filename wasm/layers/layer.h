#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/affine.h"
#include "tensor.h"

namespace charglow {

class CallReader;
class Layer;
class WeightReader;

/// Working memory of one node in one session. A layer may grow it; it is never shrunk, so that a run whose
/// shapes were seen before allocates nothing.
class Scratch {
 public:
  /// The first `count` floats, uninitialised.
  float* room(size_t count) {
    if (floats_.size() < count) floats_.resize(count);
    return floats_.data();
  }

  /// Where a layer packs one of its inputs, to multiply others with it.
  Affine packed;

  /// What `owner`, a layer that works here, keeps from one run to the next: a T, made when it is first asked
  /// for. An owner keeps one kind of thing.
  template <class T>
  T& kept(const Layer* owner) {
    std::unique_ptr<Kept>& place = kept_[owner];
    if (place == nullptr) place = std::make_unique<Holder<T>>();
    return static_cast<Holder<T>&>(*place).value;
  }

 private:
  struct Kept {
    virtual ~Kept() = default;
  };
  template <class T>
  struct Holder : Kept {
    T value;
  };

  std::vector<float> floats_;
  std::map<const Layer*, std::unique_ptr<Kept>> kept_;
};

/// What a layer does to an attention vector that passes through it (explain/attention.h).
enum class Part {
  Other,
  Relayout,  ///< moves or repeats its input's values without changing them: Flatten, Permute, RepeatVector,
             ///< Dropout …
  Product,   ///< elementwise product of its inputs
  Contraction,  ///< sums the product of its two inputs over one axis of each: Dot
  Reduction,    ///< sums, averages … over axes that its output no longer has
};

/// What an axis of a tensor of attention weights (or of any other Signal) runs along. The order is the one in
/// which a Signal has its axes.
enum class SignalAxis : uint8_t {
  None,     ///< the batch, or an axis of length 1: left out
  Head,     ///< attention heads
  Feature,  ///< one attention for each feature
  Unit,     ///< the units of a recurrent layer
  Query,    ///< who attends
  Step,     ///< what is attended to: the axis that attention is normalised over
};

/// A gate or a state of a recurrent layer, which it computes at every step and keeps to itself.
struct StepSignal {
  std::string name;   ///< within the layer: "update_gate", "forward/state"
  bool gate = false;  ///< or a state
  int units = 0;
  std::string why;  ///< what it does, in a sentence
};

/// A tensor of attention weights that a call of a layer computes.
struct AttentionTensor {
  size_t tensor = 0;             ///< which of the call's tensors (Layer::tensorCount) it is
  std::vector<SignalAxis> axes;  ///< of that tensor, batch axis included
  std::string why;               ///< how the layer attends, in a sentence
};

/// What a layer's backward pass reads and writes: one call as it was computed, and the loss's gradients
/// around it.
struct Backward {
  std::span<const View> inputs;   ///< what the call read
  std::span<const View> outputs;  ///< what it gave: all tensorCount() of them
  /// For each of `outputs` d(loss)/d(it), in its shape; empty where the loss does not depend on it.
  std::span<const std::span<const float>> outputGradients;
  /// For each of `inputs` where d(loss)/d(it), in its shape, is to be added; empty where nobody asks for it.
  std::span<const std::span<float>> inputGradients;
  /// The states that a stateful layer started from, as in forwardCarrying; empty: zeros. Constants.
  std::span<const float> carried = {};
};

/// A layer of a model: immutable once built, shared by all sessions. Every tensor has a batch axis, axis 0.
class Layer {
 public:
  Layer(std::string name, std::string className) : name_(std::move(name)), className_(std::move(className)) {}
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& className() const { return className_; }

  /// Reads what else a call was given than the tensors that are simply its inputs, in order. A layer whose
  /// calls can differ answers with the object to use for this call, which shares the weights with this one;
  /// others with nullptr. Arguments that are not read here are refused.
  [[nodiscard]] virtual std::unique_ptr<Layer> forCall(CallReader& call) const;

  /// Whether it can be called with this many tensors.
  [[nodiscard]] virtual bool takesInputs(size_t count) const { return count == 1; }

  /// The shape rule: sizes that are not known stay kUnknown, and every axis says what it runs along.
  /// Throws Error naming the layer, the shape it takes and the shape it was given.
  [[nodiscard]] virtual Shape outputShape(std::span<const Shape> inputs) const = 0;

  /// How many tensors a call gives: more than one for recurrent layers that also return their states.
  [[nodiscard]] virtual size_t outputCount() const { return 1; }
  /// How many tensors a call computes: those of outputCount(), then others that Keras does not hand out, such
  /// as the attention weights inside of the layer.
  [[nodiscard]] virtual size_t tensorCount() const { return outputCount(); }
  /// The attention weights among its tensors.
  [[nodiscard]] virtual std::vector<AttentionTensor> attention() const { return {}; }
  /// The shape rule of a layer with several tensors: one shape for each of tensorCount().
  [[nodiscard]] virtual std::vector<Shape> outputShapes(std::span<const Shape> inputs) const {
    return {outputShape(inputs)};
  }

  /// Whether it takes weights from the file.
  [[nodiscard]] virtual bool hasWeights() const { return false; }

  /// Takes the layer's weights, checking each shape against the inputs of its first call.
  virtual void build(std::span<const Shape> /*inputs*/, WeightReader& /*weights*/) {}

  /// The forward pass, as at inference: `output` has the shape that outputShape gives and no mask; the layer
  /// fills in its values and, where Keras hands a mask on, the mask. A layer with several tensors overrides
  /// forwardAll instead, and is never asked for one of them alone.
  virtual void forward(std::span<const View> inputs, Output output, Scratch& scratch) const {
    forwardAll(inputs, {&output, 1}, scratch);
  }
  /// The forward pass of a layer with several tensors.
  virtual void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                          Scratch& scratch) const {
    forward(inputs, outputs[0], scratch);
  }

  /// Whether its output is its input itself, mask and all, and not a copy.
  [[nodiscard]] virtual bool isItsInput() const { return false; }
  /// Whether a call takes the masks off its inputs, for all that read them later.
  [[nodiscard]] virtual bool takesMasksOff() const { return false; }

  /// The vector-Jacobian product of a call with respect to its inputs: adds to each of call.inputGradients
  /// what the gradients of its outputs come to there. Masks are constants. Weights get no gradient. What the
  /// forward pass computed on the way and did not keep is computed again, so that a run from which no
  /// gradient is asked costs nothing more. Where the derivative is not defined it is what TensorFlow takes.
  virtual void backward(const Backward& call, Scratch& scratch) const = 0;

  /// The gates and states that recordSteps gives.
  [[nodiscard]] virtual std::vector<StepSignal> stepSignals() const { return {}; }
  /// Computes the layer once more and keeps its gates and states: one value (batch, steps, units) for each of
  /// stepSignals(), in the order of the steps of inputs[0]. At a masked step the states are those before it,
  /// and the gates what Keras computes there too and does not use. `carried`: as it was before the call to be
  /// recorded, or empty.
  [[nodiscard]] virtual std::vector<Value> recordSteps(std::span<const View> /*inputs*/,
                                                       std::span<const float> /*carried*/,
                                                       Scratch& /*scratch*/) const {
    return {};
  }

  /// Floats for each row of the batch that the layer, being stateful, keeps from one call to the next; 0 for
  /// others.
  [[nodiscard]] virtual size_t carriedSize() const { return 0; }
  /// forwardAll that starts from the states in `carried`, carriedSize() for each row of the batch, and leaves
  /// there those it ends with.
  virtual void forwardCarrying(std::span<const View> inputs, std::span<const Output> outputs,
                               std::span<float> /*carried*/, Scratch& scratch) const {
    forwardAll(inputs, outputs, scratch);
  }

  /// For a layer whose input is ids: how many different ones it knows.
  [[nodiscard]] virtual std::optional<int> idCount() const { return std::nullopt; }

  /// What matters of its options, for people: "reset_after, hard_sigmoid". May be empty.
  [[nodiscard]] virtual std::string detail() const { return ""; }

  /// Name of the activation its output went through ("" where it has none).
  [[nodiscard]] virtual std::string activation() const { return ""; }

  [[nodiscard]] virtual Part part() const { return Part::Other; }

  /// Axis of its output that it normalises by a softmax, if it does.
  [[nodiscard]] virtual std::optional<size_t> softmaxAxis(const Shape& /*output*/) const {
    return std::nullopt;
  }

  /// For a Relayout, and for a mean over other axes: the axis of its input that runs along axis `axis` of its
  /// output; nothing where its values are only repeated along it, or where it mixes several.
  [[nodiscard]] virtual std::optional<size_t> inputAxis(size_t /*axis*/, const Shape& /*input*/) const {
    return std::nullopt;
  }

  /// For a Contraction: the axis that input `which` is summed over.
  [[nodiscard]] virtual size_t contractedAxis(size_t /*which*/, std::span<const Shape> /*inputs*/) const {
    return 0;
  }

 private:
  std::string name_;
  std::string className_;
};

/// to += gradient; nothing where either is empty, as those that nobody asks for are.
void addGradient(std::span<const float> gradient, std::span<float> to);

/// Throws "layer-input": layer `layer` was given a shape that it cannot take.
[[noreturn]] void refuseInput(const Layer& layer, std::string_view expected, const Shape& actual);

/// An axis as Keras writes it, negative from the end, counted from the front. Throws "layer-input" where
/// `shape` has no such axis or it is the batch's.
size_t resolveAxis(const Layer& layer, int axis, const Shape& shape);

}  // namespace charglow
