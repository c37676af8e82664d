#include <algorithm>
#include <string>

#include "keras/weight_reader.h"
#include "kernels/reduce.h"
#include "kernels/row_products.h"
#include "kernels/strided.h"
#include "layers/activation_backward.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// The letters of an equation for an input of a certain rank: what stood for "..." written out as digits.
struct Letters {
  std::string input, kernel, output;
};

bool has(const std::string& letters, char c) { return letters.find(c) != std::string::npos; }

/// y = activation(einsum(equation, x, K) + b): a Dense layer whose axes may be several.
/// keras/layers/core/einsum_dense.py (2.15). Letters of x and K that y lacks are summed over; the other ones
/// of K are new axes of y; those of x alone stay. An axis that all three have would be a product for each of
/// its places: no layer of Keras's is known to be used so.
///
/// No generation hands a mask on.
class EinsumDense : public Layer {
 public:
  explicit EinsumDense(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        equation_(config.text("equation", "")),
        biasAxes_(config.text("bias_axes", "")),
        activation_(config.activation("activation", "linear")) {
    const nlohmann::json& shape = config.raw("output_shape");
    for (const nlohmann::json& size : shape.is_array() ? shape : nlohmann::json::array({shape}))
      sizes_.push_back(wholeNumber(size).value_or(kUnknown));
    config.require("gptq_unpacked_column_size", nullptr);
    std::string equation = equation_;
    std::erase(equation, ' ');
    const size_t comma = equation.find(',');
    const size_t arrow = equation.find("->");
    if (comma != std::string::npos && arrow != std::string::npos && comma < arrow)
      written_ = {equation.substr(0, comma), equation.substr(comma + 1, arrow - comma - 1),
                  equation.substr(arrow + 2)};
    const bool biased = std::all_of(biasAxes_.begin(), biasAxes_.end(),
                                    [this](char c) { return has(written_.output, c) && c != '.'; });
    if (!biased) config.refuse("bias_axes", "letters of the equation's result", "\"" + biasAxes_ + "\"");
    if (!isUnderstood(written_)) {
      config.refuse("equation", "a product that sums over axes of the input, such as \"abc,cd->abd\"",
                    "\"" + equation_ + "\"");
    }
  }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    const Letters letters = lettersFor(input);
    Shape shape;
    for (const char c : letters.output) {
      const size_t at = letters.input.find(c);
      shape.push_back(at != std::string::npos ? input[at] : Dim{sizeOf(c, letters)});
    }
    for (const char c : letters.kernel) {
      if (const size_t at = letters.input.find(c); at != std::string::npos && !input[at].known())
        refuseInput(*this, "of known size along axis " + std::to_string(at), input);
    }
    return shape;
  }

  bool hasWeights() const override { return true; }

