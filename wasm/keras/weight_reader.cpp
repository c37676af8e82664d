#include "keras/weight_reader.h"

#include <algorithm>
#include <array>

namespace charglow {
namespace {

/// Names that Keras gives the weights of the layers known here, in every generation that names them.
constexpr std::array<std::string_view, 11> kWeightNames = {
    "kernel",      "recurrent_kernel", "bias",  "embeddings",       "gamma",           "beta",
    "moving_mean", "moving_variance",  "alpha", "depthwise_kernel", "pointwise_kernel"};

std::string textOf(std::span<const int> shape) {
  std::string text = "(";
  for (const int size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

std::vector<int64_t> WeightReader::nextShape() const {
  return left() > 0 ? queue_.tensors[queue_.next]->shape : std::vector<int64_t>{};
}

std::vector<float> WeightReader::take(std::string_view name, std::span<const int> shape,
                                      const std::string& hint) {
  const std::string where = "layer \"" + layer_ + "\", " + std::string(name);
  if (left() == 0) {
    problems_.push_back(
        {"missing-tensor", where, "a tensor of shape " + textOf(shape),
         "none left in the file" + (queue_.source == layer_ ? "" : ", group \"" + queue_.source + "\""),
         hint.empty() ? "The file's weights and its architecture do not belong together." : hint});
    return {};
  }
  const TensorView& tensor = *queue_.tensors[queue_.next++];
  const std::string_view found = weightName(tensor.name);
  const bool known = std::find(kWeightNames.begin(), kWeightNames.end(), found) != kWeightNames.end();
  if (known && found != name) {
    problems_.push_back({"weight-order", where, "the tensor \"" + std::string(name) + "\" next",
                         "\"" + tensor.name + "\"", hint});
    return {};
  }
  if (!std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end(),
                  [](int a, int64_t b) { return static_cast<int64_t>(a) == b; })) {
    problems_.push_back({"shape-mismatch", where + " (tensor \"" + tensor.name + "\")",
                         "shape " + textOf(shape), tensor.shapeText(), hint});
    return {};
  }
  std::vector<float> values(tensor.count());
  tensor.copyTo(values);
  parameters_ += static_cast<int>(values.size());
  return values;
}

std::vector<float> WeightReader::takeNext(std::span<const int> shape) {
  return take(left() == 0 ? "weights" : weightName(queue_.tensors[queue_.next]->name), shape);
}

std::string_view weightName(std::string_view tensor) {
  if (const size_t slash = tensor.rfind('/'); slash != std::string_view::npos)
    tensor.remove_prefix(slash + 1);
  if (const size_t colon = tensor.rfind(':'); colon != std::string_view::npos)
    tensor = tensor.substr(0, colon);
  return tensor;
}

void refuseLeftOver(const WeightQueue& queue, std::vector<Problem>& problems) {
  for (size_t i = queue.next; i < queue.tensors.size(); ++i) {
    problems.push_back({"unexpected-tensor",
                        "layer \"" + queue.source + "\", tensor \"" + queue.tensors[i]->name + "\"",
                        "no further tensor", queue.tensors[i]->shapeText(),
                        "The file's weights and its architecture do not belong together."});
  }
}

}  // namespace charglow
