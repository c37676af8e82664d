#include <gtest/gtest.h>

#include "bundle/sha256.h"
#include "bundle_writer.h"

namespace charglow::testing {
namespace {

std::string sha256(std::string_view text) {
  Sha256 sha;
  sha.update(bytesOf(text));
  return sha.finish();
}

// The examples of NIST for FIPS 180-4, and the empty message.
TEST(Sha256, GivesTheDigestsOfFips180) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
                   "mnopqrsmnopqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Lengths around the block and around where the padding needs another one. Made with Python's hashlib:
// hashlib.sha256(b"".join(hashlib.sha256(b"x" * n).digest() for n in range(300))).hexdigest()
TEST(Sha256, PadsEveryLength) {
  std::string all;
  for (size_t n = 0; n < 300; ++n) {
    const std::string hex = sha256(std::string(n, 'x'));
    for (size_t i = 0; i < hex.size(); i += 2)
      all += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  EXPECT_EQ(sha256(all), "3068c8c08e804c2be19cb16d8f13fb8cbdff841c789d00ce28ded624674b6d55");
}

TEST(Sha256, DoesNotDependOnThePiecesItIsFed) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += static_cast<char>(i * 7);
  const std::vector<std::byte> bytes = bytesOf(text);
  const std::string whole = sha256(text);
  for (size_t piece : {1u, 3u, 55u, 63u, 64u, 65u, 128u, 200u}) {
    Sha256 sha;
    for (size_t at = 0; at < bytes.size(); at += piece)
      sha.update(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    EXPECT_EQ(sha.finish(), whole) << piece;
  }
}

// The digest of smallBundle(), computed from FORMAT.md section 4 with Python's hashlib and struct, apart from
// this code:
//   L = lambda b: struct.pack("<Q", len(b)) + b
//   meta = {"format": …, "layers": …, "source": …}                     (in this order)
//   tensors = [("d/h:0", "F16", "[1,2]", struct.pack("<2e", 1.5, -.75)), …]   (by name)
TEST(Digest, IsThatOfFormatSection4) {
  EXPECT_EQ(smallBundle().allMetadata().at("digest"),
            "sha256:bcf9bea0140e9dcd56b63ccc883c1b49425b6e1ad7e29b2cafaf79c6b0dbbc99");
}

TEST(Digest, IsSharedByBothFormsAndAnySpelling) {
  const std::string digest = smallBundle().allMetadata().at("digest");
  EXPECT_EQ(open(smallBundle().binary()).metadata("digest"), digest);
  EXPECT_EQ(open(smallBundle().json().dump(3)).metadata("digest"), digest);
  // Another tool may escape what needs no escape.
  const TestBundle bundle = smallBundle();
  std::string header = bundle.headerJson().dump();
  header.replace(header.find("\"e/t:0\":"), 8, "\"\\u0065\\/t:0\":");
  EXPECT_EQ(open(binaryFile(padded(header), bundle.data())).metadata("digest"), digest);
}

TEST(Digest, DependsOnEveryPartOfTheContent) {
  const std::string original = smallBundle().allMetadata().at("digest");
  std::vector<TestBundle> changed(7, smallBundle());
  changed[0].tensors[1].values[3] = -4.000001;
  changed[1].tensors[1].shape = {3, 2};
  changed[2].tensors[2].name = "e/S:0";
  changed[3].tensors[0].dtype = DType::F32;
  changed[4].metadata["title"] = "t";
  changed[5].layers[1].name = "g";
  changed[6].metadata["source"] = "{}";
  for (const TestBundle& bundle : changed) EXPECT_NE(bundle.allMetadata().at("digest"), original);
}

}  // namespace
}  // namespace charglow::testing
