#include "keras/text_front.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "error.h"
#include "keras/config_reader.h"
#include "keras/text_layer.h"
#include "keras/weights_tree.h"

namespace charglow {
namespace {

using nlohmann::json;

bool sameCall(const TensorRef& a, const TensorRef& b) { return a.layer == b.layer && a.node == b.node; }

class FrontTaker {
 public:
  FrontTaker(GraphSpec& spec, const Bundle& bundle, const Dialect& dialect, Choices& choices)
      : spec_(spec), bundle_(bundle), dialect_(dialect), choices_(choices) {}

  std::vector<std::optional<TextFront>> take() {
    std::vector<std::optional<TextFront>> fronts;
    for (const TensorRef& input : spec_.inputs) fronts.push_back(takeFrom(input));
    for (const LayerSpec& layer : spec_.layers) {
      if (readsText(layer.className) && !taken_.contains(layer.name)) refuseElsewhere(layer);
    }
    if (!problems_.empty()) throw Error(std::move(problems_));
    std::erase_if(spec_.layers, [&](const LayerSpec& layer) { return taken_.contains(layer.name); });
    return fronts;
  }

 private:
  /// A call of a layer that reads some tensor.
  struct Reader {
    LayerSpec* layer;
    int call;
  };

  std::vector<Reader> readersOf(const TensorRef& tensor) {
    std::vector<Reader> readers;
    for (LayerSpec& layer : spec_.layers) {
      for (size_t k = 0; k < layer.calls.size(); ++k) {
        const auto& inputs = layer.calls[k].inputs;
        if (std::any_of(inputs.begin(), inputs.end(),
                        [&](const TensorRef& ref) { return sameCall(ref, tensor); }))
          readers.push_back({&layer, static_cast<int>(k)});
      }
    }
    return readers;
  }

  LayerSpec* layerNamed(const std::string& name) {
    const auto found = std::find_if(spec_.layers.begin(), spec_.layers.end(),
                                    [&](const LayerSpec& layer) { return layer.name == name; });
    return found == spec_.layers.end() ? nullptr : &*found;
  }

  void refuse(const LayerSpec& layer, std::string_view expected, std::string_view actual,
              std::string_view hint = {}) {
    problems_.push_back(
        {"text-layer", "layer \"" + layer.name + "\" (" + layer.className + ")", expected, actual, hint});
  }

  static bool isText(const LayerSpec& input) {
    return input.config.is_object() && input.config.value("dtype", json()) == "string";
  }

  std::optional<TextFront> takeFrom(const TensorRef& ref) {
    LayerSpec* input = layerNamed(ref.layer);
    const std::vector<Reader> readers = readersOf(ref);
    const bool front = std::any_of(readers.begin(), readers.end(),
                                   [](const Reader& reader) { return readsText(reader.layer->className); });
    if (input == nullptr || input->className != "InputLayer" || !(front || isText(*input)))
      return std::nullopt;
    for (const Reader& reader : readers) {
      if (reader.layer == readers[0].layer && readsText(reader.layer->className)) continue;
      refuse(*reader.layer, "text to be read by one TextVectorization or StringLookup",
             "the input \"" + input->name + "\", which is text",
             "Save the model without what comes before its ids, and give the vocabulary apart.");
      return std::nullopt;
    }
    if (readers.empty()) return std::nullopt;
    LayerSpec& layer = *readers[0].layer;
    const std::optional<std::vector<std::optional<int>>> shape = shapeOf(*input);
    const bool lists = shape && shape->size() == 2;
    if (!shape || shape->empty() || shape->size() > 2) {
      refuse(layer, "text of shape (batch, 1) or (batch, strings)", "an input of another shape");
      return std::nullopt;
    }
    // Written by IndexLookup's save_assets where the vocabulary was learned.
    const std::optional<std::string> learned = assetOf(layer, "vocabulary.txt", bundle_);
    TextLayer read = readTextLayer(layer, lists ? std::optional((*shape)[1].value_or(0)) : std::nullopt,
                                   learned ? &*learned : nullptr, dialect_, choices_, problems_);
    if (!lists && read.spec.splitAt == TextSpec::Split::Nowhere) {
      refuse(layer, "text of shape (batch, strings)", "(batch,), which gives ids without timesteps");
      return std::nullopt;
    }
    if (read.lacksVocabulary) {
      choices_.note(layer.name + ".vocabulary", "The file does not hold the vocabulary of layer \"" +
                                                    layer.name + "\" (" + layer.className + ").");
    }
    for (const Reader& reader : readers) replace({layer.name, reader.call, 0}, ref);
    taken_.insert(layer.name);
    const std::optional<int> steps = read.spec.length;
    input->config = {{"name", input->name}, {"batch_input_shape", {nullptr, steps ? json(*steps) : json()}}};
    return TextFront{layer.name, layer.className, std::move(read.spec), read.lacksVocabulary};
  }

  /// An input's shape, with nothing for sizes that are not known.
  static std::optional<std::vector<std::optional<int>>> shapeOf(const LayerSpec& input) {
    for (const char* key : {"batch_input_shape", "batch_shape"}) {
      const auto shape = input.config.find(key);
      if (shape == input.config.end() || !shape->is_array()) continue;
      std::vector<std::optional<int>> sizes;
      for (const json& size : *shape) sizes.push_back(wholeNumber(size));
      return sizes;
    }
    return std::nullopt;
  }

  /// Has everything that reads `from` read `to`.
  void replace(const TensorRef& from, const TensorRef& to) {
    const auto move = [&](TensorRef& ref) {
      if (sameCall(ref, from)) ref = to;
    };
    for (LayerSpec& layer : spec_.layers) {
      for (CallSpec& call : layer.calls) {
        std::for_each(call.inputs.begin(), call.inputs.end(), move);
        for (std::optional<TensorRef>& mask : call.masks) {
          if (mask) move(*mask);
        }
      }
    }
    std::for_each(spec_.outputs.begin(), spec_.outputs.end(), move);
    for (auto& [name, output] : spec_.models) move(output);
  }

  /// A layer that reads text which is not the model's input.
  void refuseElsewhere(const LayerSpec& layer) {
    std::string from = "nothing";
    if (!layer.calls.empty() && !layer.calls[0].inputs.empty()) {
      const LayerSpec* read = layerNamed(layer.calls[0].inputs[0].layer);
      from = "layer \"" + layer.calls[0].inputs[0].layer + "\"" +
             (read == nullptr ? "" : " (" + read->className + ")");
      if (read != nullptr && read->className == "InputLayer" && !problems_.empty()) return;  // told already
    }
    refuse(layer, "the model's input", from + " before it");
  }

  GraphSpec& spec_;
  const Bundle& bundle_;
  const Dialect& dialect_;
  Choices& choices_;
  std::vector<Problem> problems_;
  std::set<std::string> taken_;
};

}  // namespace

std::vector<std::optional<TextFront>> takeTextFronts(GraphSpec& spec, const Bundle& bundle,
                                                     const Dialect& dialect, Choices& choices) {
  return FrontTaker(spec, bundle, dialect, choices).take();
}

}  // namespace charglow
