#include "keras/call_reader.h"

#include <algorithm>

#include "bundle/strict_json.h"
#include "keras/config_reader.h"

namespace charglow {

using nlohmann::json;

const json& CallReader::raw(const char* name, size_t place) {
  static const json none;
  if (const auto found = call_.kwargs.find(name); found != call_.kwargs.end()) {
    names_.insert(name);
    return *found;
  }
  if (place >= call_.args.size()) return none;
  places_.insert(place);
  return call_.args[place];
}

std::vector<size_t> CallReader::tensors(const char* name, size_t place) {
  std::vector<size_t> found;
  const json& argument = raw(name, place);
  if (argument.is_null()) return found;
  for (const json& item : argument.is_array() ? argument : json::array({argument})) {
    if (const std::optional<size_t> index = tensorIndex(item); index && *index < call_.inputs.size()) {
      found.push_back(*index);
    } else if (!item.is_null()) {
      refuse(name, "tensors", describeJson(item));
    }
  }
  return found;
}

std::optional<size_t> CallReader::tensor(const char* name, size_t place) {
  const json& argument = raw(name, place);
  if (argument.is_null()) return std::nullopt;
  const std::optional<size_t> index = tensorIndex(argument);
  if (index && *index < call_.inputs.size()) return index;
  refuse(name, "a tensor", describeJson(argument));
  return std::nullopt;
}

void CallReader::everyTensor() {
  const auto tensors = [](const json& argument) {
    if (!argument.is_array()) return tensorIndex(argument).has_value();
    return std::all_of(argument.begin(), argument.end(),
                       [](const json& item) { return tensorIndex(item).has_value(); });
  };
  for (const auto& [name, argument] : call_.kwargs.items()) {
    if (tensors(argument)) names_.insert(name);
  }
  for (size_t place = 0; place < call_.args.size(); ++place) {
    if (tensors(call_.args[place])) places_.insert(place);
  }
}

bool CallReader::boolean(const char* name, size_t place, bool absent) {
  const json& argument = raw(name, place);
  if (argument.is_null()) return absent;
  if (argument.is_boolean()) return argument.get<bool>();
  refuse(name, "true or false", describeJson(argument));
  return absent;
}

void CallReader::refuse(std::string_view argument, std::string_view expected, std::string_view actual) {
  problems_.push_back(
      {"unsupported-option",
       "layer \"" + layer_ + "\" (" + className_ + "), call argument " + std::string(argument), expected,
       actual, ""});
}

void CallReader::finish() {
  for (const auto& [key, value] : call_.kwargs.items()) {
    if (names_.contains(key) || value.is_null() || (key == "training" && value == false)) continue;
    refuse(key, "none", describeJson(value));
  }
  for (size_t i = 0; i < call_.args.size(); ++i) {
    if (places_.contains(i) || call_.args[i].is_null()) continue;
    refuse(std::to_string(i), "none", describeJson(call_.args[i]));
  }
}

}  // namespace charglow
