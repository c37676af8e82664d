// Layers of several inputs: Multiply, Add, Average, Subtract, Maximum, Minimum, Concatenate.
// keras/layers/merging/base_merge.py, concatenate.py (2.15); keras/src/layers/merging/ (3.x).

#include <algorithm>

#include "error.h"
#include "kernels/broadcast.h"
#include "kernels/reduce.h"
#include "layers/layers.h"

namespace charglow {
namespace {

/// Inputs of lower rank get axes of length 1 after the batch, as _Merge does.
Shape expanded(Shape shape, size_t rank) {
  shape.insert(shape.begin() + 1, rank - shape.size(), Dim{1});
  return shape;
}

size_t highestRank(std::span<const Shape> inputs) {
  size_t rank = 0;
  for (const Shape& shape : inputs) rank = std::max(rank, shape.size());
  return rank;
}

bool anyMask(std::span<const View> inputs) {
  return std::any_of(inputs.begin(), inputs.end(), [](const View& input) { return !input.mask.empty(); });
}

enum class Merge { Multiply, Add, Average, Subtract, Maximum, Minimum };

float merged(Merge how, float a, float b) {
  switch (how) {
    case Merge::Multiply:
      return a * b;
    case Merge::Subtract:
      return a - b;
    case Merge::Maximum:
      return std::max(a, b);
    case Merge::Minimum:
      return std::min(a, b);
    case Merge::Add:
    case Merge::Average:
      break;
  }
  return a + b;
}

/// Joins an input to what those before it gave.
void mergeInto(Merge how, const StridedWalk& walk, const float* input, float* soFar) {
  // One loop for each, so that each can run four at a time.
  switch (how) {
    case Merge::Multiply:
      return combineStrided(walk, input, soFar, [](float a, float b) { return a * b; });
    case Merge::Subtract:
      return combineStrided(walk, input, soFar, [](float a, float b) { return a - b; });
    case Merge::Add:
    case Merge::Average:
      return combineStrided(walk, input, soFar, [](float a, float b) { return a + b; });
    case Merge::Maximum:
    case Merge::Minimum:
      return combineStrided(walk, input, soFar, [how](float a, float b) { return merged(how, a, b); });
  }
}

/// The elementwise product, sum, mean …, with broadcasting along axes of length 1.
class Elementwise : public Layer {
 public:
  Elementwise(ConfigReader& config, Merge how)
      : Layer(config.layer(), config.className()),
        how_(how),
        keras3_(config.dialect().major >= 3),
        masksValues_(config.dialect().mergesOnlyKeptValues() &&
                     (how == Merge::Multiply || how == Merge::Maximum || how == Merge::Minimum)) {}

  bool takesInputs(size_t count) const override { return how_ == Merge::Subtract ? count == 2 : count >= 1; }

  Shape outputShape(std::span<const Shape> inputs) const override {
    const size_t rank = highestRank(inputs);
    Shape shape = expanded(inputs[0], rank);
    for (const Shape& input : inputs.subspan(1)) {
      const Shape other = expanded(input, rank);
      for (size_t i = 0; i < rank; ++i) {
        if (shape[i].size == 1 && other[i].size != 1) {
          shape[i] = other[i];
        } else if (other[i].size != 1 && shape[i].known() && other[i].known() &&
                   shape[i].size != other[i].size) {
          refuseInput(*this, "that fits " + shapeText(inputs[0]), input);
        } else {
          if (!shape[i].known()) shape[i].size = other[i].size == 1 ? kUnknown : other[i].size;
          if (!shape[i].isTime() && other[i].size != 1) shape[i].follow(other[i]);
        }
      }
    }
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const bool masked = masksValues_ && anyMask(inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const View& input = inputs[i];
      if (masked) {
        accumulateMasked(input, output, i == 0);
      } else if (i == 0) {
        gather(walkOver(input.shape, output.shape), input.data.data(), output.data.data());
      } else {
        mergeInto(how_, walkOver(input.shape, output.shape), input.data.data(), output.data.data());
      }
      mergeMask(input, output, i == 0);
    }
    if (masked && how_ == Merge::Multiply) {
      for (size_t i = 0; i < output.data.size(); ++i) {
        if (!keeps(output.mask, output.data.size(), i)) output.data[i] = 0;
      }
    }
    if (how_ == Merge::Average) {
      const float count = static_cast<float>(inputs.size());
      for (float& value : output.data) value /= count;
    }
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const size_t count = call.outputs[0].data.size();
    const std::span<float> factor(scratch.room(2 * count), count);
    const std::span<float> product(factor.data() + count, count);
    std::vector<size_t> winner;
    if (how_ == Merge::Maximum || how_ == Merge::Minimum) winner = winners(call);
    for (size_t k = 0; k < call.inputs.size(); ++k) {
      if (call.inputGradients[k].empty()) continue;
      switch (how_) {
        case Merge::Multiply:
          factorsOf(call, k, factor);
          break;
        case Merge::Maximum:
        case Merge::Minimum:
          std::transform(winner.begin(), winner.end(), factor.begin(),
                         [k](size_t best) { return best == k ? 1.0f : 0.0f; });
          break;
        case Merge::Subtract:
          std::fill(factor.begin(), factor.end(), k == 0 ? 1.0f : -1.0f);
          break;
        case Merge::Add:
        case Merge::Average:
          std::fill(factor.begin(), factor.end(),
                    how_ == Merge::Add ? 1.0f : 1.0f / static_cast<float>(call.inputs.size()));
          break;
      }
      for (size_t i = 0; i < count; ++i) product[i] = factor[i] * call.outputGradients[0][i];
      addStrided(walkOver(call.inputs[k].shape, call.outputs[0].shape), product.data(),
                 call.inputGradients[k].data());
    }
  }

