// Every MUST of FORMAT.md section 1, broken one at a time, in the binary form.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bundle_writer.h"

namespace charglow::testing {
namespace {

using nlohmann::ordered_json;

/// The refusal of a small bundle whose header went through `change`.
template <typename Change>
std::string refusalWith(Change change) {
  const TestBundle bundle = smallBundle();
  ordered_json header = bundle.headerJson();
  change(header);
  return openRefusal(binaryFile(padded(header.dump()), bundle.data()));
}

/// The refusal of a small bundle in whose header the first `from` became `to`.
std::string refusalReplacing(const std::string& from, const std::string& to) {
  const TestBundle bundle = smallBundle();
  std::string header = bundle.headerJson().dump();
  const size_t at = header.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "no " << from;
    return "";
  }
  header.replace(at, from.size(), to);
  return openRefusal(binaryFile(padded(header), bundle.data()));
}

std::string lengthPrefix(uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>((length >> (8 * i)) & 0xFF);
  return bytes;
}

// --- What is no bundle at all
// -----------------------------------------------------------------------------------------

TEST(BundleRefuses, AnEmptyFile) {
  EXPECT_EQ(openRefusal(""),
            "empty-file | m.safetensors: expected a charglow bundle (.safetensors or .json), found an empty "
            "file. Download or convert "
            "it again.");
}

TEST(BundleRefuses, OtherFormatsByTheirName) {
  const std::string start =
      "not-a-bundle | m.safetensors: expected a charglow bundle (.safetensors or .json), found ";
  const std::string zeros(600, '\0');
  struct Case {
    std::string file, looksLike, hint;
  };
  const std::string convert = " Convert it: python scripts/convert.py FILE.";
  const std::string h5 = " In Keras: model.save(\"model.h5\"). Then: python scripts/convert.py model.h5.";
  const std::vector<Case> cases{
      {"\x89HDF\r\n\x1a\n" + zeros, "an HDF5 file", convert},
      {std::string(512, '\0') + "\x89HDF\r\n\x1a\n" + zeros, "an HDF5 file", convert},
      {std::string("PK\x03\x04") + zeros, "a ZIP archive, such as a .keras or PyTorch file", h5},
      {"\x89PNG\r\n\x1a\n" + zeros, "a PNG image", ""},
      {"<!DOCTYPE html>\n<html></html>", "a web page (HTML) or XML", " Download the file itself again."},
      {"\n\n  <html>", "a web page (HTML) or XML", " Download the file itself again."},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n",
       "a Git LFS pointer, not the file itself", " Run `git lfs pull`, or download the file itself."},
      {std::string("\x80\x02}q\x01.") + zeros, "a Python pickle",
       " Pickles are never opened: they can run code." + h5},
      {std::string("\x1f\x8b\x08\x00", 4) + zeros, "a gzip archive", " Unpack it first."},
      {"[1, 2, 3]", "a JSON array", convert},
      {"\xEF\xBB\xBF{\"tensors\": {}}", "JSON with a byte order mark",
       " Save it as UTF-8 without byte order mark."},
      {"GGUF" + zeros, "a GGUF model", " Only Keras models can be read."},
      {"hello", "a file that starts with the bytes 68 65 6c 6c 6f", convert},
      {std::string(20, '\0'), "a file that starts with the bytes 00 00 00 00 00 00 00 00", convert},
  };
  for (const Case& c : cases) EXPECT_EQ(openRefusal(c.file), start + c.looksLike + "." + c.hint);
}

TEST(BundleRefuses, ASafetensorsFileOfAnotherKindBeforeItsDetails) {
  const std::string hint = " It is not a charglow bundle. Bundles are made by scripts/convert.py.";
  EXPECT_EQ(
      openRefusal(binaryFile(padded(R"({"w":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}})"), "ab")),
      "not-a-bundle | m.safetensors, header: expected __metadata__ with format \"charglow/1\" first, found "
      "\"w\"." +
          hint);
  EXPECT_EQ(openRefusal(binaryFile(padded(R"({"__metadata__":{"format":"pt"},"w":{"dtype":"BF16"}})"), "")),
            "not-a-bundle | m.safetensors, header: expected format \"charglow/1\", found \"pt\"." + hint);
  EXPECT_EQ(openRefusal(binaryFile(padded("{}"), "")),
            "not-a-bundle | m.safetensors, header: expected format \"charglow/1\", found no format." + hint);
}

