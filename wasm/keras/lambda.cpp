#include "keras/lambda.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "error.h"
#include "keras/marshal.h"
#include "keras/python_bytecode.h"
#include "keras/python_expression.h"

namespace charglow {

namespace {

using nlohmann::json;
using python::Expression;
using python::Value;

constexpr const char* kHint =
    "Nothing from a model file is executed. Write the layer with Keras's own layers (Multiply, Dot, "
    "GlobalAveragePooling1D …) or as K.sum(x, axis=1), and save the model again.";

// --- From the config to the bytes of a code object ---

/// JSON text of a value of the config, shortened for a message.
std::string shown(const json& value) {
  return python::shortened(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

int base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

/// Base64 as Python's codecs write it, with line breaks. Nothing where `text` is something else.
std::optional<std::vector<uint8_t>> decodeBase64(std::string_view text) {
  std::vector<uint8_t> bytes;
  uint32_t bits = 0;
  size_t digits = 0;
  size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int digit = base64Digit(c);
    if (digit < 0 || padding > 0) return std::nullopt;
    bits = (bits << 6 | static_cast<uint32_t>(digit)) & 0xffffff;
    if (++digits % 4 != 1) bytes.push_back(static_cast<uint8_t>(bits >> (6 - 2 * ((digits - 1) % 4))));
  }
  if (digits % 4 == 1 || (digits + padding) % 4 != 0 || padding > 2) return std::nullopt;
  return bytes;
}

/// The bytes that Keras <= 2.1.1 turned into text with Python's raw_unicode_escape: a byte is a character;
/// what is beyond a byte was a \uXXXX among the bytes. Nothing where `text` is not UTF-8.
std::optional<std::vector<uint8_t>> decodeRawUnicodeEscape(std::string_view text) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i++]);
    const int more = lead < 0x80                   ? 0
                     : lead >= 0xc2 && lead < 0xe0 ? 1
                     : lead >= 0xe0 && lead < 0xf0 ? 2
                     : lead >= 0xf0                ? 3
                                                   : -1;
    if (more < 0 || static_cast<size_t>(more) > text.size() - i) return std::nullopt;
    uint32_t point = more == 0 ? lead : lead & (0x3fU >> more);
    for (int k = 0; k < more; ++k) {
      const auto next = static_cast<uint8_t>(text[i++]);
      if ((next & 0xc0) != 0x80) return std::nullopt;
      point = point << 6 | (next & 0x3fU);
    }
    if (point < 0x100) {
      bytes.push_back(static_cast<uint8_t>(point));
      continue;
    }
    const bool wide = point > 0xffff;
    bytes.push_back('\\');
    bytes.push_back(wide ? 'U' : 'u');
    for (int shift = wide ? 28 : 12; shift >= 0; shift -= 4) {
      bytes.push_back(static_cast<uint8_t>("0123456789abcdef"[point >> shift & 15]));
    }
  }
  return bytes;
}

/// The part of the config that holds the code: a text, in one of the forms that Keras has used.
const std::string& codeText(const json& config, const std::string& where) {
  const auto refuse = [&](const json& found) -> const std::string& {
    throw Error({"lambda-config", where,
                 "a function as Keras writes it: [code, defaults, closure] or \"__lambda__\"", shown(found),
                 "The file is damaged, or from a Keras that is not known yet; save the model again."});
  };
  const auto byName = [&](const json& name) -> const std::string& {
    throw Error(
        {"lambda-name", where, "a function with its code", "only its name, " + shown(name),
         "The function was saved by its name (Keras 3 keeps the code of a lambda only). Save the model "
         "again with a lambda, or with Keras's own layers."});
  };
  const auto function = config.find("function");
  if (!config.is_object() || function == config.end()) return refuse(json());
  const json* code = &*function;
  if (code->is_object()) {  // Keras 2.13 on
    const auto className = code->find("class_name");
    const auto inner = code->find("config");
    if (className == code->end() || inner == code->end()) return refuse(*function);
    if (*className != "__lambda__" && inner->is_string()) return byName(*inner);
    if (*className != "__lambda__" || !inner->is_object() || !inner->contains("code"))
      return refuse(*function);
    code = &(*inner)["code"];
  } else if (config.contains("function_type") && config["function_type"] == "function") {
    return byName(*code);
  } else if (code->is_array() && code->size() == 3) {  // Keras 1.2 on: what func_dump() returned
    code = &(*code)[0];
  }
  if (!code->is_string()) return refuse(*function);
  return code->get_ref<const std::string&>();
}

