// MultiHeadAttention and GroupQueryAttention of Keras: what they are made of. keras/layers/attention/
// multi_head_attention.py (2.6 to 2.15); keras/src/layers/attention/multi_head_attention.py and
// grouped_query_attention.py (3.0 to 3.15).

#pragma once

#include <array>
#include <memory>
#include <optional>

#include "keras/config_reader.h"
#include "kernels/activations.h"
#include "kernels/row_products.h"
#include "layers/attention/attending_layer.h"

namespace charglow {

/// query (batch, T, …), value (batch, S, …), key (batch, S, …), without one the value. With N heads, and each
/// head's part of what follows:
///
///     Q = query·Wq + bq (T, N·k)   K = key·Wk + bk (S, N·k)   V = value·Wv + bv (S, N·v)
///     attention (batch, N, T, S) = softmax over S of Q·Kᵀ / √k, less 1e9 where a query may not see a step
///     output (batch, T, o) = attention·V (T, N·v) · Wo (N·v, o) + bo
///
/// Gated, attention·V is multiplied by sigmoid(query·Wg + bg) before the last product. A query may not see a
/// step that is masked, nor any where it is masked itself, nor one that attention_mask, the causal mask or
/// the window forbids. The output has the query's mask.
class MultiHeadAttention : public AttendingLayer {
 public:
  struct Options {
    int heads = 1;
    int keyHeads = 1;  ///< of key and value, each shared by heads / keyHeads heads of the query
    int keyDim = 1;
    int valueDim = 1;
    int outputDim = 0;  ///< 0: as wide as the query
    int window = 0;     ///< a query sees steps nearer than that; 0: all
    bool bias = true;
    bool gate = false;
    bool dropout = false;
    bool grouped = false;  ///< GroupQueryAttention
  };

  MultiHeadAttention(const ConfigReader& config, Options options);

  std::unique_ptr<Layer> forCall(CallReader& reader) const override;
  bool takesInputs(size_t count) const override { return count >= 2 && count <= 4; }
  Shape outputShape(std::span<const Shape> inputs) const override;
  bool hasWeights() const override { return true; }
  bool takesMasksOff() const override { return rules_.takesOff && !options_.grouped; }
  void build(std::span<const Shape> inputs, WeightReader& weights) override;
  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override;
  void backward(const Backward& call, Scratch& scratch) const override;
  std::string detail() const override;

 protected:
  Shape attentionShape(std::span<const Shape> inputs) const override;
  std::vector<SignalAxis> attentionAxes() const override;
  std::string why() const override;

 private:
  /// What differs between generations where a query may not attend to a step.
  struct MaskRules {
    bool masks;  ///< masks of the inputs are looked at, and that of the query is handed on: from 2.10 on
    bool zero;   ///< attention to what is hidden is zero even where all is: from 3.13 on
    bool fusedOutput;  ///< without dropout the output does not come of that attention, but of Keras's
                       ///< dot_product_attention, uniform where all is hidden: from 3.7 on
    bool takesOff;     ///< MultiHeadAttention leaves no masks on its inputs: from 3.8 on

    explicit MaskRules(const Dialect& dialect)
        : masks(dialect.major >= 3 || dialect.minor >= 10),
          zero(dialect.major >= 3 && dialect.minor >= 13),
          fusedOutput(dialect.major >= 3 && dialect.minor >= 7),
          takesOff(dialect.major >= 3 && dialect.minor >= 8) {}
  };

  /// Shared by all calls of a layer.
  struct Weights {
    Affine query, key, gate, value, output;
  };

  /// What a call keeps of its projections from one run to the next.
  struct Products {
    RowProducts query, key, value;
  };

  /// What one call does with its tensors: indices into them, and options.
  struct Call {
    size_t query = 0;
    size_t value = 1;
    size_t key = 1;
    std::optional<size_t> mask;
    bool causal = false;
    bool returned = false;
  };

  /// A text's projections, the heads' sums and the gate, or their gradients.
  struct Room {
    float* query;  ///< (T, N·k)
    float* key;    ///< (S, N·k)
    float* value;  ///< (S, N·v)
    float* heads;  ///< attention·V (T, N·v)
    float* gate;   ///< (T, N·v); nothing where there is none
  };

  /// Which steps the queries of one head see in one text.
  class Seen {
   public:
    Seen(const MultiHeadAttention& layer, std::span<const View> inputs, int b, int head);

    /// Nothing hides anything: every query may attend to every step.
    [[nodiscard]] bool everything() const {
      return !causal_ && window_ <= 0 && mask_ == nullptr && query_.empty() && value_.empty() && key_.empty();
    }
    /// Whether query t sees step s.
    bool operator()(int t, int s) const;
    /// Whether query t sees none of `steps`.
    [[nodiscard]] bool blind(int t, int steps) const;

   private:
    bool causal_;
    int window_;
    std::span<const uint8_t> query_, value_, key_;
    const float* mask_ = nullptr;  ///< attention_mask, and how far its queries and steps lie apart
    ptrdiff_t maskQuery_ = 0;
    ptrdiff_t maskStep_ = 0;
  };

  MultiHeadAttention(const MultiHeadAttention& layer, Call call);

  bool outputIsFused() const { return rules_.fusedOutput && !options_.dropout && !returned(); }
  float scale() const;

  Affine takeProjection(WeightReader& weights, int features, std::array<int, 2> to) const;
  void checkMask(const Shape& mask, const Dim& query, const Dim& value) const;
  /// The floats of a Room.
  size_t roomSize(int queries, int steps) const;
  /// The Room that lies at `from`.
  Room roomFor(int queries, int steps, float* from) const;
  void project(std::span<const View> inputs, int b, const Room& room, Scratch& scratch) const;
  /// Head n's part of what has `features` for each of `heads` heads, side by side in rows.
  static Rows headOf(const float* all, int n, int count, int features, int heads) {
    return {all + static_cast<ptrdiff_t>(n) * features, count, features, heads * features};
  }
  /// Which head of key and value head n of the query reads.
  int sharedHead(int n) const { return n / (options_.heads / options_.keyHeads); }
  void hide(float* scores, int queries, int steps, const Seen& seen) const;
  void clearBlind(float* attention, int queries, int steps, const Seen& seen) const;
  /// The gate (T, N·v) of a text's query.
  void computeGate(Rows query, float* gate) const;

  void gateBackward(Rows query, const Room& room, const Room& gradients, GradientRows below) const;
  void headBackward(const Backward& call, int b, int n, const Room& room, const Room& gradients,
                    std::span<float> weights, std::span<float> gradient, Affine& packed) const;

  Options options_;
  MaskRules rules_;
  Call call_;
  std::shared_ptr<Weights> weights_;
};

}  // namespace charglow
