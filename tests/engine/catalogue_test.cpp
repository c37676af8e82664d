// What Keras exports as layers: each runs, or is refused for a reason that the README gives.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "layers/registry.h"

namespace charglow {
namespace {

using nlohmann::json;

std::set<std::string> refusedClasses() {
  std::set<std::string> names;
  for (const json& one : json::parse(std::ifstream(REFUSED))) {
    if (one.contains("option")) continue;
    names.insert(one["layer"].get<std::string>());
    for (const json& also : one.value("also", json::array())) names.insert(also.get<std::string>());
  }
  return names;
}

TEST(Catalogue, EveryLayerOfKerasRunsOrIsRefusedForAReason) {
  const json catalogue = json::parse(std::ifstream(CATALOGUE));
  const std::vector<std::string> registered = layerClasses();
  std::set<std::string> runs(registered.begin(), registered.end());
  for (const json& name : catalogue["read_elsewhere"]) runs.insert(name.get<std::string>());
  const std::set<std::string> refused = refusedClasses();
  std::set<std::string> exported;
  for (const auto& [keras, names] : catalogue["exports"].items()) {
    ASSERT_GT(names.size(), 100u) << keras;
    for (const json& each : names) {
      const std::string name =
          catalogue["other_names"].value(each.get<std::string>(), each.get<std::string>());
      const json& others = catalogue["no_layers"];
      if (std::find(others.begin(), others.end(), name) != others.end()) continue;
      exported.insert(name);
      EXPECT_NE(runs.contains(name), refused.contains(name))
          << keras << ", " << name
          << (runs.contains(name) ? ": runs, and is refused" : ": neither runs nor is refused");
    }
  }
  // A name that no Keras has would be a slip of the pen.
  for (const std::string& name : refused) EXPECT_TRUE(exported.contains(name)) << name;
}

}  // namespace
}  // namespace charglow