  Part part() const override { return how_ == Merge::Multiply ? Part::Product : Part::Other; }

 private:
  /// How the output's elements lie in an input.
  static StridedWalk walkOver(const Shape& input, const Shape& output) {
    return broadcastWalk(expanded(input, output.size()), output);
  }

  /// Whether a mask over (batch, timesteps) keeps value `i` of `count`.
  static bool keeps(std::span<const uint8_t> mask, size_t count, size_t i) {
    return mask.empty() || mask[i / (count / mask.size())] != 0;
  }

  /// Dialect::mergesOnlyKeptValues: a masked step takes no part in the product, the maximum or the minimum.
  void accumulateMasked(const View& input, const Output& output, bool first) const {
    size_t to = 0;
    walkOver(input.shape, output.shape).elements([&](size_t from) {
      float& soFar = output.data[to];
      float x = input.data[from];
      const bool kept = keeps(input.mask, input.data.size(), from);
      if (how_ == Merge::Multiply) {
        const float factor = kept ? x : 1;
        soFar = first ? factor : soFar * factor;
      } else if (first) {
        soFar = x;
      } else {
        if (!kept) x = soFar;
        if (!keeps(output.mask, output.data.size(), to)) soFar = x;
        soFar = merged(how_, soFar, x);
      }
      ++to;
    });
  }

  /// d(output)/d(input `k`) of a product: the product of the others.
  void factorsOf(const Backward& call, size_t k, std::span<float> factor) const {
    const bool masked = masksValues_ && anyMask(call.inputs);
    const View& output = call.outputs[0];
    std::fill(factor.begin(), factor.end(), 1.0f);
    for (size_t j = 0; j < call.inputs.size(); ++j) {
      const View& input = call.inputs[j];
      size_t to = 0;
      walkOver(input.shape, output.shape).elements([&](size_t from) {
        const bool kept = !masked || keeps(input.mask, input.data.size(), from);
        if (j != k && kept) factor[to] *= input.data[from];
        if (j == k && !kept) factor[to] = 0;
        ++to;
      });
    }
    for (size_t i = 0; masked && i < factor.size(); ++i) {
      if (!keeps(output.mask, factor.size(), i)) factor[i] = 0;
    }
  }

  /// Which input each element of a maximum or minimum came from: the first of equal ones. With masks in the
  /// way of accumulateMasked.
  std::vector<size_t> winners(const Backward& call) const {
    const bool masked = masksValues_ && anyMask(call.inputs);
    const Shape& shape = call.outputs[0].shape;
    const size_t count = call.outputs[0].data.size();
    std::vector<size_t> winner(count, 0);
    std::vector<float> best(count);
    std::vector<uint8_t> mask;  // of the inputs so far
    for (size_t k = 0; k < call.inputs.size(); ++k) {
      const View& input = call.inputs[k];
      size_t to = 0;
      walkOver(input.shape, shape).elements([&](size_t from) {
        const float x = input.data[from];
        const bool kept = !masked || keeps(input.mask, input.data.size(), from);
        const bool better = merged(how_, best[to], x) != best[to];
        if (k == 0 || (kept && (better || (masked && !keeps(mask, count, to))))) {
          best[to] = x;
          winner[to] = k;
        }
        ++to;
      });
      mergeMask(input, {shape, {}, mask}, k == 0);
    }
    return winner;
  }

  /// Keras 2: a timestep is kept where every input that has a mask keeps it. Keras 3: where any input keeps
  /// it, and there is no mask unless every input has one.
  void mergeMask(const View& input, const Output& output, bool first) const {
    if (first || (output.mask.empty() && !keras3_)) {
      if (!input.mask.empty()) output.passMask(input);
      return;
    }
    if (input.mask.empty() || output.mask.empty()) {
      if (keras3_) output.mask.clear();
      return;
    }
    if (input.mask.size() != output.mask.size()) {
      refuseInput(*this, "masked like the other inputs, " + std::to_string(output.mask.size()) + " timesteps",
                  input.shape);
    }
    for (size_t i = 0; i < output.mask.size(); ++i) {
      output.mask[i] = keras3_ ? output.mask[i] | input.mask[i] : output.mask[i] & input.mask[i];
    }
  }

