// Products of two tensors summed over an axis of each: matmul, matvec, batch_dot and einsum, all of them
// written in Einstein's notation (kernels/contract.h) once the ranks are known.

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "kernels/contract.h"
#include "layers/operations/operations.h"

namespace charglow {
namespace {

/// The base: how the labels come about is what differs.
class Contract : public Layer {
 public:
  explicit Contract(ConfigReader& config) : Layer(config.layer(), config.className()) {}

  bool takesInputs(size_t count) const override { return count == 2; }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const Contraction contraction = labelled(inputs[0], inputs[1]);
    std::optional<Shape> shape = contractedShape(contraction, inputs[0], inputs[1]);
    if (!shape) refuseInput(*this, "that fits " + shapeText(inputs[0]), inputs[1]);
    if (shape->size() == 1) shape->push_back({1});  // as K.batch_dot does
    return *std::move(shape);
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    const Contraction contraction = labelled(inputs[0].shape, inputs[1].shape);
    float* room = scratch.room(contractionRoom(contraction, inputs[0].shape, inputs[1].shape));
    contract(contraction, inputs[0], inputs[1], output, room);
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const Contraction sum = labelled(call.inputs[0].shape, call.inputs[1].shape);
    const size_t room = contractionRoom(sum, call.inputs[0].shape, call.inputs[1].shape);
    contractBackward(sum, call.inputs[0], call.inputs[1], call.outputs[0].shape, call.outputGradients[0],
                     call.inputGradients[0], call.inputGradients[1], scratch.room(2 * room));
  }

  Part part() const override { return Part::Contraction; }

  /// The one along the timesteps, where several are summed over.
  size_t contractedAxis(size_t which, std::span<const Shape> inputs) const override {
    const Contraction contraction = labelled(inputs[0], inputs[1]);
    const std::vector<int>& labels = which == 0 ? contraction.first : contraction.second;
    size_t found = 0;
    for (const int label : summedLabels(contraction)) {
      const auto axis = static_cast<size_t>(std::find(labels.begin(), labels.end(), label) - labels.begin());
      if (found == 0 || inputs[which][axis].isTime()) found = axis;
    }
    return found;
  }

 protected:
  [[nodiscard]] virtual Contraction labels(const Shape& first, const Shape& second) const = 0;

  [[noreturn]] void refuseBatch(const Shape& input) const {
    refuseInput(*this, "whose batch (the first axis) stays the first, in step with the other's", input);
  }

 private:
  /// The batch is the first axis of both inputs and of the output, and nothing is summed over it.
  Contraction labelled(const Shape& first, const Shape& second) const {
    Contraction contraction = labels(first, second);
    const int batch = contraction.first[0];
    if (contraction.second[0] != batch) refuseBatch(second);
    if (contraction.output.empty() || contraction.output[0] != batch) refuseBatch(first);
    return contraction;
  }
};

/// 0, 1 … count - 1.
std::vector<int> counted(size_t count) {
  std::vector<int> labels(count);
  std::iota(labels.begin(), labels.end(), 0);
  return labels;
}

/// tf.matmul, numpy.matmul: the last two axes as matrices, all others as a batch of them.
class MatMul : public Contract {
 public:
  explicit MatMul(ConfigReader& config)
      : Contract(config),
        transposed_{config.boolean("transpose_a", false), config.boolean("transpose_b", false)} {}

 protected:
  Contraction labels(const Shape& first, const Shape& second) const override {
    if (first.size() < 3) refuseInput(*this, "of rank 3 or more", first);
    if (second.size() != first.size()) refuseInput(*this, "of rank " + std::to_string(first.size()), second);
    const size_t rank = first.size();
    const int row = static_cast<int>(rank);
    Contraction contraction{counted(rank - 2), counted(rank - 2), counted(rank - 2)};
    const auto add = [](std::vector<int>& labels, int a, int b, bool transposed) {
      labels.push_back(transposed ? b : a);
      labels.push_back(transposed ? a : b);
    };
    add(contraction.first, row, row + 1, transposed_[0]);
    add(contraction.second, row + 1, row + 2, transposed_[1]);
    add(contraction.output, row, row + 2, false);
    return contraction;
  }

 private:
  std::array<bool, 2> transposed_;
};

/// tf.linalg.matvec: (…, n, m), (…, m) → (…, n).
class MatVec : public Contract {
 public:
  explicit MatVec(ConfigReader& config)
      : Contract(config), transposed_(config.boolean("transpose_a", false)) {}

 protected:
  Contraction labels(const Shape& first, const Shape& second) const override {
    if (first.size() < 3) refuseInput(*this, "of rank 3 or more", first);
    if (second.size() + 1 != first.size())
      refuseInput(*this, "of rank " + std::to_string(first.size() - 1), second);
    const std::vector<int> batch = counted(first.size() - 2);
    const int row = static_cast<int>(first.size());
    Contraction contraction{batch, batch, batch};
    for (const int label : transposed_ ? std::array{row + 1, row} : std::array{row, row + 1})
      contraction.first.push_back(label);
    contraction.second.push_back(row + 1);
    contraction.output.push_back(row);
    return contraction;
  }

 private:
  bool transposed_;
};

/// K.batch_dot: one axis of each is summed over, what is left of the first comes before what is left of the
/// second. keras/backend.py (2.15). By default the last axis of the first and the last but one of the second,
/// or its last at rank 2. Before 2.2.5 (keras/backend/tensorflow_backend.py, 2.2.4) axes between the batch
/// and the last two were more of the batch: `leading`.
class BatchDot : public Contract {
 public:
  explicit BatchDot(ConfigReader& config)
      : Contract(config),
        axes_(config.has("axes") ? config.integers("axes") : std::vector<int>{}),
        leading_(config.boolean("leading", false)) {
    if (axes_.size() == 1) axes_.push_back(axes_[0]);
    if (axes_.size() > 2) config.refuse("axes", "an axis of each", config.raw("axes").dump());
  }

