#include "keras/expand_operations.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "bundle/strict_json.h"
#include "error.h"
#include "keras/config_reader.h"
#include "keras/functions/reading.h"
#include "keras/functions/table.h"
#include "keras/lambda.h"
#include "keras/operation_calls.h"
#include "keras/python_text.h"
#include "keras/tidy_operations.h"
#include "layers/operations/registry.h"

namespace charglow {
namespace {

using nlohmann::json;

/// Operations of all layers together: more than any model has, few enough that walking the graph cannot
/// exhaust a small stack.
constexpr size_t kMaxOperations = 2000;

/// What a layer's function comes to in one call: the operations, and which tensors come out.
struct Outcome {
  Operations operations;
  std::vector<size_t> outputs;
};

/// Computes a layer's function on the tensors of one call.
using CallReading = std::function<Term(Operations&, const CallSpec&)>;

class Expander {
 public:
  Expander(const Dialect& dialect, Choices& choices) : dialect_(dialect), choices_(choices) {}

  GraphSpec expand(GraphSpec spec) {
    GraphSpec expanded = spec;
    expanded.layers.clear();
    for (LayerSpec& layer : spec.layers) {
      std::vector<LayerSpec> operations;
      try {
        operations = operationsOf(layer);
      } catch (const Error& error) {
        for (Problem problem : error.problems()) {
          problem.choice = lambdaChoice(layer.name);
          layer.problems.push_back(std::move(problem));
        }
      }
      if (operations.empty()) operations.push_back(std::move(layer));
      for (LayerSpec& operation : operations) expanded.layers.push_back(std::move(operation));
    }
    tidyOperations(expanded);
    return expanded;
  }

 private:
  /// The layers in place of one; none where it stays as it is.
  std::vector<LayerSpec> operationsOf(const LayerSpec& layer) {
    if (const std::optional<std::string> text = choices_.given(lambdaChoice(layer.name)))
      return chosen(layer, *text);
    if (layer.className == "Lambda") return ofLambda(layer);
    if (const std::optional<OperationCall> operation = operationOf(layer, dialect_))
      return ofOperation(layer, *operation);
    return {};
  }

  std::vector<LayerSpec> chosen(const LayerSpec& layer, const std::string& text) {
    const std::string where = "choice \"" + lambdaChoice(layer.name) + "\"";
    const python::Function function = python::parseFunction(text, where);
    const auto read = [&](Operations& operations, const CallSpec& call) {
      Bindings bindings;
      bindings.bareNames = true;
      bindings.arguments.push_back(inputOf(call));
      return readExpression(*function.result, bindings, operations);
    };
    try {
      return written(layer, text, read);
    } catch (const NotUnderstood& reason) {
      throw Error(
          {"lambda-text", where, kExpected, "\"" + python::shortened(text) + "\", which " + reason.why, ""});
    }
  }

  std::vector<LayerSpec> ofLambda(const LayerSpec& layer) {
    checkOptions(layer);
    const LambdaFunction lambda = readLambda(layer.config, layer.name);
    const std::string source = python::shortened(toSource(lambda.function));
    const auto read = [&](Operations& operations, const CallSpec& call) {
      return readExpression(*lambda.function.result, bindingsOf(layer, lambda, operations, call), operations);
    };
    try {
      return written(layer, source, read);
    } catch (const NotUnderstood& reason) {
      throw Error({"lambda-function", "layer \"" + layer.name + "\", function", kExpected,
                   "\"" + source + "\", which " + reason.why,
                   "Say what it computes: --lambda " + layer.name +
                       "=\"sum(axis=1)\", or in the page. Nothing from a model file is executed."});
    }
  }

  std::vector<LayerSpec> ofOperation(const LayerSpec& layer, const OperationCall& operation) {
    const KnownFunction* function = findFunction(operation.function, false);
    try {
      if (function == nullptr) throw NotUnderstood{"is not known"};
      return written(layer, operation.function, [&](Operations& operations, const CallSpec& call) {
        return callFunction(*function, operations, termsOf(operation, call));
      });
    } catch (const NotUnderstood& reason) {
      throw Error({"operation-function", "layer \"" + layer.name + "\" (" + layer.className + ")",
                   "an operation that can be computed here", operation.function + ", which " + reason.why,
                   "Say what it computes: --lambda " + layer.name + "=\"sum(axis=1)\", or in the page."});
    }
  }