  Merge how_;
  bool keras3_;
  bool masksValues_;
};

/// Joins its inputs along one axis.
class Concatenate : public Layer {
 public:
  explicit Concatenate(ConfigReader& config)
      : Layer(config.layer(), config.className()),
        axis_(config.integer("axis", -1)),
        keras3_(config.dialect().major >= 3) {}

  bool takesInputs(size_t count) const override { return count >= 1; }

  Shape outputShape(std::span<const Shape> inputs) const override {
    Shape shape = inputs[0];
    const size_t axis = resolveAxis(*this, axis_, shape);
    for (const Shape& input : inputs.subspan(1)) {
      bool fits = input.size() == shape.size();
      for (size_t i = 0; fits && i < shape.size(); ++i) {
        fits = i == axis || !shape[i].known() || !input[i].known() || shape[i].size == input[i].size;
      }
      if (!fits)
        refuseInput(*this, "that equals " + shapeText(inputs[0]) + " but for axis " + std::to_string(axis),
                    input);
      for (size_t i = 0; i < shape.size(); ++i) {
        if (i != axis && !shape[i].known()) shape[i].size = input[i].size;
        if (i != axis && !shape[i].isTime()) shape[i].follow(input[i]);
      }
      shape[axis].size = shape[axis].known() && input[axis].known()
                             ? std::min(shape[axis].size + input[axis].size, kMaxElements + 1)
                             : kUnknown;
    }
    if (inputs.size() > 1) shape[axis].along = Along::Other;
    return shape;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& /*scratch*/) const override {
    const size_t axis = resolveAxis(*this, axis_, output.shape);
    const size_t outer = static_cast<size_t>(elementCount(output.shape, 0, axis));
    auto to = output.data.begin();
    for (size_t o = 0; o < outer; ++o) {
      for (const View& input : inputs) {
        const auto block = static_cast<ptrdiff_t>(elementCount(input.shape, axis, input.shape.size()));
        const auto from = input.data.begin() + static_cast<ptrdiff_t>(o) * block;
        to = std::copy(from, from + block, to);
      }
    }
    if (anyMask(inputs) && output.shape.size() == 3) joinMasks(inputs, output, axis);
  }

  void backward(const Backward& call, Scratch& /*scratch*/) const override {
    const Shape& shape = call.outputs[0].shape;
    const size_t axis = resolveAxis(*this, axis_, shape);
    const size_t outer = static_cast<size_t>(elementCount(shape, 0, axis));
    const float* from = call.outputGradients[0].data();
    for (size_t o = 0; o < outer; ++o) {
      for (size_t k = 0; k < call.inputs.size(); ++k) {
        const size_t block = call.inputs[k].data.size() / outer;
        if (!call.inputGradients[k].empty())
          addGradient({from, block}, call.inputGradients[k].subspan(o * block, block));
        from += block;
      }
    }
  }

  std::string detail() const override { return "axis " + std::to_string(axis_); }

 private:
  /// An input without a mask counts as kept everywhere. Along the timesteps masks are joined like the inputs.
  /// Along the features Keras 2 keeps a timestep if all inputs do, Keras 3 if any does.
  void joinMasks(std::span<const View> inputs, const Output& output, size_t axis) const {
    const size_t batch = static_cast<size_t>(output.shape[0].size);
    const size_t steps = static_cast<size_t>(output.shape[1].size);
    output.mask.assign(batch * steps, axis == 1 || !keras3_ ? uint8_t{1} : uint8_t{0});
    size_t offset = 0;  // where the input's first timestep lies in the output
    for (const View& input : inputs) {
      const size_t own = static_cast<size_t>(input.shape[1].size);
      for (size_t b = 0; b < batch; ++b) {
        for (size_t t = 0; t < own; ++t) {
          const uint8_t kept = input.mask.empty() ? uint8_t{1} : input.mask[b * own + t];
          uint8_t& to = output.mask[b * steps + offset + t];
          to = axis != 1 && keras3_ ? to | kept : to & kept;
        }
      }
      if (axis == 1) offset += own;
    }
  }

  int axis_;
  bool keras3_;
};

}  // namespace

std::unique_ptr<Layer> makeMultiply(ConfigReader& config) {
  return std::make_unique<Elementwise>(config, Merge::Multiply);
}
std::unique_ptr<Layer> makeAdd(ConfigReader& config) {
  return std::make_unique<Elementwise>(config, Merge::Add);
}
std::unique_ptr<Layer> makeAverage(ConfigReader& config) {
  return std::make_unique<Elementwise>(config, Merge::Average);
}
std::unique_ptr<Layer> makeSubtract(ConfigReader& config) {
  return std::make_unique<Elementwise>(config, Merge::Subtract);
}
std::unique_ptr<Layer> makeMaximum(ConfigReader& config) {
  return std::make_unique<Elementwise>(config, Merge::Maximum);
}
std::unique_ptr<Layer> makeMinimum(ConfigReader& config) {
  return std::make_unique<Elementwise>(config, Merge::Minimum);
}
std::unique_ptr<Layer> makeConcatenate(ConfigReader& config) { return std::make_unique<Concatenate>(config); }

}  // namespace charglow