TEST(BundleRefuses, AnotherVersionBeforeItsDetails) {
  for (const char* version : {"charglow/0", "charglow/2", "charglow/1.1", "charglow/"}) {
    EXPECT_EQ(
        openRefusal(binaryFile(
            padded(std::string(R"({"__metadata__":{"format":")") + version + R"(","new":"x"},"w":7})"), "")),
        std::string("format-version | m.safetensors, header: expected format \"charglow/1\", found \"") +
            version +
            "\". Another version of charglow wrote it: update this one, or convert the model again.");
  }
}

// --- The header's length
// ----------------------------------------------------------------------------------------------

TEST(BundleRefuses, AHeaderLengthOfZero) {
  EXPECT_EQ(openRefusal(lengthPrefix(0) + "{\"__metadata__\":{}}"),
            "header-length | m.safetensors, header: expected at least 2 bytes, found 0 declared. The file "
            "may be cut off: download or "
            "convert it again.");
}

TEST(BundleRefuses, AHeaderLengthBeyondTheFile) {
  EXPECT_EQ(openRefusal(lengthPrefix(17) + "{\"__metadata__\":"),
            "header-length | m.safetensors, header: expected 17 bytes, as the file's first 8 bytes declare, "
            "found 16. The file may be cut "
            "off: download or convert it again.");
}

TEST(BundleRefuses, AHeaderLengthBeyondTheLimit) {
  for (const uint64_t length : {(uint64_t{16} << 20) + 1, uint64_t{0xFFFFFFFF}, uint64_t{1} << 63,
                                ~uint64_t{0}, uint64_t{0x8001000000000000} /* 384, byte-swapped */}) {
    EXPECT_EQ(openRefusal(lengthPrefix(length) + "{\"__metadata__\":{}}"),
              "header-too-large | m.safetensors, header: expected at most 16777216 bytes, found " +
                  std::to_string(length) + " declared.");
  }
}

TEST(BundleRefuses, AHeaderOfTheLimitOnlyForItsContent) {
  std::string header = smallBundle().headerJson().dump();
  header.resize(16u << 20, ' ');
  EXPECT_EQ(open(binaryFile(header, smallBundle().data())).tensors().size(), 4u);
}

// --- The header as JSON
// -----------------------------------------------------------------------------------------------

TEST(BundleRefuses, AHeaderThatIsNotUtf8) {
  const std::string start =
      "json-utf8 | m.safetensors, header: expected UTF-8 text, found a byte that is not UTF-8 at byte ";
  for (const char* bad : {"\xFF", "\x80", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    EXPECT_EQ(refusalReplacing("e/t:0", std::string("e/") + bad + ":0").substr(0, start.size()), start);
  }
  EXPECT_EQ(openRefusal(binaryFile("{\"a\xFF", "")), start + "3, after \"{\"a\".");
}

TEST(BundleRefuses, ANulInTheHeader) {
  // nlohmann's parser takes a NUL for the end of the text: what follows it would go unseen.
  const TestBundle bundle = smallBundle();
  const std::string header = bundle.headerJson().dump();
  EXPECT_EQ(openRefusal(binaryFile(header + std::string("\0{}", 3), bundle.data())).substr(0, 91),
            "json-utf8 | m.safetensors, header: expected UTF-8 text without NUL, found a NUL at byte " +
                std::to_string(header.size()));
}

TEST(BundleRefuses, AHeaderThatIsCutOffOrHasMoreBehindIt) {
  EXPECT_EQ(openRefusal(binaryFile("{\"__metadata__\": ", "")),
            "json-syntax | m.safetensors, header: expected JSON, found its end too early, at byte 17, after "
            "\"{\"__metadata__\": \". The file may be cut "
            "off.");
  const std::string header = smallBundle().headerJson().dump();
  for (const char* rest : {"x", "{}", ",", "/* */", "\"\""}) {
    const std::string text = openRefusal(binaryFile(padded(header + rest), smallBundle().data()));
    EXPECT_EQ(
        text.rfind("json-syntax | m.safetensors, header: expected JSON, found a syntax error at byte ", 0),
        0u)
        << text;
  }
}

TEST(BundleRefuses, JsonThatIsNotStrict) {
  for (const char* shape : {"[NaN]", "[Infinity]", "[+2]", "[02]", "[2,]", "[2 /* */]", "['2']", "[0x2]",
                            "[2.]", "[.2]", "[\t2\v]"}) {
    const std::string text = refusalReplacing("[2,3]", shape);
    EXPECT_EQ(
        text.rfind("json-syntax | m.safetensors, header: expected JSON, found a syntax error at byte ", 0),
        0u)
        << text;
  }
  EXPECT_EQ(refusalReplacing("[2,3]", "[1e400]").rfind("json-number | ", 0), 0u);
}

TEST(BundleRefuses, NestingOfHundredThousandLevelsWithoutRecursion) {
  for (const char* bracket : {"[", "{\"a\":"}) {
    std::string nest;
    for (int i = 0; i < 100000; ++i) nest += bracket;
    const std::string text = openRefusal(binaryFile("{\"__metadata__\":" + nest, ""));
    EXPECT_TRUE(text.rfind("json-", 0) == 0 || text.rfind("not-a-bundle", 0) == 0) << text;
  }
  // A place where any value is allowed to stand, to reach the limit itself.
  EXPECT_EQ(openRefusal("{\"__metadata__\":" + std::string(100000, '['), "m.json"),
            "json-type | m.json, __metadata__: expected an object, found an array.");
}

TEST(BundleRefuses, DuplicateKeysEverywhere) {
  const std::string header = "m.safetensors, header";
  EXPECT_EQ(
      refusalReplacing("\"e/s:0\"", "\"e/t:0\"")
          .rfind("json-duplicate-key | " + header + ": expected every key once, found \"e/t:0\" again", 0),
      0u);
  EXPECT_EQ(
      refusalReplacing("\"e/s:0\"", "\"e\\/t:\\u0030\"")
          .rfind("json-duplicate-key | " + header + ": expected every key once, found \"e/t:0\" again", 0),
      0u);
  EXPECT_EQ(
      refusalReplacing("\"e/s:0\"", "\"__metadata__\"")
          .rfind("json-duplicate-key | " + header + ": expected every key once, found \"__metadata__\" again",
                 0),
      0u);
  EXPECT_EQ(refusalReplacing("\"format\"", "\"source\":\"x\",\"format\"")
                .rfind("json-duplicate-key | " + header +
                           ", __metadata__: expected every key once, found \"source\" again",
                       0),
            0u);
  EXPECT_EQ(refusalReplacing("\"dtype\":\"F64\"", "\"dtype\":\"F64\",\"dtype\":\"F64\"")
                .rfind("json-duplicate-key | m.safetensors, tensor d/w:0: expected every key once, found "
                       "\"dtype\" again",
                       0),
            0u);
  EXPECT_EQ(refusalReplacing("\"shape\":[2]", "\"shape\":[2],\"shape\":[2]")
                .rfind("json-duplicate-key | m.safetensors, tensor d/w:0: expected every key once, found "
                       "\"shape\" again",
                       0),
            0u);
}

// --- The entries of the header
// ----------------------------------------------------------------------------------------

TEST(BundleRefuses, AnEntryWithoutAFieldOrWithAnotherOne) {
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    EXPECT_EQ(
        refusalWith([&](ordered_json& h) { h["e/t:0"].erase(key); }),
        std::string(
            "tensor-field | m.safetensors, tensor e/t:0: expected dtype, shape and data_offsets, found no ") +
            key + ".");
  }
  EXPECT_EQ(refusalWith([](ordered_json& h) { h["e/t:0"]["strides"] = 1; }),
            "tensor-field | m.safetensors, tensor e/t:0: expected dtype, shape and data_offsets, found "
            "\"strides\".");
  EXPECT_EQ(refusalWith([](ordered_json& h) { h["e/t:0"] = 3; }),
            "json-type | m.safetensors, tensor e/t:0: expected an object, found 3.");
  EXPECT_EQ(refusalWith([](ordered_json& h) { h["e/t:0"] = {1}; }),
            "json-type | m.safetensors, tensor e/t:0: expected an object, found an array.");
}

TEST(BundleRefuses, OtherDtypes) {
  for (const char* dtype : {"BF16", "I8", "I64", "U8", "BOOL", "f32", "float32", ""}) {
    EXPECT_EQ(refusalWith([&](ordered_json& h) { h["e/t:0"]["dtype"] = dtype; }),
              std::string("tensor-dtype | m.safetensors, tensor e/t:0, dtype: expected \"F16\", \"F32\" or "
                          "\"F64\", found \"") +
                  dtype + "\".");
  }
  EXPECT_EQ(
      refusalWith([](ordered_json& h) { h["e/t:0"]["dtype"] = 32; }),
      "tensor-dtype | m.safetensors, tensor e/t:0, dtype: expected \"F16\", \"F32\" or \"F64\", found 32.");
}

TEST(BundleRefuses, DimensionsThatAreNotWholeNumbersBelow2To31) {
  const std::string start =
      "json-type | m.safetensors, tensor e/t:0, shape: expected whole numbers from 0 to 2147483647, found ";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[-1]", "-1"},
      {"[2147483648]", "2147483648"},
      {"[9007199254740993]", "9007199254740993"},
      {"[2.0]", "2.0"},
      {"[2.5]", "2.5"},
      {"[1e99]", "1e+99"},
      {"[\"2\"]", "\"2\""},
      {"[true]", "true"},
      {"[null]", "null"},
      {"[[2]]", "an array"},
      {"[18446744073709551616]", "1.8446744073709552e+19"}};
  for (const auto& [shape, actual] : cases) EXPECT_EQ(refusalReplacing("[2,3]", shape), start + actual + ".");
  EXPECT_EQ(refusalReplacing("[2,3]", "6"),
            "json-type | m.safetensors, tensor e/t:0, shape: expected an array of whole numbers, found 6.");
}

