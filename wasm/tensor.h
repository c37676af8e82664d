#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace charglow {

/// Size of an axis that is only known when there is an input (None in Keras).
inline constexpr int kUnknown = -1;

/// What an axis runs along. Sizes cannot tell timesteps from features when the two are equal (250 and 250 in
/// the classic model), so every shape rule says which axis is which.
enum class Along : uint8_t {
  Other,         ///< batch, features, heads …
  Time,          ///< the input's timesteps, in order
  ReversedTime,  ///< the input's timesteps, last first (the output of a go_backwards layer)
};

/// Which timesteps of a model's input the steps of an axis stand for: step i for `width` of them from
/// `offset + i * stride` on. A convolution or a pooling makes a sequence shorter than the text.
struct Steps {
  static constexpr int kNoInput = -1;
  int input = 0;  ///< which of the model's inputs, or kNoInput: a sequence of another kind
  int stride = 1;
  int offset = 0;
  int width = 1;

  bool operator==(const Steps&) const = default;
};

/// One axis of a tensor.
struct Dim {
  int size = kUnknown;
  Along along = Along::Other;
  Steps steps = {};  ///< where it runs along the timesteps

  [[nodiscard]] bool known() const { return size != kUnknown; }
  [[nodiscard]] bool isTime() const { return along != Along::Other; }
  /// Runs along what `other` does; the size stays.
  void follow(const Dim& other) {
    along = other.along;
    steps = other.steps;
  }
  bool operator==(const Dim&) const = default;
};

/// Axes of a tensor, batch first. A model's shapes are inferred once when it is loaded (batch and variable
/// timesteps unknown) and again, with every size known, when the number of timesteps of its input changes.
using Shape = std::vector<Dim>;

/// "(None, 250, 100)", as Keras prints shapes.
std::string shapeText(const Shape& shape);

/// The largest tensor a model may have: half a gigabyte of floats. Checked wherever shapes are inferred
/// (graph.h), so that products of sizes within a tensor fit an int everywhere else.
inline constexpr int kMaxElements = 1 << 27;
/// All tensors of a model together: a gigabyte.
inline constexpr int kMaxTotal = 1 << 28;

/// Number of elements of axes [from, to): kUnknown where a size is not known, kMaxElements + 1 where it is
/// more than kMaxElements.
int elementCount(const Shape& shape, size_t from, size_t to);
int elementCount(const Shape& shape);

/// A tensor that a node computed: values in C order and, where Keras carries one, the mask.
struct Value {
  Shape shape;              ///< every size known
  std::vector<float> data;  ///< elementCount(shape) values
  /// 0 = masked: a flag for each timestep, (batch, timesteps), or finer, with further leading axes of the
  /// shape (words within sentences); empty: there is no mask
  std::vector<uint8_t> mask;

  /// Takes a shape and makes room for its values. Allocates only when it has never been as large before.
  void reshape(const Shape& to);
};

/// What a layer reads: a Value, or a part of one under another shape.
struct View {
  const Shape& shape;
  std::span<const float> data;
  std::span<const uint8_t> mask;
};

/// What a layer writes: its shape is settled, its values are to be filled in, its mask is empty.
struct Output {
  const Shape& shape;
  std::span<float> data;
  std::vector<uint8_t>& mask;

  /// Hands a mask on.
  void passMask(const View& from) const { mask.assign(from.mask.begin(), from.mask.end()); }
};

}  // namespace charglow
