#include "keras/lambda.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "error.h"
#include "keras/marshal.h"
#include "keras/python_bytecode.h"

namespace charglow {

namespace {

using nlohmann::json;

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

/// The defaults or the closure that go with the code.
json besideCode(const json& config, size_t place, const char* key) {
  const json& function = config["function"];
  if (function.is_array() && function.size() == 3) return function[place];
  if (function.is_object() && function["config"].is_object()) return function["config"].value(key, json());
  return nullptr;
}

/// A function of Keras's own that Keras 3 wrote by its name: {"module": "keras.ops", "class_name":
/// "function", "config": "softmax"}.
std::optional<python::Function> kerasFunction(const json& config) {
  const auto function = config.find("function");
  if (function == config.end() || !function->is_object()) return std::nullopt;
  const json module = function->value("module", json());
  const json name = function->value("config", json());
  if (!name.is_string() || (module != "keras.ops" && module != "keras.activations")) return std::nullopt;
  using python::Expression;
  python::ExpressionPtr callee = python::named(Expression::Kind::Global, "keras");
  callee =
      python::named(Expression::Kind::Attribute, module == "keras.ops" ? "ops" : "activations", {callee});
  callee = python::named(Expression::Kind::Attribute, name.get<std::string>(), {callee});
  const python::ExpressionPtr x = python::variable(Expression::Kind::Argument, "x", 0);
  return python::Function{"<lambda>", {"x"}, {}, python::call(callee, {x}, {})};
}

}  // namespace

LambdaFunction readLambda(const json& config, const std::string& layer) {
  const std::string where = "layer \"" + layer + "\", function";
  if (config.is_object()) {
    if (std::optional<python::Function> known = kerasFunction(config))
      return {*std::move(known), nullptr, nullptr};
  }
  const std::vector<uint8_t> bytes = codeBytes(config, where);
  python::Function function = python::readFunction(python::readCode(bytes, where), where);
  return {std::move(function), besideCode(config, 1, "defaults"), besideCode(config, 2, "closure")};
}

}  // namespace charglow
