#include "layers/attention/custom.h"

#include <algorithm>
#include <array>
#include <utility>

#include "keras/weight_reader.h"
#include "layers/registry.h"

namespace charglow {
namespace {

using nlohmann::json;

/// Options that people's layers write down and that change no number.
constexpr std::array<std::string_view, 3> kHarmless = {"init", "initializer", "supports_masking"};

/// What a layer's own options may say without anybody reading it: nothing, a size that its weights have, or
/// how they were initialised.
bool saysNothingNew(const std::string& key, const json& value, std::span<const TensorView* const> weights) {
  if (value.is_null() || std::find(kHarmless.begin(), kHarmless.end(), key) != kHarmless.end()) return true;
  const std::optional<int> size = wholeNumber(value);
  return size && std::any_of(weights.begin(), weights.end(), [&](const TensorView* weight) {
           return std::find(weight->shape.begin(), weight->shape.end(), *size) != weight->shape.end();
         });
}

void refuseClass(CustomLayer& layer, const std::vector<Form>& forms) {
  std::string hint = "The README lists those it runs.";
  if (!layer.weights.empty()) hint += " The layer's weights are " + layer.weightsText() + ".";
  for (const Form& form : forms) {
    hint += (&form == forms.data() ? " If it is attention, say which: " : ", ") + layer.choiceId() + "=" +
            form.value;
  }
  if (!forms.empty()) hint += ".";
  layer.config.problems().push_back({"unsupported-layer", "layer \"" + layer.config.layer() + "\"",
                                     "a class of layer the engine runs", layer.config.className(), hint});
}

/// The form to use: what the user says, or what most speaks for. nullptr where too little does.
const Form* decide(const CustomLayer& layer, const std::vector<Form>& forms, Choices& choices) {
  if (forms.empty()) return nullptr;
  const Form& likely = *std::max_element(forms.begin(), forms.end(), [](const Form& a, const Form& b) {
    return a.told < b.told;  // the first of equals
  });
  const bool sure = likely.distinct || likely.told > 0 || layer.calledAttention();
  if (!sure && !choices.given(layer.choiceId())) return nullptr;
  const std::string about =
      "Layer \"" + layer.config.layer() + "\" (" + layer.config.className() +
      ") is none of Keras's, and the file does not hold how it computes. By its weights, " +
      layer.weightsText() + ", it is taken for ";
  if (forms.size() == 1 && sure) {
    choices.note(layer.choiceId(), about + likely.label + ".");
    return &likely;
  }
  std::vector<Assumption::Option> options;
  for (const Form& form : forms) options.push_back({form.value, form.label});
  const std::string value = choices.choose(layer.choiceId(), about + "one of these.", options, likely.value);
  return &*std::find_if(forms.begin(), forms.end(), [&](const Form& form) { return form.value == value; });
}

std::string lowered(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

}  // namespace

std::string_view CustomLayer::className() const {
  std::string_view name = config.className();
  if (const size_t package = name.rfind('>'); package != std::string_view::npos)
    name.remove_prefix(package + 1);
  return name;
}

std::optional<Sizes> CustomLayer::fit(std::initializer_list<std::string_view> pattern) const {
  if (pattern.size() != weights.size()) return std::nullopt;
  Sizes sizes = {{'1', 1}};
  auto axes = pattern.begin();
  for (const TensorView* weight : weights) {
    if (axes->size() != weight->shape.size()) return std::nullopt;
    for (size_t i = 0; i < axes->size(); ++i) {
      const int size = static_cast<int>(weight->shape[i]);
      if (sizes.emplace((*axes)[i], size).first->second != size) return std::nullopt;
    }
    ++axes;
  }
  return sizes;
}

std::string CustomLayer::weightsText() const {
  std::string text;
  for (const TensorView* weight : weights) {
    text += (text.empty() ? "" : ", ") + std::string(weightName(weight->name)) + " " + weight->shapeText();
  }
  return text;
}

bool CustomLayer::calledAttention() const {
  const auto says = [](std::string_view name) { return lowered(name).find("att") != std::string::npos; };
  return says(className()) || says(config.layer()) ||
         std::any_of(weights.begin(), weights.end(),
                     [&](const TensorView* weight) { return says(weightName(weight->name)); });
}

std::string CustomLayer::choiceId() const { return config.layer() + ".attention"; }

std::string CustomLayer::lowerClassName() const { return lowered(className()); }

bool isCustomLayer(std::string_view className, const json& config) {
  if (className == "Attention") return !config.contains("use_scale");
  return findLayer(className) == nullptr;
}

std::unique_ptr<Layer> makeCustomLayer(CustomLayer layer, Choices& choices) {
  std::vector<Form> forms;
  addPooledForms(layer, forms);
  addSelfAttentionForms(layer, forms);
  addLastStepForms(layer, forms);
  addBahdanauForms(layer, forms);
  addDecoderForms(layer, forms);
  const Form* form = decide(layer, forms, choices);
  if (form == nullptr) {
    refuseClass(layer, forms);
    return nullptr;
  }
  const size_t before = layer.config.problems().size();
  std::unique_ptr<Layer> made = form->make(layer);
  for (const auto& [key, value] : layer.options.items()) {
    if (saysNothingNew(key, value, layer.weights)) layer.config.ignore(key.c_str());
  }
  layer.config.finish();
  if (layer.config.problems().size() > before) return nullptr;
  return made;
}

bool writtenBeforeJune2020(const Dialect& dialect) { return dialect.major < 3 && !dialect.tensorflow; }

}  // namespace charglow
