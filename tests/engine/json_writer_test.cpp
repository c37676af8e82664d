#include "text/json_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace charglow {
namespace {

TEST(JsonWriter, PutsCommasBetweenWhatStandsSideBySide) {
  JsonWriter json;
  json.beginObject().key("none").beginArray().endArray();
  json.key("list").beginArray().number(-1).null().beginObject().endObject().boolean(true).endArray();
  json.key("given").json("[1, 2]").key("last").boolean(false).endObject();
  EXPECT_EQ(json.take(), R"({"none":[],"list":[-1,null,{},true],"given":[1, 2],"last":false})");
}

TEST(JsonWriter, WritesTextsThatReadBackAsTheyWere) {
  std::string all;
  for (char c = 0; c < 0x7F; ++c) all += c;
  all += "\x7F\u00e9\u2028\U0001F600";
  for (const std::string& text : {all, std::string(), std::string("[\"{:,\\")}) {
    JsonWriter json;
    json.beginArray().string(text).string(text).endArray();
    EXPECT_EQ(nlohmann::json::parse(json.take()), nlohmann::json({text, text}));
  }
}

TEST(JsonWriter, ReplacesWhatIsNoUtf8) {
  JsonWriter json;
  json.beginArray().string("a\xC3\x28\xFF").string("b").endArray();
  EXPECT_EQ(json.take(), "[\"a\uFFFD(\uFFFD\",\"b\"]");
}

}  // namespace
}  // namespace charglow