TEST(BundleRefuses, NineDimensions) {
  EXPECT_EQ(refusalReplacing("[2,3]", "[1,1,1,1,1,1,1,2,3]"),
            "tensor-rank | m.safetensors, tensor e/t:0, shape: expected at most 8 dimensions, found more.");
}

TEST(BundleRefuses, ShapesWhoseSizeOverflows) {
  // (2^31-1)^2 * 4 bytes overflow 32 bits to 4; the third dimension overflows 64 bits.
  EXPECT_EQ(refusalReplacing("[2,3]", "[2147483647,2147483647]"),
            "tensor-size | m.safetensors, tensor e/t:0: expected 18446744056529682436 bytes for F32 "
            "(2147483647, 2147483647), found 24 "
            "(bytes 16 to 40).");
  EXPECT_EQ(refusalReplacing("[2,3]", "[65536,65536]")
                .rfind("tensor-size | m.safetensors, tensor e/t:0: expected 17179869184 bytes", 0),
            0u);
  EXPECT_EQ(refusalReplacing("[2,3]", "[2147483647,2147483647,2147483647]"),
            "tensor-size | m.safetensors, tensor e/t:0: expected a size below 2^64 bytes, found F32 "
            "(2147483647, 2147483647, 2147483647).");
  EXPECT_EQ(refusalReplacing("[2,3]", "[2147483647,2147483647,2]"),  // the count fits, the bytes do not
            "tensor-size | m.safetensors, tensor e/t:0: expected a size below 2^64 bytes, found F32 "
            "(2147483647, 2147483647, 2).");
}