 protected:
  Contraction labels(const Shape& first, const Shape& second) const override {
    for (const Shape* input : {&first, &second}) {
      if (input->size() < 2) refuseInput(*this, "of rank 2 or more", *input);
      if (leading_ && input->size() > 3) {
        refuseInput(*this, "of rank 2 or 3, which all versions of K.batch_dot take the same way", *input);
      }
    }
    const int last = static_cast<int>(second.size()) - (second.size() == 2 ? 1 : 2);
    const size_t firstAxis = resolveAxis(*this, axes_.empty() ? -1 : axes_[0], first);
    const size_t secondAxis = resolveAxis(*this, axes_.empty() ? last : axes_[1], second);
    return batchDot(first.size(), firstAxis, second.size(), secondAxis);
  }

 private:
  std::vector<int> axes_;
  bool leading_;
};

/// einsum of two tensors: "btd,bsd->bts". An ellipsis stands for the axes that have no letter.
class Einsum : public Contract {
 public:
  explicit Einsum(ConfigReader& config) : Contract(config), equation_(config.text("equation", "")) {
    std::erase(equation_, ' ');
    const size_t comma = equation_.find(',');
    const size_t arrow = equation_.find("->");
    if (comma == std::string::npos || equation_.find(',', comma + 1) != std::string::npos) {
      config.refuse("equation", "two inputs", "\"" + equation_ + "\"");
      return;
    }
    terms_[0] = equation_.substr(0, comma);
    terms_[1] = equation_.substr(comma + 1, arrow == std::string::npos ? arrow : arrow - comma - 1);
    terms_[2] = arrow == std::string::npos ? implied() : equation_.substr(arrow + 2);
    check(config);
  }

  std::string detail() const override { return equation_; }
  Part part() const override {
    const bool summed = std::any_of(terms_[0].begin(), terms_[0].end(), [&](char letter) {
      return letter != '.' && terms_[1].find(letter) != std::string::npos &&
             terms_[2].find(letter) == std::string::npos;
    });
    return summed ? Part::Contraction : Part::Other;
  }

 protected:
  Contraction labels(const Shape& first, const Shape& second) const override {
    const int inFirst = dots(terms_[0], first);
    const int inSecond = dots(terms_[1], second);
    return {expand(terms_[0], inFirst), expand(terms_[1], inSecond),
            expand(terms_[2], std::max(inFirst, inSecond))};
  }

 private:
  /// Letters that stand once, in alphabetical order, after the axes without letters.
  std::string implied() const {
    std::map<char, int> count;
    for (const char letter : terms_[0] + terms_[1]) ++count[letter];
    std::string output = count.contains('.') ? "..." : "";
    for (const auto& [letter, times] : count) {
      if (times == 1 && letter != '.') output += letter;
    }
    return output;
  }

  void check(ConfigReader& config) const {
    const auto refuse = [&](const std::string& expected) {
      config.refuse("equation", expected, "\"" + equation_ + "\"");
    };
    for (size_t i = 0; i < 3; ++i) {
      std::string letters = terms_[i];
      const size_t dots = letters.find("...");
      if (dots != std::string::npos) letters.erase(dots, 3);
      const bool plain = std::all_of(letters.begin(), letters.end(),
                                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
      if (!plain) return refuse("letters, and perhaps \"...\"");
      std::sort(letters.begin(), letters.end());
      if (std::adjacent_find(letters.begin(), letters.end()) != letters.end())
        return refuse("each letter once in each tensor");
      for (const char letter : letters) {
        const std::string& other = terms_[i == 0 ? 1 : 0];
        const bool elsewhere = other.find(letter) != std::string::npos ||
                               terms_[i == 2 ? 1 : 2].find(letter) != std::string::npos;
        if (!elsewhere) return refuse("each letter in two of the tensors");
      }
    }
  }

  /// How many axes the ellipsis of a term stands for.
  int dots(const std::string& term, const Shape& shape) const {
    const size_t at = term.find("...");
    const size_t letters = at == std::string::npos ? term.size() : term.size() - 3;
    if (letters > shape.size() || (at == std::string::npos && letters != shape.size())) {
      refuseInput(*this, "of rank " + std::to_string(letters), shape);
    }
    return static_cast<int>(shape.size() - letters);
  }

  /// The axes of an ellipsis are counted from their end, below 0: those of the two inputs meet there.
  static std::vector<int> expand(const std::string& term, int dots) {
    std::vector<int> labels;
    for (size_t i = 0; i < term.size(); ++i) {
      if (term[i] != '.') {
        labels.push_back(term[i]);
        continue;
      }
      for (int k = dots; k > 0; --k) labels.push_back(-k);
      i += 2;
    }
    return labels;
  }

  std::string equation_;
  std::array<std::string, 3> terms_;  ///< both inputs and the output
};

}  // namespace

std::unique_ptr<Layer> makeContract(ConfigReader& config) {
  const std::string function = config.text("function", "");
  if (function == "matmul") return std::make_unique<MatMul>(config);
  if (function == "matvec") return std::make_unique<MatVec>(config);
  if (function == "batch_dot") return std::make_unique<BatchDot>(config);
  if (function == "einsum") return std::make_unique<Einsum>(config);
  config.refuse("function", "matmul, matvec, batch_dot or einsum", "\"" + function + "\"");
  return nullptr;
}

}  // namespace charglow
