#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bundle/bundle.h"
#include "bundle/checked_size.h"
#include "bundle/digest.h"
#include "bundle/half.h"
#include "bundle/raw_bundle.h"
#include "error.h"

// Bundles made in memory for tests: right ones, and ones that are wrong in a single place.
namespace charglow::testing {

struct TestTensor {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  std::vector<double> values;
};

struct TestLayer {
  std::string name;
  std::vector<std::string> weights;
  std::string kerasName{};
};

inline std::vector<std::byte> bytesOf(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// Header length, header, data: a file of the binary form, whatever they hold.
inline std::string binaryFile(const std::string& header, const std::string& data) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>((uint64_t{header.size()} >> (8 * i)) & 0xFF);
  return file + header + data;
}

inline std::string padded(std::string header) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

struct TestBundle {
  std::vector<TestTensor> tensors;  ///< in the order of the file
  std::vector<TestLayer> layers;
  std::map<std::string, std::string>
      metadata{};  ///< in place of the defaults; an empty value leaves the key out

  [[nodiscard]] std::string data() const {
    std::string bytes;
    const auto put = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
    for (const TestTensor& tensor : tensors) {
      for (const double value : tensor.values) {
        if (tensor.dtype == DType::F16) put(nearestHalf(value).value());
        if (tensor.dtype == DType::F32) put(static_cast<float>(value));
        if (tensor.dtype == DType::F64) put(value);
      }
    }
    return bytes;
  }

  [[nodiscard]] std::string layersJson() const {
    auto list = nlohmann::ordered_json::array();
    for (const TestLayer& layer : layers) {
      nlohmann::ordered_json entry;
      entry["name"] = layer.name;
      if (!layer.kerasName.empty()) entry["keras_name"] = layer.kerasName;
      entry["weights"] = layer.weights;
      list.push_back(entry);
    }
    return list.dump();
  }

  /// All metadata, with a digest that fits the content unless one is given.
  [[nodiscard]] std::map<std::string, std::string> allMetadata() const {
    std::map<std::string, std::string> all{{"format", "charglow/1"},
                                           {"source", R"({"layout":"keras-hdf5","file":"m.h5"})"},
                                           {"layers", layersJson()}};
    for (const auto& [key, value] : metadata) {
      if (value.empty()) {
        all.erase(key);
      } else {
        all[key] = value;
      }
    }
    if (metadata.count("digest") == 0) all["digest"] = digest(all);
    return all;
  }

  [[nodiscard]] std::string digest(const std::map<std::string, std::string>& all) const {
    RawBundle raw;
    for (const auto& [key, value] : all) raw.metadata.emplace(key, value);
    raw.data = bytesOf(data());
    raw.payload = raw.data;
    uint64_t begin = 0;
    for (const TestTensor& tensor : tensors) {
      const uint64_t end = begin + tensor.values.size() * elementBytes(tensor.dtype);
      raw.entries.push_back({tensor.name, tensor.dtype, tensor.shape, begin, end});
      begin = end;
    }
    return contentDigest(raw);
  }

  /// The header's members as they stand, for tests that spoil one.
  [[nodiscard]] nlohmann::ordered_json headerJson() const {
    nlohmann::ordered_json header;
    for (const auto& [key, value] : allMetadata()) header["__metadata__"][key] = value;
    uint64_t begin = 0;
    for (const TestTensor& tensor : tensors) {
      const uint64_t end = begin + tensor.values.size() * elementBytes(tensor.dtype);
      nlohmann::ordered_json entry;
      entry["dtype"] = dtypeName(tensor.dtype);
      entry["shape"] = tensor.shape;
      entry["data_offsets"] = {begin, end};
      header[tensor.name] = entry;
      begin = end;
    }
    return header;
  }

  [[nodiscard]] std::string binary() const { return binaryFile(padded(headerJson().dump()), data()); }

  [[nodiscard]] nlohmann::ordered_json json() const {
    nlohmann::ordered_json file;
    for (const auto& [key, value] : allMetadata()) file["__metadata__"][key] = value;
    file["tensors"] = nlohmann::ordered_json::object();
    for (const TestTensor& tensor : tensors) {
      nlohmann::ordered_json entry;
      entry["dtype"] = dtypeName(tensor.dtype);
      entry["shape"] = tensor.shape;
      entry["data"] = tensor.values;
      file["tensors"][tensor.name] = entry;
    }
    return file;
  }
};

/// Two layers with weights and one without; all dtypes; a matrix, a vector and a scalar. Every number is
/// exact in its dtype and differs from all others.
inline TestBundle smallBundle() {
  return {{{"d/w:0", DType::F64, {2}, {0.1, -2.5}},
           {"e/t:0", DType::F32, {2, 3}, {1, 2, 3, -4, 0.5, 0.25}},
           {"e/s:0", DType::F32, {}, {7}},
           {"d/h:0", DType::F16, {1, 2}, {1.5, -0.75}}},
          {{"e", {"e/t:0", "e/s:0"}}, {"f", {}}, {"d", {"d/w:0", "d/h:0"}}}};
}

inline Bundle open(const std::string& file, const std::string& name = "m.safetensors") {
  return Bundle::open(bytesOf(file), name);
}

/// Everything that open() finds wrong, a line each: "code | text". A failure where it finds nothing.
inline std::string openRefusal(const std::string& file, const std::string& name = "m.safetensors") {
  try {
    open(file, name);
  } catch (const Error& error) {
    std::string all;
    for (const Problem& problem : error.problems())
      all += (all.empty() ? "" : "\n") + problem.code + " | " + problem.text();
    return all;
  }
  ADD_FAILURE() << "the file was accepted";
  return "";
}

}  // namespace charglow::testing