std::vector<uint8_t> codeBytes(const json& config, const std::string& where) {
  const std::string& text = codeText(config, where);
  // A marshalled code object holds zero bytes, which base64 does not, so one is never taken for the other.
  if (auto bytes = decodeBase64(text)) return *std::move(bytes);
  if (auto bytes = decodeRawUnicodeEscape(text)) return *std::move(bytes);
  throw Error({"lambda-config", where, "code as base64 or as a marshal string", "a text that is neither",
               "The file is damaged; save the model again."});
}

// --- From the expression to a reduction ---

/// Stops the matching; what makes the function something else than a reduction that can be computed.
struct NotAReduction {
  std::string why;
};

/// A function that reduces: where it may be found, and how its arguments are called there.
struct Library {
  std::vector<std::string_view> modules;
  std::string_view prefix;  ///< of the function's name: "reduce_"
  size_t positional;        ///< how many of (input, axis, keepdims) may be given by place
  std::vector<std::string_view> input;
  std::vector<std::string_view> axis;
  std::vector<std::string_view> keepDims;
};

/// A Lambda's code says "K.sum" and not what K was. These are the names under which people import the
/// libraries; another one is refused, since its `sum` could be anything. numpy and its like take dtype in
/// third place.
const std::vector<Library>& libraries() {
  static const std::vector<Library> kLibraries = {
      {{"K", "k", "KB", "backend", "keras.backend", "tf.keras.backend", "tensorflow.keras.backend",
        "tf.compat.v1.keras.backend", "ops", "keras.ops", "tf.keras.ops"},
       "",
       3,
       {"x"},
       {"axis"},
       {"keepdims"}},
      {{"tf", "tensorflow", "tf.math", "tensorflow.math", "tf.compat.v1", "tf.compat.v1.math", "tf.compat.v2",
        "tf.compat.v2.math"},
       "reduce_",
       3,
       {"input_tensor"},
       {"axis", "reduction_indices"},
       {"keepdims", "keep_dims"}},
      {{"np", "numpy", "jnp", "jax.numpy", "tnp", "tf.experimental.numpy"},
       "",
       2,
       {"a"},
       {"axis"},
       {"keepdims"}}};
  return kLibraries;
}

/// "tf.keras.backend" where `expression` is attributes of a global; empty where it is anything else.
std::string dottedName(const Expression& expression) {
  if (expression.kind == Expression::Kind::Global) return expression.name;
  if (expression.kind != Expression::Kind::Attribute) return {};
  const std::string owner = dottedName(*expression.operands[0]);
  return owner.empty() ? std::string() : owner + "." + expression.name;
}

std::optional<Reduction::Kind> kindOf(std::string_view name) {
  constexpr std::pair<std::string_view, Reduction::Kind> kKinds[] = {{"sum", Reduction::Kind::Sum},
                                                                     {"mean", Reduction::Kind::Mean},
                                                                     {"max", Reduction::Kind::Max},
                                                                     {"min", Reduction::Kind::Min},
                                                                     {"prod", Reduction::Kind::Prod}};
  for (const auto& [known, kind] : kKinds) {
    if (name == known) return kind;
  }
  return std::nullopt;
}

int axisOf(const Expression& expression) {
  if (expression.kind == Expression::Kind::Unary && expression.sign == python::Operator::Negative) {
    return -axisOf(*expression.operands[0]);
  }
  const bool whole =
      expression.kind == Expression::Kind::Constant && expression.value->kind == Value::Kind::Int;
  if (!whole)
    throw NotAReduction{"has an axis that is not a whole number in its code: " + toSource(expression)};
  constexpr int64_t kMost = 64;  // more than any tensor has
  if (expression.value->integer < -kMost || expression.value->integer > kMost) {
    throw NotAReduction{"has an axis that no tensor has"};
  }
  return static_cast<int>(expression.value->integer);
}

std::vector<int> axesOf(const Expression& expression) {
  std::vector<int> axes;
  const Value* value = expression.kind == Expression::Kind::Constant ? expression.value.get() : nullptr;
  if (value != nullptr && value->kind == Value::Kind::None) {
    throw NotAReduction{"has no axis and so reduces over the texts of a batch too"};
  }
  if (value != nullptr && (value->kind == Value::Kind::Tuple || value->kind == Value::Kind::List)) {
    for (const python::ValuePtr& item : value->items) {
      Expression element;
      element.value = item;
      axes.push_back(axisOf(element));
    }
  } else if (expression.kind == Expression::Kind::Tuple || expression.kind == Expression::Kind::List) {
    for (const python::ExpressionPtr& item : expression.operands) axes.push_back(axisOf(*item));
  } else {
    axes.push_back(axisOf(expression));
  }
  if (axes.empty()) throw NotAReduction{"has an empty list of axes"};
  for (auto axis = axes.begin(); axis != axes.end(); ++axis) {
    if (std::find(axes.begin(), axis, *axis) != axis) throw NotAReduction{"names an axis twice"};
  }
  return axes;
}