  void build(std::span<const Shape> inputs, WeightReader& weights) override {
    const Letters letters = lettersFor(inputs[0]);
    const Shape output = outputShape(inputs);
    Shape shape;
    std::vector<int> sizes;
    for (const char c : letters.kernel) {
      const size_t at = letters.input.find(c);
      sizes.push_back(at != std::string::npos ? inputs[0][at].size : sizeOf(c, letters));
      shape.push_back({sizes.back()});
    }
    const std::vector<float> kernel = weights.take("kernel", sizes);
    std::string order;  // of the kernel's axes: those that are summed over first
    for (const bool summed : {true, false}) {
      for (const char c : letters.kernel) {
        if (has(letters.input, c) == summed) order += c;
      }
    }
    std::vector<float> ordered(kernel.size());
    if (!kernel.empty()) gather(reordered(letters.kernel, shape, order), kernel.data(), ordered.data());
    takeBias(letters, output, weights);
    int in = 1;
    for (size_t i = 0; i < letters.kernel.size(); ++i)
      in *= has(letters.input, letters.kernel[i]) ? sizes[i] : 1;
    if (!kernel.empty()) affine_ = Affine(ordered, in, static_cast<int>(kernel.size()) / in, {});
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    float* room = scratch.room(inputs[0].data.size() + output.data.size());
    multiply(inputs[0], output.shape, output.data, room, scratch.kept<RowProducts>(this));
    const size_t width = static_cast<size_t>(output.shape.back().size);
    for (size_t row = 0; row < output.data.size(); row += width)
      activate(activation_, output.data.subspan(row, width));
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const View& input = call.inputs[0];
    const View& output = call.outputs[0];
    const Letters letters = lettersFor(input.shape);
    const Axes axes = axesOf(letters);
    const size_t count = output.data.size();
    float* packed = scratch.room(input.data.size() + 3 * count);
    float* product = packed + input.data.size();
    const std::span<float> gradient =
        gradientBefore(activation_, call, static_cast<size_t>(output.shape.back().size), product + count,
                       [&](std::span<float> x) {
                         multiply(input, output.shape, x, packed, scratch.kept<RowProducts>(this));
                       });
    gather(reordered(letters.output, output.shape, axes.kept + axes.added), gradient.data(), product);
    std::fill_n(packed, input.data.size(), 0.0f);
    affine_.addTransposed(product, static_cast<int>(input.data.size()) / affine_.in(), packed);
    // In C order of what was packed, to where it came from.
    addStrided(reordered(letters.input, input.shape, axes.kept + axes.summed), packed,
               call.inputGradients[0].data());
  }