  /// The options of a Lambda layer beside its function.
  void checkOptions(const LayerSpec& layer) const {
    std::vector<Problem> problems;
    ConfigReader config(layer.config, layer.name, layer.className, dialect_, problems);
    for (const char* key : {"function", "function_type", "module", "output_shape", "output_shape_type",
                            "output_shape_module", "arguments", "mask_type", "mask_module"}) {
      config.ignore(key);
    }
    config.require("mask", nullptr);
    config.finish();
    if (!problems.empty()) throw Error(std::move(problems));
  }

  /// The layer's first argument: a tensor, or a list of them.
  static Term inputOf(const CallSpec& call) {
    if (!call.args.empty()) return termOf(call.args[0]);
    const auto named = call.kwargs.find("inputs");
    if (named != call.kwargs.end()) return termOf(*named);
    throw NotUnderstood{"is called without an input"};
  }

  /// A function's first argument is the layer's input. The others get what the layer's `arguments` say, or
  /// their defaults; `mask` and `training` get what Keras hands over to arguments of these names.
  Bindings bindingsOf(const LayerSpec& layer, const LambdaFunction& lambda, Operations& operations,
                      const CallSpec& call) const {
    Bindings bindings;
    const std::vector<std::string>& names = lambda.function.arguments;
    const json none = json::object();
    const json& given = layer.config.contains("arguments") && layer.config["arguments"].is_object()
                            ? layer.config["arguments"]
                            : none;
    const size_t defaults = lambda.defaults.is_array() ? lambda.defaults.size() : 0;
    for (size_t i = 0; i < names.size(); ++i) {
      if (i == 0) {
        bindings.arguments.push_back(inputOf(call));
      } else if (names[i] == "mask") {
        bindings.arguments.push_back(maskOf(bindings.arguments[0], operations));
      } else if (given.contains(names[i])) {
        bindings.arguments.push_back(valueOf(given[names[i]], names[i]));
      } else if (names[i] == "training") {
        bindings.arguments.push_back(termOf(false));
      } else if (i + defaults >= names.size()) {
        bindings.arguments.push_back(valueOf(lambda.defaults[i + defaults - names.size()], names[i]));
      } else {
        bindings.arguments.push_back(missing(names[i]));
      }
    }
    for (size_t i = 0; i < lambda.function.free.size(); ++i) {
      const bool kept = lambda.closure.is_array() && i < lambda.closure.size();
      const std::string& name = lambda.function.free[i];
      bindings.free.push_back(kept ? valueOf(lambda.closure[i], name) : missing(name));
    }
    return bindings;
  }

  static Term missing(const std::string& name) {
    Term term = nameTerm(name);
    term.kind = Term::Kind::Missing;
    return term;
  }

  /// What JSON has no form for is missing; it matters only where it is used.
  static Term valueOf(const json& value, const std::string& name) {
    try {
      return termOf(value);
    } catch (const NotUnderstood&) {
      return missing(name);
    }
  }

  static Term maskOf(const Term& input, Operations& operations) {
    if (input.kind != Term::Kind::Sequence)
      return operations.add("MaskOf", json::object(), {operations.tensor(input)});
    std::vector<Term> masks;
    for (const Term& each : input.items) masks.push_back(maskOf(each, operations));
    return sequenceTerm(std::move(masks));
  }

  Outcome outcomeOf(const CallReading& read, const CallSpec& call) const {
    Outcome outcome{Operations(call.inputs.size(), dialect_), {}};
    const Term result = read(outcome.operations, call);
    if (result.kind == Term::Kind::Sequence) {
      for (const Term& item : result.items) outcome.outputs.push_back(outcome.operations.tensor(item));
    } else {
      outcome.outputs.push_back(outcome.operations.tensor(result));
    }
    if (outcome.outputs.empty()) throw NotUnderstood{"gives nothing"};
    // The operation that bears the layer's name gives its result, and nobody else reads it.
    const bool own = outcome.outputs.size() == 1 && outcome.outputs[0] >= call.inputs.size();
    if (!own && outcome.outputs.size() == 1) {
      outcome.operations.add("Elementwise", {{"function", "identity"}, {"operands", {{{"tensor", 0}}}}},
                             outcome.outputs);
    } else if (!own) {
      outcome.operations.add("Outputs", {{"count", outcome.outputs.size()}}, outcome.outputs);
    }
    if (!own) outcome.outputs = {call.inputs.size() + outcome.operations.all().size() - 1};
    return outcome;
  }