TEST(BundleRefuses, AShapeThatDoesNotFitItsOffsets) {
  EXPECT_EQ(refusalReplacing("[2,3]", "[2,4]"),
            "tensor-size | m.safetensors, tensor e/t:0: expected 32 bytes for F32 (2, 4), found 24 (bytes 16 "
            "to 40).");
  EXPECT_EQ(
      refusalReplacing("\"F64\"", "\"F16\""),
      "tensor-size | m.safetensors, tensor d/w:0: expected 4 bytes for F16 (2,), found 16 (bytes 0 to 16).");
}

TEST(BundleRefuses, OffsetsThatAreNotTwoWholeNumbers) {
  const std::string where = "m.safetensors, tensor e/t:0, data_offsets: expected ";
  EXPECT_EQ(refusalReplacing("[16,40]", "[16]"),
            "tensor-offsets | " + where + "two numbers: begin and end, found 1.");
  EXPECT_EQ(refusalReplacing("[16,40]", "[16,40,40]"),
            "tensor-offsets | " + where + "two numbers: begin and end, found more.");
  EXPECT_EQ(refusalReplacing("[16,40]", "[-16,40]"),
            "json-type | " + where + "whole numbers from 0 to 2^53-1, found -16.");
  EXPECT_EQ(refusalReplacing("[16,40]", "[16.0,40]"),
            "json-type | " + where + "whole numbers from 0 to 2^53-1, found 16.0.");
  EXPECT_EQ(refusalReplacing("[16,40]", "[16,9007199254740992]"),
            "json-type | " + where + "whole numbers from 0 to 2^53-1, found 9007199254740992.");
  EXPECT_EQ(refusalReplacing("[16,40]", "\"16\""),
            "json-type | " + where + "an array of two whole numbers, found \"16\".");
}