  std::string detail() const override { return equation_ + ", " + activation(); }
  std::string activation() const override { return std::string(activationName(activation_)); }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    if (activation_ != Activation::Softmax) return std::nullopt;
    return output.size() - 1;
  }

 private:
  /// Axes of x that stay, those that are summed over, in the kernel's order, and the kernel's own.
  struct Axes {
    std::string kept, summed, added;
  };
  static Axes axesOf(const Letters& letters) {
    Axes axes;
    for (const char c : letters.input) {
      if (!has(letters.kernel, c)) axes.kept += c;
    }
    for (const char c : letters.kernel) (has(letters.input, c) ? axes.summed : axes.added) += c;
    return axes;
  }

  /// The output before the activation. `room`: as many floats as input and output have.
  void multiply(const View& input, const Shape& output, std::span<float> to, float* room,
                RowProducts& products) const {
    const Letters letters = lettersFor(input.shape);
    const auto [kept, summed, added] = axesOf(letters);
    const float* x = input.data.data();
    float* product = room + input.data.size();
    if (kept + summed != letters.input) {
      gather(reordered(letters.input, input.shape, kept + summed), x, room);
      x = room;
    }
    const bool inOrder = kept + added == letters.output;
    const int rows = static_cast<int>(input.data.size()) / affine_.in();
    products.apply(affine_, x, rows, inOrder ? to.data() : product);
    if (!inOrder) {
      Shape shape;
      for (const char c : kept + added) shape.push_back(output[letters.output.find(c)]);
      gather(reordered(kept + added, shape, letters.output), product, to.data());
    }
    if (bias_.empty()) return;
    auto value = to.begin();
    StridedWalk(output, biasStride(letters, output)).elements([&](size_t at) { *value++ += bias_[at]; });
  }

  static bool isUnderstood(const Letters& letters) {
    const auto plain = [](std::string text, bool elided) {
      if (const size_t dots = text.find("..."); elided && dots != std::string::npos) text.erase(dots, 3);
      std::sort(text.begin(), text.end());
      return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c | 32) >= 'a' && (c | 32) <= 'z';
      }) && std::adjacent_find(text.begin(), text.end()) == text.end();
    };
    const auto isLetter = [](char c) { return c != '.'; };
    return plain(letters.input, true) && plain(letters.kernel, false) && plain(letters.output, true) &&
           letters.input.starts_with("...") == letters.output.starts_with("...") &&
           (letters.input.find("...") == std::string::npos) ==
               (letters.output.find("...") == std::string::npos) &&
           letters.input[0] == letters.output[0] && !has(letters.kernel, letters.input[0]) &&
           // every letter but those that are summed over is in two of three
           std::all_of(letters.kernel.begin(), letters.kernel.end(),
                       [&](char c) { return has(letters.input, c) != has(letters.output, c); }) &&
           std::all_of(
               letters.input.begin(), letters.input.end(),
               [&](char c) { return !isLetter(c) || has(letters.kernel, c) != has(letters.output, c); }) &&
           std::all_of(letters.output.begin(), letters.output.end(), [&](char c) {
             return !isLetter(c) || has(letters.kernel, c) != has(letters.input, c);
           });
  }

  /// The letters for an input of this rank; "..." is as many axes as the others leave.
  Letters lettersFor(const Shape& input) const {
    const size_t dots = written_.input.find("...");
    const size_t stated = written_.input.size() - (dots == std::string::npos ? 0 : 3);
    if (dots == std::string::npos ? input.size() != stated : input.size() < stated)
      refuseInput(*this, "with the axes of \"" + equation_ + "\"", input);
    Letters letters = written_;
    if (dots == std::string::npos) return letters;
    std::string digits;
    for (size_t i = stated; i < input.size(); ++i) digits += static_cast<char>('0' + i - stated);
    letters.input.replace(dots, 3, digits);
    letters.output.replace(letters.output.find("..."), 3, digits);
    if (letters.input.empty() || digits.size() > 10 || letters.input[0] != letters.output[0])
      refuseInput(*this, "with the axes of \"" + equation_ + "\"", input);
    return letters;
  }

  /// The size of a new axis, as `output_shape` says: it has the letters behind the batch's, or behind "...".
  int sizeOf(char c, const Letters& letters) const {
    std::string stated = written_.output;
    if (const size_t dots = stated.find("..."); dots != std::string::npos) {
      stated.erase(dots, 3);
      if (dots > 0) stated.erase(0, 1);
    } else {
      stated.erase(0, 1);
    }
    const size_t at = stated.find(c);
    if (at == std::string::npos || at >= sizes_.size() || sizes_[at] < 1)
      refuseInput(*this, "whose product has a size along \"" + std::string(1, c) + "\" of " + letters.output,
                  {});
    return sizes_[at];
  }

  /// A walk over a tensor with axes `from` of `shape` in the order `to`.
  static StridedWalk reordered(const std::string& from, const Shape& shape, const std::string& to) {
    const std::vector<size_t> strides = stridesOf(shape);
    Shape sizes;
    std::vector<size_t> stride;
    for (const char c : to) {
      sizes.push_back(shape[from.find(c)]);
      stride.push_back(strides[from.find(c)]);
    }
    return {sizes, stride};
  }

  void takeBias(const Letters& letters, const Shape& output, WeightReader& weights) {
    if (biasAxes_.empty()) return;
    size_t first = letters.output.size();
    for (const char c : biasAxes_) first = std::min(first, letters.output.find(c));
    std::vector<int> sizes;
    for (size_t i = first; i < letters.output.size(); ++i)
      sizes.push_back(has(biasAxes_, letters.output[i]) ? output[i].size : 1);
    bias_ = weights.take("bias", sizes);
  }

  std::vector<size_t> biasStride(const Letters& letters, const Shape& output) const {
    std::vector<size_t> stride(output.size(), 0);
    size_t step = 1;
    for (size_t i = output.size(); i-- > 0;) {
      if (!has(biasAxes_, letters.output[i])) continue;
      stride[i] = step;
      step *= static_cast<size_t>(output[i].size);
    }
    return stride;
  }

  std::string equation_;
  Letters written_;
  std::string biasAxes_;
  std::vector<int> sizes_;  ///< output_shape
  Activation activation_;
  Affine affine_;            ///< (what is summed over, new axes)
  std::vector<float> bias_;  ///< with the axes `bias_axes`
};

}  // namespace

std::unique_ptr<Layer> makeEinsumDense(ConfigReader& config) { return std::make_unique<EinsumDense>(config); }

}  // namespace charglow
