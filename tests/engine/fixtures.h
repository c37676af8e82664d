#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "parity.h"

namespace charglow::testing {

inline std::vector<std::byte> readFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  return {begin, begin + bytes.size()};
}

/// The bundle of a fixture, such as "keras-2.15/classic"; `npm test` converts them before the tests run.
inline std::filesystem::path bundlePath(const std::string& fixture) {
  return std::filesystem::path(BUNDLES_DIR) / (fixture + ".safetensors");
}

inline std::shared_ptr<const Model> openFixture(const std::string& fixture) {
  return Model::open(readFile(bundlePath(fixture)), fixture);
}

/// Every fixture that was converted, by name.
inline std::vector<std::string> allFixtures() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(BUNDLES_DIR)) {
    if (entry.path().extension() != ".safetensors") continue;
    names.push_back((entry.path().parent_path().filename() / entry.path().stem()).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// What a test over fixtures is called: gtest's names take letters and digits only.
template <class Name>
std::string fixtureTestName(const ::testing::TestParamInfo<Name>& info) {
  std::string name(info.param);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

/// Lower-cases ASCII, and refuses to guess at anything else: those texts are tested where a host lower-cases
/// for real, under Node and in the browser.
inline LoweredText lowerAscii(std::u32string_view text) {
  LoweredText lowered;
  for (uint32_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    lowered.text.push_back(c >= U'A' && c <= U'Z' ? c + 32 : c);
    lowered.origin.push_back(i);
  }
  return lowered;
}

}  // namespace charglow::testing