  /// Which operations the result depends on.
  static std::vector<bool> neededOf(const Outcome& outcome) {
    const size_t inputs = outcome.operations.inputCount();
    const std::vector<Operation>& all = outcome.operations.all();
    std::vector<bool> needed(all.size(), false);
    needed[outcome.outputs[0] - inputs] = true;
    for (size_t i = all.size(); i-- > 0;) {
      for (const size_t input : all[i].inputs) {
        if (needed[i] && input >= inputs) needed[input - inputs] = true;
      }
    }
    return needed;
  }

  static bool same(const Outcome& a, const Outcome& b) {
    const auto equal = [](const Operation& x, const Operation& y) {
      return x.className == y.className && x.config == y.config && x.inputs == y.inputs;
    };
    const std::vector<Operation>& all = a.operations.all();
    return a.outputs == b.outputs &&
           std::equal(all.begin(), all.end(), b.operations.all().begin(), b.operations.all().end(), equal);
  }

  std::vector<LayerSpec> written(const LayerSpec& layer, const std::string& source, const CallReading& read) {
    if (layer.calls.empty()) throw NotUnderstood{"is never called"};
    const Outcome outcome = outcomeOf(read, layer.calls[0]);
    for (const CallSpec& call : layer.calls) {
      const bool alike =
          call.inputs.size() == layer.calls[0].inputs.size() && same(outcomeOf(read, call), outcome);
      if (!alike) throw NotUnderstood{"computes something else in each of its calls"};
    }
    const size_t inputs = layer.calls[0].inputs.size();
    const std::vector<Operation>& all = outcome.operations.all();
    const std::vector<bool> needed = neededOf(outcome);
    std::vector<std::string> names(all.size());
    size_t count = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      if (needed[i]) names[i] = inputs + i == outcome.outputs[0] ? "" : "/" + std::to_string(++count);
    }
    total_ += count + 1;
    if (total_ > kMaxOperations) {
      throw Error({"config-structure", "layer \"" + layer.name + "\"",
                   "at most " + std::to_string(kMaxOperations) + " operations in all layers together", "more",
                   ""});
    }
    std::vector<LayerSpec> layers;
    for (size_t i = 0; i < all.size(); ++i) {
      if (needed[i]) layers.push_back(operationLayer(layer, source, all[i], names, i));
    }
    return layers;
  }

  static LayerSpec operationLayer(const LayerSpec& layer, const std::string& source,
                                  const Operation& operation, const std::vector<std::string>& names,
                                  size_t which) {
    LayerSpec spec;
    spec.name = layer.name + names[which];
    spec.className = operation.className;
    spec.operation = true;
    spec.model = layer.model;
    if (!layer.ownName.empty()) spec.ownName = layer.ownName + names[which];
    spec.config = {{"op", operation.config}, {"of", layer.className}};
    if (names[which].empty()) {
      spec.config["source"] = source;
      const json shape = layer.config.is_object() ? layer.config.value("output_shape", json()) : json();
      const bool stated =
          layer.className == "Lambda" && shape.is_array() && operation.className != "Outputs" &&
          std::all_of(shape.begin(), shape.end(),
                      [](const json& size) { return size.is_null() || wholeNumber(size).value_or(-1) >= 0; });
      if (stated) spec.config["output_shape"] = shape;
    }
    for (size_t k = 0; k < layer.calls.size(); ++k) {
      const CallSpec& call = layer.calls[k];
      std::vector<TensorRef> inputs;
      std::vector<std::optional<TensorRef>> masks;
      for (const size_t input : operation.inputs) {
        const bool given = input < call.inputs.size();
        inputs.push_back(
            given ? call.inputs[input]
                  : TensorRef{layer.name + names[input - call.inputs.size()], static_cast<int>(k), 0});
        masks.push_back(given && input < call.masks.size() ? call.masks[input] : std::nullopt);
      }
      CallSpec own = CallSpec::of(std::move(inputs));
      own.masks = std::move(masks);
      spec.calls.push_back(std::move(own));
    }
    return spec;
  }

  static constexpr const char* kExpected =
      "sums, products, slices and other functions of tensors, such as \"lambda x: K.sum(x, axis=1)\"";

  const Dialect& dialect_;
  Choices& choices_;
  size_t total_ = 0;
};

}  // namespace

GraphSpec expandOperations(GraphSpec spec, const Dialect& dialect, Choices& choices) {
  return Expander(dialect, choices).expand(std::move(spec));
}

}  // namespace charglow