TEST(BundleRefuses, AnEndBeforeTheBeginning) {
  EXPECT_EQ(refusalReplacing("[16,40]", "[40,16]"),
            "tensor-offsets | m.safetensors, tensor e/t:0: expected an end at or after the beginning, found "
            "bytes 40 to 16.");
}

TEST(BundleRefuses, Overlaps) {
  EXPECT_EQ(refusalReplacing("[16,40]", "[12,36]"),
            "tensor-overlap | m.safetensors, tensor e/t:0: expected it to begin at byte 16, where d/w:0 "
            "ends, found bytes 12 to 36.");
  EXPECT_EQ(refusalReplacing("[16,40]", "[0,24]"),
            "tensor-overlap | m.safetensors, tensor e/t:0: expected it to begin at byte 16, where d/w:0 "
            "ends, found bytes 0 to 24.");
}

TEST(BundleRefuses, Holes) {
  EXPECT_EQ(refusalReplacing("[16,40]", "[20,44]"),
            "tensor-hole | m.safetensors, tensor e/t:0: expected it to begin at byte 16, where d/w:0 ends, "
            "found bytes 20 to 44.");
  EXPECT_EQ(refusalReplacing("[0,16]", "[8,24]"),
            "tensor-hole | m.safetensors, tensor d/w:0: expected it to begin at byte 0, where the data "
            "begin, found bytes 8 to 24.");
}

TEST(BundleRefuses, OffsetsBeyondTheEndOfTheFile) {
  const TestBundle bundle = smallBundle();
  const std::string file = bundle.binary();
  EXPECT_EQ(openRefusal(file.substr(0, file.size() - 1)),
            "file-too-short | m.safetensors: expected " + std::to_string(file.size()) +
                " bytes: header and tensors, found " + std::to_string(file.size() - 1) +
                ". The file may be cut off: download or convert it again.");
  const std::string huge = refusalWith([](ordered_json& h) {
    h["d/h:0"]["shape"] = {2147483647, 1048576};
    h["d/h:0"]["data_offsets"] = {44, 44 + uint64_t{2147483647} * 1048576 * 2};
  });
  EXPECT_EQ(huge.rfind("file-too-short | m.safetensors: expected 45035996252", 0), 0u) << huge;
}