bool truthOf(const Expression& expression) {
  const Value* value = expression.kind == Expression::Kind::Constant ? expression.value.get() : nullptr;
  if (value != nullptr && value->kind == Value::Kind::Bool) return value->truth;
  if (value != nullptr && value->kind == Value::Kind::None)
    return false;  // TensorFlow 1's default of keep_dims
  throw NotAReduction{"has a keepdims that is neither True nor False in its code"};
}

/// The arguments of a call to a reduction, told apart by place or name.
struct Arguments {
  const Expression* input = nullptr;
  const Expression* axis = nullptr;
  const Expression* keepDims = nullptr;
};

Arguments argumentsOf(const Expression& call, const Library& library) {
  Arguments arguments;
  const size_t positional = call.operands.size() - 1 - call.keywords.size();
  if (positional > library.positional) throw NotAReduction{"gives more arguments by place than are known"};
  const std::array<const Expression**, 3> places = {&arguments.input, &arguments.axis, &arguments.keepDims};
  for (size_t i = 0; i < positional; ++i) *places[i] = call.operands[i + 1].get();
  const std::array<const std::vector<std::string_view>*, 3> names = {&library.input, &library.axis,
                                                                     &library.keepDims};
  for (size_t i = 0; i < call.keywords.size(); ++i) {
    const std::string& keyword = call.keywords[i];
    if (keyword == "name") continue;  // labels TensorFlow's graph, changes no number
    const auto place = std::find_if(names.begin(), names.end(), [&](const auto* known) {
      return std::find(known->begin(), known->end(), keyword) != known->end();
    });
    if (place == names.end()) throw NotAReduction{"has the option \"" + keyword + "\", which is not known"};
    const Expression*& argument = *places[static_cast<size_t>(place - names.begin())];
    if (argument != nullptr) throw NotAReduction{"gives the option \"" + keyword + "\" twice"};
    argument = call.operands[1 + positional + i].get();
  }
  return arguments;
}

Reduction match(const Expression& result) {
  if (result.kind != Expression::Kind::Call || result.operands[0]->kind != Expression::Kind::Attribute) {
    throw NotAReduction{"is not a single call of a reduction"};
  }
  const Expression& function = *result.operands[0];
  const std::string module = dottedName(*function.operands[0]);
  for (const Library& library : libraries()) {
    const bool known =
        std::find(library.modules.begin(), library.modules.end(), module) != library.modules.end();
    if (!known || !std::string_view(function.name).starts_with(library.prefix)) continue;
    const auto kind = kindOf(std::string_view(function.name).substr(library.prefix.size()));
    if (!kind) continue;
    const Arguments arguments = argumentsOf(result, library);
    const Expression* input = arguments.input;
    if (input == nullptr || input->kind != Expression::Kind::Argument || input->index != 0) {
      throw NotAReduction{"reduces something else than the layer's input"};
    }
    if (arguments.axis == nullptr)
      throw NotAReduction{"has no axis and so reduces over the texts of a batch too"};
    return {*kind, axesOf(*arguments.axis), arguments.keepDims != nullptr && truthOf(*arguments.keepDims)};
  }
  throw NotAReduction{"calls a function that is not known"};
}

}  // namespace

LambdaReading readLambda(const json& config, const std::string& layer) {
  const std::string where = "layer \"" + layer + "\", function";
  const std::vector<uint8_t> bytes = codeBytes(config, where);
  const python::Function function = python::readFunction(python::readCode(bytes, where), where);
  const std::string source = python::shortened(toSource(function));
  try {
    return {match(*function.result), source};
  } catch (const NotAReduction& reason) {
    // `arguments` are passed by name to a function's other arguments. A reduction of the first one alone has
    // no use for them: Keras 2.2 writes {"mask": null} for a function that takes a mask and ignores it.
    const auto arguments = config.find("arguments");
    if (arguments != config.end() && !arguments->is_null() && !arguments->empty()) {
      throw Error({"lambda-arguments", "layer \"" + layer + "\", arguments", "none",
                   shown(*arguments) + " for \"" + source + "\"", kHint});
    }
    throw Error({"lambda-function", where,
                 "one sum, mean, max, min or prod of its input over fixed axes, such as \"lambda x: K.sum(x, "
                 "axis=1)\"",
                 "\"" + source + "\", which " + reason.why, kHint});
  }
}

}  // namespace charglow
