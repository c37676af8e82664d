#include "keras/config_reader.h"

#include <array>
#include <limits>
#include <map>
#include <utility>

namespace charglow {
namespace {

using nlohmann::json;

/// Keys that cannot change what a layer computes at inference, in any generation of Keras.
constexpr std::array<std::string_view, 16> kHarmless = {"name",
                                                        "trainable",
                                                        "batch_input_shape",
                                                        "batch_shape",
                                                        "input_dtype",
                                                        "activity_regularizer",
                                                        "autocast",
                                                        "implementation",
                                                        "unroll",
                                                        "input_length",
                                                        "seed",
                                                        "noise_shape",
                                                        "dropout",
                                                        "recurrent_dropout",
                                                        "registered_name",
                                                        "lora_alpha"};

constexpr std::array<std::string_view, 3> kHarmlessEndings = {"_initializer", "_regularizer", "_constraint"};

/// Keys that would change numbers, and the value at which they do not.
const std::map<std::string, json, std::less<>>& neutralValues() {
  static const std::map<std::string, json, std::less<>> values = {{"time_major", false},
                                                                  {"ragged", false},
                                                                  {"sparse", false},
                                                                  {"quantization_config", nullptr},
                                                                  {"lora_rank", nullptr},
                                                                  {"optional", false},
                                                                  {"data_format", "channels_last"},
                                                                  {"stateful", false}};
  return values;
}

std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 77) + "…";
  return text;
}

/// The name in a dtype: "float32", or a Keras 3 policy {"class_name": "DTypePolicy", "config": {"name":
/// "float32"}}.
std::string dtypeName(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("config") && value["config"].is_object() &&
      value["config"].contains("name") && value["config"]["name"].is_string()) {
    return value["config"]["name"].get<std::string>();
  }
  return "";
}

}  // namespace

bool usesMixedPrecision(const json& config) {
  return config.is_object() && config.contains("dtype") && dtypeName(config["dtype"]).starts_with("mixed_");
}

bool isHarmless(std::string_view key) {
  for (const std::string_view name : kHarmless) {
    if (key == name) return true;
  }
  for (const std::string_view ending : kHarmlessEndings) {
    if (key.ends_with(ending)) return true;
  }
  return false;
}

std::optional<int> wholeNumber(const json& value) {
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  if (value.is_number_unsigned()) {
    const uint64_t number = value.get<uint64_t>();
    return number <= static_cast<uint64_t>(kMost) ? std::optional(static_cast<int>(number)) : std::nullopt;
  }
  if (!value.is_number_integer()) return std::nullopt;
  const int64_t number = value.get<int64_t>();
  return number >= -kMost && number <= kMost ? std::optional(static_cast<int>(number)) : std::nullopt;
}

ConfigReader::ConfigReader(const nlohmann::json& config, std::string layer, std::string className,
                           const Dialect& dialect, std::vector<Problem>& problems)
    : config_(config),
      layer_(std::move(layer)),
      className_(std::move(className)),
      dialect_(dialect),
      problems_(problems) {}

void ConfigReader::refuse(std::string_view option, std::string_view expected, std::string_view actual,
                          std::string_view hint) {
  problems_.push_back({"unsupported-option",
                       "layer \"" + layer_ + "\" (" + className_ + "), " + std::string(option), expected,
                       actual, hint});
}

const json& ConfigReader::raw(const char* key) {
  static const json none;
  seen_.insert(key);
  const auto found = config_.find(key);
  return found == config_.end() ? none : *found;
}

int ConfigReader::integer(const char* key, std::optional<int> absent) {
  const json& value = raw(key);
  if (value.is_null() && absent) return *absent;
  const std::optional<int> whole = wholeNumber(value);
  if (!whole) {
    refuse(key, "a whole number", shown(value));
    return absent.value_or(1);
  }
  return *whole;
}

int ConfigReader::size(const char* key) {
  const json& value = raw(key);
  const std::optional<int> whole = wholeNumber(value);
  if (!whole || *whole < 1 || *whole > kMaxSize) {
    refuse(key, "a whole number from 1 to " + std::to_string(kMaxSize), shown(value));
    return 1;
  }
  return *whole;
}

float ConfigReader::number(const char* key, float absent) {
  const json& value = raw(key);
  if (value.is_null()) return absent;
  if (!value.is_number()) {
    refuse(key, "a number", shown(value));
    return absent;
  }
  return value.get<float>();
}

bool ConfigReader::boolean(const char* key, bool absent) {
  const json& value = raw(key);
  if (value.is_null()) return absent;
  if (!value.is_boolean()) {
    refuse(key, "true or false", shown(value));
    return absent;
  }
  return value.get<bool>();
}

std::string ConfigReader::text(const char* key, const std::string& absent) {
  const json& value = raw(key);
  if (value.is_null()) return absent;
  if (!value.is_string()) {
    refuse(key, "a string", shown(value));
    return absent;
  }
  return value.get<std::string>();
}

std::vector<int> ConfigReader::integers(const char* key) {
  const json& value = raw(key);
  const json list = value.is_array() ? value : json::array({value});
  std::vector<int> numbers;
  for (const json& item : list) {
    const std::optional<int> whole = wholeNumber(item);
    if (!whole) {
      refuse(key, "whole numbers", shown(value));
      return {};
    }
    numbers.push_back(*whole);
  }
  return numbers;
}

Activation ConfigReader::activation(const char* key, std::string_view absent) {
  const json& value = raw(key);
  std::string name(has(key) ? "linear" : absent);  // None is linear
  if (value.is_string()) {
    name = value.get<std::string>();
  } else if (value.is_object() && value.value("class_name", json()) == "function" &&
             value.contains("config") && value["config"].is_string()) {
    name = value["config"].get<std::string>();
  } else if (!value.is_null()) {
    refuse(key, "the name of a Keras activation", shown(value));
    return Activation::Linear;
  }
  const std::optional<Activation> found = activationNamed(name, dialect_.hardSigmoidOfKeras3());
  if (!found) {
    refuse(key, "the name of a Keras activation", "\"" + name + "\"",
           "A custom activation cannot be run: its code is not in the file.");
  }
  return found.value_or(Activation::Linear);
}

void ConfigReader::require(const char* key, const json& value, const std::string& hint) {
  const json& actual = raw(key);
  if (!actual.is_null() && actual != value) refuse(key, shown(value), shown(actual), hint);
}

void ConfigReader::finish() {
  const bool stated = config_.contains("dtype") && !config_["dtype"].is_null();
  const std::string dtype = stated ? dtypeName(config_["dtype"]) : "float32";
  const bool runs = dtype == "float32" || dtype == "float64" || usesMixedPrecision(config_);
  if (seen_.insert("dtype").second && !runs) {
    refuse("dtype", "float32, float64 or mixed precision", shown(config_["dtype"]),
           "Load the model in Keras under the float32 policy and save it again.");
  }
  for (const auto& [key, value] : config_.items()) {
    if (seen_.contains(key) || isHarmless(key)) continue;
    const auto neutral = neutralValues().find(key);
    if (neutral == neutralValues().end()) {
      refuse(key, "an option this engine knows", shown(value));
    } else if (value != neutral->second && !value.is_null()) {
      refuse(key, shown(neutral->second), shown(value));
    }
  }
}

}  // namespace charglow
