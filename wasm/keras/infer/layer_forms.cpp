#include "keras/infer/layer_forms.h"

#include <algorithm>
#include <string_view>

#include "keras/infer/weighted_forms.h"

namespace charglow {
namespace {

using Inputs = std::vector<Sizes>;
using Result = std::optional<Sizes>;

LayerForm formOf(std::string className, decltype(LayerForm::shape) shape, size_t inputs = 1) {
  LayerForm form{.className = std::move(className)};
  form.least = form.most = inputs;
  form.shape = std::move(shape);
  return form;
}

LayerForm same(const char* className) {
  return formOf(className, [](const Inputs& inputs, Unknowns&) -> Result { return inputs[0]; });
}

LayerForm flatten() {
  return formOf("Flatten", [](const Inputs& inputs, Unknowns& unknowns) -> Result {
    std::optional<Size> all = Size::of(1);
    for (const Size& size : inputs[0]) {
      if (all) all = unknowns.product(*all, size);
    }
    if (!all) return std::nullopt;
    return Sizes{*all};
  });
}

LayerForm repeatVector() {
  return formOf("RepeatVector", [](const Inputs& inputs, Unknowns& unknowns) -> Result {
    if (inputs[0].size() != 1) return std::nullopt;
    return Sizes{unknowns.fresh(), inputs[0][0]};
  });
}

LayerForm permute() {
  LayerForm form = formOf("Permute", [](const Inputs& inputs, Unknowns&) -> Result {
    if (inputs[0].size() != 2) return std::nullopt;
    return Sizes{inputs[0][1], inputs[0][0]};
  });
  form.config["dims"] = {2, 1};
  return form;
}

/// (a, 1) → (a), or (a) → (a, 1): what people reshape scores to.
LayerForm reshape(bool flat) {
  LayerForm form = formOf("Reshape", [flat](const Inputs& inputs, Unknowns& unknowns) -> Result {
    const Sizes& input = inputs[0];
    if (!flat) return input.size() == 1 ? Result(Sizes{input[0], Size::of(1)}) : std::nullopt;
    if (input.size() != 2 || unknowns.number(input[1]) != 1) return std::nullopt;
    return Sizes{input[0]};
  });
  form.config["target_shape"] = flat ? nlohmann::json{-1} : nlohmann::json{-1, 1};
  return form;
}

/// Tensors of one shape; the product also spreads an axis of length 1. That two axes meet says nothing of how
/// many timesteps there are.
LayerForm elementwise(const char* className) {
  const bool spreads = className == std::string_view("Multiply");
  LayerForm form = formOf(className, [spreads](const Inputs& inputs, Unknowns& unknowns) -> Result {
    const std::optional<int64_t> steps = unknowns.timesteps();
    Sizes output = inputs[0];
    for (const Sizes& input : inputs) {
      if (input.size() != output.size()) return std::nullopt;
      for (size_t i = 0; i < input.size(); ++i) {
        if (spreads && unknowns.number(input[i]) == 1) continue;
        if (spreads && unknowns.number(output[i]) == 1) {
          output[i] = input[i];
        } else if (!unknowns.equal(input[i], output[i])) {
          return std::nullopt;
        }
      }
    }
    if (unknowns.timesteps() != steps) return std::nullopt;
    return output;
  });
  form.least = form.most = 2;
  return form;
}

LayerForm concatenate() {
  LayerForm form = formOf("Concatenate", [](const Inputs& inputs, Unknowns& unknowns) -> Result {
    int64_t width = 0;
    for (const Sizes& input : inputs) {
      const std::optional<int64_t> own = unknowns.number(input.back());
      if (input.size() != inputs[0].size() || !own) return std::nullopt;
      if (input.size() == 2 && !unknowns.equal(input[0], inputs[0][0])) return std::nullopt;
      width += *own;
    }
    Sizes output = inputs[0];
    output.back() = Size::of(width);
    return output;
  });
  form.config["axis"] = -1;
  form.least = 2;
  form.most = 4;
  return form;
}

/// Weights (t) or (t, a) and a sequence (t, d), summed over t.
LayerForm dot() {
  LayerForm form = formOf(
      "Dot",
      [](const Inputs& inputs, Unknowns& unknowns) -> Result {
        const std::optional<int64_t> steps = unknowns.timesteps();
        if (!unknowns.equal(inputs[0][0], inputs[1][0]) || unknowns.timesteps() != steps) return std::nullopt;
        Sizes output(inputs[0].begin() + 1, inputs[0].end());
        output.insert(output.end(), inputs[1].begin() + 1, inputs[1].end());
        if (output.empty()) return std::nullopt;
        return output;
      },
      2);
  form.config["axes"] = 1;
  return form;
}

/// (t, d) → (d)
LayerForm reduction(const char* className) {
  return formOf(className, [](const Inputs& inputs, Unknowns&) -> Result {
    if (inputs[0].size() != 2) return std::nullopt;
    return Sizes{inputs[0][1]};
  });
}

LayerForm maxPooling() {
  return formOf("MaxPooling1D", [](const Inputs& inputs, Unknowns& unknowns) -> Result {
    if (inputs[0].size() != 2) return std::nullopt;
    return Sizes{unknowns.fresh(), inputs[0][1]};
  });
}

struct Named {
  std::string_view stem;
  std::vector<LayerForm> (*forms)();
};

std::vector<LayerForm> reshapes() { return {reshape(true), reshape(false)}; }

/// Names that Keras makes of the class, without "_" and number.
constexpr Named kNamed[] = {
    {"dropout", [] { return std::vector{same("Dropout")}; }},
    {"spatialdropout1d", [] { return std::vector{same("SpatialDropout1D")}; }},
    {"gaussiandropout", [] { return std::vector{same("GaussianDropout")}; }},
    {"gaussiannoise", [] { return std::vector{same("GaussianNoise")}; }},
    {"alphadropout", [] { return std::vector{same("AlphaDropout")}; }},
    {"masking", [] { return std::vector{same("Masking")}; }},
    {"activation", [] { return std::vector{same("Activation")}; }},
    {"softmax", [] { return std::vector{same("Softmax")}; }},
    {"leakyrelu", [] { return std::vector{same("LeakyReLU")}; }},
    {"relu", [] { return std::vector{same("ReLU")}; }},
    {"elu", [] { return std::vector{same("ELU")}; }},
    {"flatten", [] { return std::vector{flatten()}; }},
    {"repeatvector", [] { return std::vector{repeatVector()}; }},
    {"permute", [] { return std::vector{permute()}; }},
    {"reshape", reshapes},
    {"multiply", [] { return std::vector{elementwise("Multiply")}; }},
    {"add", [] { return std::vector{elementwise("Add")}; }},
    {"average", [] { return std::vector{elementwise("Average")}; }},
    {"maximum", [] { return std::vector{elementwise("Maximum")}; }},
    {"concatenate", [] { return std::vector{concatenate()}; }},
    {"dot", [] { return std::vector{dot()}; }},
    {"merge",
     [] {
       return std::vector{elementwise("Multiply"), concatenate(), dot()};
     }},
    {"lambda", [] { return std::vector{reduction("Lambda")}; }},
    {"maxpooling1d", [] { return std::vector{maxPooling()}; }},
    {"averagepooling1d",
     [] {
       auto form = maxPooling();
       form.className = "AveragePooling1D";
       return std::vector{form};
     }},
    {"globalmaxpooling1d", [] { return std::vector{reduction("GlobalMaxPooling1D")}; }},
    {"globalmaxpool1d", [] { return std::vector{reduction("GlobalMaxPooling1D")}; }},
    {"globalaveragepooling1d", [] { return std::vector{reduction("GlobalAveragePooling1D")}; }},
    // What people call the attention: the softmax, or the one after it that turns it round.
    {"attentionvec",
     [] {
       return std::vector{same("Activation"), permute()};
     }},
};

/// Words in names that people give themselves.
constexpr Named kWords[] = {
    {"drop", [] { return std::vector{same("Dropout")}; }},
    {"concat", [] { return std::vector{concatenate()}; }},
    {"flat", [] { return std::vector{flatten()}; }},
    {"repeat", [] { return std::vector{repeatVector()}; }},
    {"permut", [] { return std::vector{permute()}; }},
    {"reshape", reshapes},
    {"softmax", [] { return std::vector{same("Activation")}; }},
    {"sigmoid", [] { return std::vector{same("Activation")}; }},
    {"tanh", [] { return std::vector{same("Activation")}; }},
    {"relu", [] { return std::vector{same("Activation")}; }},
    {"mul", [] { return std::vector{elementwise("Multiply")}; }},
    {"merge",
     [] {
       return std::vector{elementwise("Multiply"), concatenate(), dot()};
     }},
    {"dot", [] { return std::vector{dot()}; }},
    {"sum", [] { return std::vector{reduction("Lambda")}; }},
    {"reduc", [] { return std::vector{reduction("Lambda")}; }},
    {"mean", [] { return std::vector{reduction("Lambda")}; }},
};

/// A name that says nothing.
std::vector<LayerForm> anything() {
  std::vector<LayerForm> forms = {same("Activation"),      flatten(),     repeatVector(),      permute(),
                                  elementwise("Multiply"), concatenate(), reduction("Lambda"), dot()};
  for (LayerForm& form : forms) {
    form.cost = 2;
    form.decisions.emplace_back("class", form.className);
  }
  return forms;
}

std::vector<LayerForm> namedForms(const SeenLayer& layer) {
  for (const Named& named : kNamed) {
    if (layer.stem == named.stem) return named.forms();
  }
  for (const Named& named : kWords) {
    if (layer.has(named.stem)) return named.forms();
  }
  return anything();
}

}  // namespace

std::vector<LayerForm> formsOf(const SeenLayer& layer) {
  std::vector<LayerForm> forms = layer.tensors.empty() ? namedForms(layer) : weightedForms(layer);
  const bool several = std::any_of(forms.begin(), forms.end(), [&](const LayerForm& form) {
    return form.className != forms[0].className;
  });
  for (LayerForm& form : forms) {
    if (several && form.decisions.empty()) form.decisions.emplace_back("class", form.className);
  }
  return forms;
}

bool isInput(const SeenLayer& layer) {
  return layer.tensors.empty() &&
         (layer.stem == "inputlayer" || layer.stem.starts_with("input") || layer.stem.ends_with("input"));
}

}  // namespace charglow