TEST(BundleRefuses, TrailingBytes) {
  const std::string file = smallBundle().binary();
  for (const std::string& more : {std::string(1, '\0'), std::string("PK\x03\x04polyglot")}) {
    EXPECT_EQ(openRefusal(file + more),
              "trailing-bytes | m.safetensors: expected " + std::to_string(file.size()) +
                  " bytes: header and tensors, found " + std::to_string(file.size() + more.size()) +
                  ". Something was appended to the file: convert the model again.");
  }
}

// --- Order and values
// -------------------------------------------------------------------------------------------------

TEST(BundleRefuses, TensorsInAnotherOrderThanDtypeSizeAndLayers) {
  const std::string hint = " Convert the model again with this version's scripts/convert.py.";
  TestBundle bundle = smallBundle();
  std::swap(bundle.tensors[1], bundle.tensors[2]);
  EXPECT_EQ(openRefusal(bundle.binary()),
            "tensor-order | m.safetensors, tensor e/s:0: expected \"e/t:0\" in this place (by falling dtype "
            "size, then in the order of "
            "layers), found it instead." +
                hint);
  EXPECT_EQ(openRefusal(bundle.json().dump()), openRefusal(bundle.binary()));

  bundle = smallBundle();
  std::swap(bundle.tensors[0], bundle.tensors[3]);
  EXPECT_EQ(openRefusal(bundle.binary())
                .rfind("tensor-order | m.safetensors, tensor d/h:0: expected \"d/w:0\" in this place", 0),
            0u);
}

TEST(BundleRefuses, MetadataBehindTensors) {
  const TestBundle bundle = smallBundle();
  ordered_json header = bundle.headerJson();
  ordered_json moved;
  moved["d/w:0"] = header["d/w:0"];
  for (const auto& [key, value] : header.items()) moved[key] = value;
  EXPECT_EQ(openRefusal(binaryFile(padded(moved.dump()), bundle.data())),
            "not-a-bundle | m.safetensors, header: expected __metadata__ with format \"charglow/1\" first, "
            "found \"d/w:0\". It is not a "
            "charglow bundle. Bundles are made by scripts/convert.py.");
}

TEST(BundleRefuses, ValuesThatAreNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string hint = " The training may have diverged: take an earlier checkpoint.";
  for (const DType dtype : {DType::F32, DType::F64}) {
    const TestBundle bundle{{{"a", dtype, {1}, {1}}, {"b", dtype, {2, 2}, {1, 2, infinity, nan}}},
                            {{"l", {"a", "b"}}}};
    EXPECT_EQ(openRefusal(bundle.binary()),
              "value-not-finite | m.safetensors, tensor b: expected finite numbers, found infinity at index "
              "2 of 4." +
                  hint);
  }
  EXPECT_EQ(openRefusal(TestBundle{{{"a", DType::F32, {2}, {-infinity, 0}}}, {{"l", {"a"}}}}.binary()),
            "value-not-finite | m.safetensors, tensor a: expected finite numbers, found -infinity at index 0 "
            "of 2." +
                hint);
  EXPECT_EQ(
      openRefusal(TestBundle{{{"a", DType::F64, {1}, {nan}}}, {{"l", {"a"}}}}.binary()),
      "value-not-finite | m.safetensors, tensor a: expected finite numbers, found NaN at index 0 of 1." +
          hint);
}

TEST(BundleRefuses, AFloat16ThatIsNotFinite) {
  TestBundle bundle{{{"a", DType::F16, {2}, {1, 2}}}, {{"l", {"a"}}}};
  RawBundle raw;
  for (const auto& [key, value] : bundle.allMetadata()) raw.metadata.emplace(key, value);
  const std::string data("\x00\x3C\x00\xFC", 4);  // 1, -infinity
  raw.data = bytesOf(data);
  raw.payload = raw.data;
  raw.entries.push_back({"a", DType::F16, {2}, 0, 4});
  bundle.metadata["digest"] = contentDigest(raw);
  EXPECT_EQ(openRefusal(binaryFile(padded(bundle.headerJson().dump()), data))
                .rfind("value-not-finite | m.safetensors, tensor a: expected finite numbers, found -infinity "
                       "at index 1 of 2.",
                       0),
            0u);
}

}  // namespace
}  // namespace charglow::testing
