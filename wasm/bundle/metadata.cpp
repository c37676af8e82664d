#include "bundle/metadata.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "bundle/checked_size.h"
#include "bundle/strict_json.h"
#include "error.h"
#include "text/message.h"

namespace charglow {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 15> kKnownKeys{
    "format",  "digest", "source", "layers", "keras_version", "backend",  "model_config", "assets",
    "choices", "text",   "labels", "title",  "licence",       "examples", "parity"};
constexpr std::array<std::string_view, 4> kRequiredKeys{"format", "digest", "source", "layers"};
constexpr std::array<std::string_view, 4> kLayouts{"keras-hdf5", "keras-hdf5-weights", "keras-v3",
                                                   "keras-v3-weights"};
/// What arrays that are no weights may hold: HDF5's classes of types.
constexpr std::array<std::string_view, 3> kLeftOutKinds{"integer", "string", "enumeration"};

// More would only bury what matters.
constexpr size_t kMostListed = 20;

constexpr char kConvertAgain[] = "Convert the model again with this version's scripts/convert.py.";

[[noreturn]] void fail(const char* code, std::string_view where, std::string_view expected,
                       std::string_view actual, std::string_view hint = {}) {
  throw Error(Problem{code, where, expected, actual, hint});
}

std::string keyWhere(const std::string& fileName, std::string_view key) {
  return fileName + ", " + shown(key);
}

/// Parses the JSON in a metadata value; null where the key is absent.
json parseValue(const RawBundle& raw, const std::string& fileName, const char* key) {
  const auto found = raw.metadata.find(key);
  return found == raw.metadata.end() ? json() : parseStrictJson(found->second, keyWhere(fileName, key));
}

/// `object` is an object with all of `required`, perhaps some of `optional`, all of them strings, and nothing
/// else.
void checkStrings(const json& object, const std::string& where, const std::vector<std::string>& required,
                  const std::vector<std::string>& optional) {
  if (!object.is_object()) fail("metadata-value", where, "an object", describeJson(object));
  for (const std::string& key : required) {
    if (!object.contains(key)) fail("metadata-value", where, inQuotes(key), "none");
  }
  for (const auto& [key, value] : object.items()) {
    const auto in = [&, &name = key](const std::vector<std::string>& keys) {
      return std::find(keys.begin(), keys.end(), name) != keys.end();
    };
    if (!in(required) && !in(optional))
      fail("metadata-value", where, "only keys of the format", inQuotes(key));
    if (!value.is_string()) fail("metadata-value", where + ", " + key, "a string", describeJson(value));
  }
}

/// `"a", "b" or "c"`.
std::string oneOf(std::span<const std::string_view> values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i)
    text += (i == 0 ? "" : i + 1 == values.size() ? " or " : ", ") + inQuotes(values[i]);
  return text;
}

std::string checkSource(const json& source, const std::string& where) {
  checkStrings(source, where, {"layout", "file"}, {});
  const std::string& layout = source["layout"].get_ref<const std::string&>();
  if (std::find(kLayouts.begin(), kLayouts.end(), layout) == kLayouts.end())
    fail("metadata-value", where + ", layout", oneOf(kLayouts), inQuotes(layout), kConvertAgain);
  const std::string& file = source["file"].get_ref<const std::string&>();
  if (file.find('/') != std::string::npos)
    fail("metadata-value", where + ", file", "a name without folders", inQuotes(file));
  return layout;
}

void checkLabels(const json& labels, const std::string& where) {
  if (!labels.is_array()) fail("metadata-value", where, "an array of strings", describeJson(labels));
  for (const json& label : labels) {
    if (!label.is_string()) fail("metadata-value", where, "strings", describeJson(label));
  }
}

void checkExamples(const json& examples, const std::string& where) {
  if (!examples.is_array()) fail("metadata-value", where, "an array of objects", describeJson(examples));
  for (size_t i = 0; i < examples.size(); ++i) {
    checkStrings(examples[i], where + "[" + std::to_string(i) + "]", {"text"}, {"title", "note"});
  }
}

