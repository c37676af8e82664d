#include "bundle/metadata.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
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

constexpr std::array<std::string_view, 13> kKnownKeys{
    "format", "digest", "source",  "layers",       "keras_version", "backend", "text",
    "labels", "title",  "licence", "model_config", "examples",      "parity"};
constexpr std::array<std::string_view, 4> kRequiredKeys{"format", "digest", "source", "layers"};

// More would only bury what matters.
constexpr size_t kMostListed = 20;

constexpr char kConvertAgain[] = "Convert the model again with this version's scripts/convert.py.";

[[noreturn]] void fail(const char* code, std::string where, std::string expected, std::string actual,
                       std::string hint = "") {
  throw Error(Problem{code, std::move(where), std::move(expected), std::move(actual), std::move(hint)});
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

void checkSource(const json& source, const std::string& where) {
  checkStrings(source, where, {"layout", "file"}, {});
  const std::string& layout = source["layout"].get_ref<const std::string&>();
  if (layout != "keras-hdf5" && layout != "keras-hdf5-weights") {
    fail("metadata-value", where + ", layout", "\"keras-hdf5\" or \"keras-hdf5-weights\"", inQuotes(layout),
         kConvertAgain);
  }
  const std::string& file = source["file"].get_ref<const std::string&>();
  if (file.find('/') != std::string::npos)
    fail("metadata-value", where + ", file", "a name without folders", inQuotes(file));
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

void checkMetadataValues(const RawBundle& raw, const std::string& fileName) {
  checkSource(parseValue(raw, fileName, "source"), keyWhere(fileName, "source"));
  if (raw.metadata.contains("labels"))
    checkLabels(parseValue(raw, fileName, "labels"), keyWhere(fileName, "labels"));
  if (raw.metadata.contains("examples")) {
    checkExamples(parseValue(raw, fileName, "examples"), keyWhere(fileName, "examples"));
  }
}

std::vector<LayerEntry> readLayers(const RawBundle& raw, const std::string& fileName) {
  const std::string where = keyWhere(fileName, "layers");
  const json layers = parseValue(raw, fileName, "layers");
  if (!layers.is_array()) fail("layers-form", where, "an array of layers", describeJson(layers));
  std::vector<LayerEntry> result;
  std::unordered_set<std::string> names;
  for (const json& layer : layers) {
    const std::string place = where + "[" + std::to_string(result.size()) + "]";
    const bool form = layer.is_object() && layer.size() == 2 && layer.contains("name") &&
                      layer["name"].is_string() && layer.contains("weights") && layer["weights"].is_array();
    if (!form)
      fail("layers-form", place, "{\"name\": string, \"weights\": [string, …]}", describeJson(layer));
    LayerEntry entry;
    entry.name = layer["name"].get<std::string>();
    if (!names.insert(entry.name).second)
      fail("layers-form", place, "every layer's name once", inQuotes(entry.name) + " again");
    for (const json& weight : layer["weights"]) {
      if (!weight.is_string())
        fail("layers-form", place + ", weights", "names of tensors", describeJson(weight));
      entry.weights.push_back(weight.get<std::string>());
    }
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
