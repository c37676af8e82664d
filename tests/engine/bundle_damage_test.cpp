// Damage of any kind is noticed: every length a file can be cut to, every bit that can flip.

#include <gtest/gtest.h>

#include "bundle_writer.h"

namespace charglow::testing {
namespace {

TestBundle damagedBundle() {
  TestBundle bundle = smallBundle();
  bundle.metadata["text"] = R"({"vocabulary":{"a":1,"b":2}})";
  bundle.metadata["title"] = "ham or spam";
  return bundle;
}

bool isRefused(std::string_view file, std::string* code) {
  try {
    Bundle::open(bytesOf(file), "m");
  } catch (const Error& error) {
    *code = error.problems()[0].code;
    return true;
  }
  return false;
}

TEST(DamagedBundle, IsRefusedAtEveryLength) {
  for (const std::string& file : {damagedBundle().binary(), damagedBundle().json().dump()}) {
    ASSERT_NO_THROW(open(file));
    for (size_t length = 0; length < file.size(); ++length) {
      std::string code;
      ASSERT_TRUE(isRefused(std::string_view(file).substr(0, length), &code))
          << length << " of " << file.size() << " bytes";
    }
  }
}

TEST(DamagedBundle, IsRefusedWithAnyBitFlipped) {
  std::map<std::string, int> codes;
  for (const std::string& original : {damagedBundle().binary(), damagedBundle().json().dump()}) {
    std::string file = original;
    for (size_t i = 0; i < file.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        file[i] = static_cast<char>(static_cast<unsigned char>(original[i]) ^ (1u << bit));
        std::string code;
        ASSERT_TRUE(isRefused(file, &code))
            << "byte " << i << ", bit " << bit << " of: " << original.substr(i < 20 ? 0 : i - 20, 40);
        ++codes[code];
      }
      file[i] = original[i];
    }
  }
  // Most flips are in metadata and tensors, where nothing but the digest can see them.
  EXPECT_GT(codes["digest-mismatch"], 1000);
  EXPECT_GT(codes["json-syntax"], 100);
  EXPECT_GT(codes.size(), 12u);
}

TEST(DamagedBundle, IsRefusedWithAnyByteLeftOutOrTwice) {
  const std::string file = damagedBundle().binary();
  for (size_t i = 0; i < file.size(); ++i) {
    std::string shorter = file;
    shorter.erase(i, 1);
    std::string longer = file;
    longer.insert(i, 1, file[i]);
    std::string code;
    ASSERT_TRUE(isRefused(shorter, &code)) << "without byte " << i;
    ASSERT_TRUE(isRefused(longer, &code)) << "byte " << i << " twice";
  }
}

}  // namespace
}  // namespace charglow::testing