/// An object of strings, under whatever keys.
void checkStringsByKey(const json& object, const std::string& where) {
  if (!object.is_object()) fail("metadata-value", where, "an object of strings", describeJson(object));
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string())
      fail("metadata-value", where + ", " + shown(key), "a string", describeJson(value));
  }
}

void checkChoices(const json& choices, const std::string& where) {
  checkStringsByKey(choices, where);
  for (const auto& [id, value] : choices.items()) {
    if (id.empty() || value.get_ref<const std::string&>().empty())
      fail("metadata-value", where, "an id and a value for every choice",
           inQuotes(id) + ": " + describeJson(value));
  }
}

/// {"name", "keras_name" (may be absent), "weights", "left_out" (may be absent)}.
LayerEntry readLayer(const json& layer, const std::string& place) {
  constexpr char kForm[] = "{\"name\": string, \"weights\": [string, …]}";
  const bool form = layer.is_object() && layer.contains("name") && layer["name"].is_string() &&
                    layer.contains("weights") && layer["weights"].is_array() &&
                    layer.size() == 2 + layer.count("keras_name") + layer.count("left_out");
  if (!form) fail("layers-form", place, kForm, describeJson(layer));
  LayerEntry entry;
  entry.name = layer["name"].get<std::string>();
  for (const json& weight : layer["weights"]) {
    if (!weight.is_string())
      fail("layers-form", place + ", weights", "names of tensors", describeJson(weight));
    entry.weights.push_back(weight.get<std::string>());
  }
  if (const auto found = layer.find("keras_name"); found != layer.end()) {
    if (!found->is_string()) fail("layers-form", place + ", keras_name", "a string", describeJson(*found));
    entry.kerasName = found->get<std::string>();
  }
  if (const auto found = layer.find("left_out"); found != layer.end()) {
    const std::string where = place + ", left_out";
    if (!found->is_object() || found->empty())
      fail("layers-form", where, "an object of kinds by array", describeJson(*found));
    for (const auto& [array, kind] : found->items()) {
      const bool known =
          kind.is_string() && std::find(kLeftOutKinds.begin(), kLeftOutKinds.end(),
                                        kind.get_ref<const std::string&>()) != kLeftOutKinds.end();
      if (!known) fail("layers-form", where + ", " + shown(array), oneOf(kLeftOutKinds), describeJson(kind));
      entry.leftOut[array] = kind.get<std::string>();
    }
  }
  return entry;
}

}  // namespace

void checkMetadataKeys(const RawBundle& raw, const std::string& fileName) {
  std::vector<Problem> problems;
  const std::string where = fileName + ", __metadata__";
  for (const std::string_view key : kRequiredKeys) {
    if (raw.metadata.find(key) == raw.metadata.end()) {
      problems.push_back({"metadata-missing", where, inQuotes(key), "none", kConvertAgain});
    }
  }
  for (const auto& [key, value] : raw.metadata) {
    if (std::find(kKnownKeys.begin(), kKnownKeys.end(), key) == kKnownKeys.end()) {
      problems.push_back({"metadata-unknown", where, "keys of charglow/1", inQuotes(key), kConvertAgain});
    }
  }
  if (!problems.empty()) throw Error(std::move(problems));

  const std::string& digest = raw.metadata.find("digest")->second;
  constexpr std::string_view kPrefix = "sha256:";
  const bool form = digest.size() == kPrefix.size() + 64 && digest.rfind(kPrefix, 0) == 0 &&
                    digest.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string::npos;
  if (!form) {
    fail("metadata-value", keyWhere(fileName, "digest"), "\"sha256:\" and 64 lower-case hexadecimal digits",
         inQuotes(digest));
  }
}

