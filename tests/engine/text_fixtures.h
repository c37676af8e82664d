#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bundle/strict_json.h"
#include "error.h"

namespace charglow::testing {

/// The content of a file of tests/fixtures/text.
inline std::string textFixtureContent(const std::string& name) {
  const std::string path = std::string(FIXTURES_DIR) + "/text/" + name;
  std::ifstream file(path, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (content.empty()) throw std::runtime_error("no fixture " + path);
  return content;
}

/// A file of tests/fixtures/text, parsed.
inline nlohmann::json textFixture(const std::string& name) {
  return parseStrictJson(textFixtureContent(name), name);
}

/// What `action` throws; a failure and nothing where it throws nothing.
template <typename Action>
std::vector<Problem> problemsOf(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.problems();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

/// The one thing that is wrong according to `action`, as "code | text".
template <typename Action>
std::string refusal(Action&& action) {
  const std::vector<Problem> problems = problemsOf(std::forward<Action>(action));
  if (problems.empty()) return "";
  std::string all;
  for (const Problem& problem : problems)
    all += (all.empty() ? "" : "\n") + problem.code + " | " + problem.text();
  return all;
}

}  // namespace charglow::testing