std::string checkMetadataValues(const RawBundle& raw, const std::string& fileName) {
  std::string layout = checkSource(parseValue(raw, fileName, "source"), keyWhere(fileName, "source"));
  if (raw.metadata.contains("assets"))
    checkStringsByKey(parseValue(raw, fileName, "assets"), keyWhere(fileName, "assets"));
  if (raw.metadata.contains("choices"))
    checkChoices(parseValue(raw, fileName, "choices"), keyWhere(fileName, "choices"));
  if (raw.metadata.contains("labels"))
    checkLabels(parseValue(raw, fileName, "labels"), keyWhere(fileName, "labels"));
  if (raw.metadata.contains("examples")) {
    checkExamples(parseValue(raw, fileName, "examples"), keyWhere(fileName, "examples"));
  }
  return layout;
}

std::vector<LayerEntry> readLayers(const RawBundle& raw, const std::string& fileName) {
  const std::string where = keyWhere(fileName, "layers");
  const json layers = parseValue(raw, fileName, "layers");
  if (!layers.is_array()) fail("layers-form", where, "an array of layers", describeJson(layers));
  std::vector<LayerEntry> result;
  std::unordered_set<std::string> names;
  for (const json& layer : layers) {
    const std::string place = where + "[" + std::to_string(result.size()) + "]";
    LayerEntry entry = readLayer(layer, place);
    if (!names.insert(entry.name).second)
      fail("layers-form", place, "every layer's name once", inQuotes(entry.name) + " again");
    result.push_back(std::move(entry));
  }
  return result;
}

void checkLayersNameTensors(const std::vector<LayerEntry>& layers, const std::vector<TensorEntry>& entries,
                            const std::string& fileName) {
  std::vector<Problem> problems;
  size_t more = 0;
  const auto add = [&](Problem problem) {
    if (problems.size() < kMostListed) {
      problems.push_back(std::move(problem));
    } else {
      ++more;
    }
  };
  std::unordered_map<std::string_view, int> named;
  for (const TensorEntry& entry : entries) named.emplace(entry.name, 0);
  for (const LayerEntry& layer : layers) {
    for (const std::string& weight : layer.weights) {
      const auto found = named.find(weight);
      if (found == named.end()) {
        add({"tensor-missing", fileName + ", layer " + shown(layer.name), "the tensor " + inQuotes(weight),
             "none of that name", ""});
      } else if (++found->second == 2) {
        add({"tensor-twice", tensorWhere(fileName, weight), "its name once in layers",
             "it again in layer " + inQuotes(layer.name), ""});
      }
    }
  }
  for (const TensorEntry& entry : entries) {
    if (named.at(entry.name) == 0)
      add({"tensor-unlisted", tensorWhere(fileName, entry.name), "its name in layers", "none", ""});
  }
  if (more > 0) {
    problems.push_back({"tensor-missing", fileName, "layers and tensors to match",
                        std::to_string(more) + " more that do not", ""});
  }
  if (!problems.empty()) throw Error(std::move(problems));
}

void checkTensorOrder(const std::vector<LayerEntry>& layers, const std::vector<TensorEntry>& entries,
                      const std::string& fileName) {
  std::unordered_map<std::string_view, DType> dtypes;
  for (const TensorEntry& entry : entries) dtypes.emplace(entry.name, entry.dtype);
  std::vector<std::string_view> order;
  for (const LayerEntry& layer : layers)
    order.insert(order.end(), layer.weights.begin(), layer.weights.end());
  std::stable_sort(order.begin(), order.end(), [&](std::string_view a, std::string_view b) {
    return elementBytes(dtypes.at(a)) > elementBytes(dtypes.at(b));
  });
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].name == order[i]) continue;
    fail("tensor-order", tensorWhere(fileName, entries[i].name),
         inQuotes(order[i]) + " in this place (by falling dtype size, then in the order of layers)",
         "it instead", kConvertAgain);
  }
}

}  // namespace charglow
