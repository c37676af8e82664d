// What a right bundle gives.

#include "bundle/bundle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "bundle_writer.h"

namespace charglow::testing {
namespace {

std::vector<float> floats(const TensorView& tensor) {
  std::vector<float> out(tensor.count());
  tensor.copyTo(out);
  return out;
}

void expectSmallBundle(const Bundle& bundle) {
  ASSERT_EQ(bundle.tensors().size(), 4u);
  const auto& tensors = bundle.tensors();
  EXPECT_EQ(tensors[0].name, "d/w:0");
  EXPECT_EQ(tensors[0].dtype, DType::F64);
  EXPECT_EQ(tensors[0].shape, (std::vector<int64_t>{2}));
  EXPECT_EQ(tensors[0].shapeText(), "(2,)");
  EXPECT_EQ(floats(tensors[0]), (std::vector<float>{0.1f, -2.5f}));
  EXPECT_EQ(tensors[1].shapeText(), "(2, 3)");
  EXPECT_EQ(floats(tensors[1]), (std::vector<float>{1, 2, 3, -4, 0.5f, 0.25f}));
  EXPECT_EQ(tensors[2].shapeText(), "()");
  EXPECT_EQ(tensors[2].count(), 1u);
  EXPECT_EQ(floats(tensors[2]), (std::vector<float>{7}));
  EXPECT_EQ(tensors[3].dtype, DType::F16);
  EXPECT_EQ(floats(tensors[3]), (std::vector<float>{1.5f, -0.75f}));

  ASSERT_EQ(bundle.layers().size(), 3u);
  EXPECT_EQ(bundle.layers()[0].layer, "e");
  EXPECT_EQ(bundle.layers()[0].tensors, (std::vector<const TensorView*>{&tensors[1], &tensors[2]}));
  EXPECT_EQ(bundle.layers()[1].layer, "f");
  EXPECT_TRUE(bundle.layers()[1].tensors.empty());
  EXPECT_EQ(bundle.layers()[2].tensors, (std::vector<const TensorView*>{&tensors[0], &tensors[3]}));

  EXPECT_EQ(bundle.metadata("source"), R"({"layout":"keras-hdf5","file":"m.h5"})");
  EXPECT_EQ(bundle.metadata("title"), std::nullopt);
}

TEST(Bundle, BinaryFormGivesLayersTensorsAndMetadata) {
  const std::string file = smallBundle().binary();
  const Bundle bundle = open(file);
  expectSmallBundle(bundle);
  EXPECT_EQ(bundle.fileName(), "m.safetensors");
  EXPECT_EQ(bundle.fileSize(), file.size());
}

TEST(Bundle, JsonFormGivesTheSame) {
  const std::string file = smallBundle().json().dump();
  const Bundle bundle = open(file, "m.json");
  expectSmallBundle(bundle);
  EXPECT_EQ(bundle.fileSize(), file.size());
}

TEST(Bundle, FormIsToldByContentNotByName) {
  expectSmallBundle(open(smallBundle().json().dump(1), "m.safetensors"));
}

TEST(Bundle, ViewsOutliveAMove) {
  for (const std::string& file : {smallBundle().binary(), smallBundle().json().dump()}) {
    Bundle first = open(file);
    Bundle second = std::move(first);
    expectSmallBundle(second);
    Bundle third = open(smallBundle().binary());
    third = std::move(second);
    expectSmallBundle(third);
  }
}

TEST(Bundle, BinaryFormIsNotCopied) {
  std::vector<std::byte> bytes = bytesOf(smallBundle().binary());
  const std::byte* begin = bytes.data();
  const std::byte* end = begin + bytes.size();
  const Bundle bundle = Bundle::open(std::move(bytes), "m.safetensors");
  EXPECT_GT(bundle.tensors()[0].bytes.data(), begin);
  EXPECT_EQ(bundle.tensors()[3].bytes.data() + bundle.tensors()[3].bytes.size(), end);
}

TEST(Bundle, HeaderNeedNotBePaddedSoTensorsMayBeUnaligned) {
  const TestBundle bundle = smallBundle();
  std::string header = bundle.headerJson().dump();
  header.resize((header.size() + 7) / 8 * 8 + 3, ' ');
  expectSmallBundle(open(binaryFile(header, bundle.data())));
}

TEST(Bundle, MayHoldNoTensors) {
  const Bundle bundle = open(TestBundle{{}, {{"input", {}}}}.binary());
  EXPECT_TRUE(bundle.tensors().empty());
  EXPECT_EQ(bundle.layers().size(), 1u);
  EXPECT_TRUE(open(TestBundle{{}, {}}.json().dump()).layers().empty());
}

TEST(Bundle, MayHoldTensorsOfSizeZero) {
  const TestBundle bundle{
      {{"a", DType::F32, {0, 5}, {}}, {"b", DType::F32, {1}, {3}}, {"c", DType::F32, {2147483647, 0}, {}}},
      {{"l", {"a", "b", "c"}}}};
  for (const std::string& file : {bundle.binary(), bundle.json().dump()}) {
    const Bundle opened = open(file);
    EXPECT_EQ(opened.tensors()[0].count(), 0u);
    EXPECT_EQ(opened.tensors()[0].shapeText(), "(0, 5)");
    EXPECT_EQ(floats(opened.tensors()[1]), (std::vector<float>{3}));
    EXPECT_TRUE(floats(opened.tensors()[2]).empty());
  }
}

TEST(Bundle, MayHoldEightDimensionsAndTheLargestAndSmallestNumbers) {
  const double denormal = std::numeric_limits<float>::denorm_min();
  const double largest = std::numeric_limits<float>::max();
  const TestBundle bundle{
      {{"a", DType::F32, {1, 1, 2, 1, 1, 2, 1, 1}, {denormal, -denormal, largest, -largest}}},
      {{"l", {"a"}}}};
  for (const std::string& file : {bundle.binary(), bundle.json().dump()}) {
    const Bundle opened = open(file);
    EXPECT_EQ(floats(opened.tensors()[0]),
              (std::vector<float>{static_cast<float>(denormal), -static_cast<float>(denormal),
                                  static_cast<float>(largest), -static_cast<float>(largest)}));
  }
}

TEST(Bundle, NamesAndMetadataMayHoldAnyText) {
  const std::string name = "<img src=x onerror=alert(1)>/\"\\\n\u202e😀:0";
  TestBundle bundle{{{name, DType::F32, {1}, {3}}}, {{"l\t", {name}}}};
  bundle.metadata["title"] = std::string(1000000, 't') + "😀\n\"";
  for (const std::string& file : {bundle.binary(), bundle.json().dump()}) {
    const Bundle opened = open(file);
    EXPECT_EQ(opened.tensors()[0].name, name);
    EXPECT_EQ(opened.metadata("title"), bundle.metadata["title"]);
  }
}

TEST(Bundle, KeepsOptionalMetadataAsItIs) {
  TestBundle bundle = smallBundle();
  bundle.metadata = {{"model_config", "{ \"a\" : 1 }"},
                     {"text", "not looked at here"},
                     {"parity", "nor here"},
                     {"labels", R"(["ham","spam"])"},
                     {"keras_version", "2.15.0"},
                     {"backend", "tensorflow"},
                     {"licence", "MIT"},
                     {"examples", R"([{"text":"hi"},{"text":"","title":"t","note":"n"}])"}};
  const Bundle opened = open(bundle.binary());
  for (const auto& [key, value] : bundle.metadata) EXPECT_EQ(opened.metadata(key), value);
}

TEST(TensorView, RefusesAFloat64BeyondFloat32) {
  const Bundle bundle = open(TestBundle{{{"a", DType::F64, {2}, {1, 1e39}}}, {{"l", {"a"}}}}.binary());
  try {
    floats(bundle.tensors()[0]);
    ADD_FAILURE() << "1e39 was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.problems()[0].code, "value-range");
    EXPECT_EQ(error.problems()[0].text(),
              "tensor a: expected numbers in the range of float32, found 1e+39 at index 1. The model was "
              "made with float64 and "
              "does not fit the engine's float32.");
  }
}

TEST(Half, EveryValueReadsBackToItsBits) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = halfToFloat(static_cast<uint16_t>(bits));
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(nearestHalf(static_cast<double>(value)), bits);
  }
}

TEST(Half, HasTheValuesOfIeee754) {
  EXPECT_EQ(halfToFloat(0x3C00), 1.0f);
  EXPECT_EQ(halfToFloat(0xC000), -2.0f);
  EXPECT_EQ(halfToFloat(0x7BFF), 65504.0f);
  EXPECT_EQ(halfToFloat(0x0400), std::ldexp(1.0f, -14));
  EXPECT_EQ(halfToFloat(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(halfToFloat(0x3555), 0.333251953125f);
  EXPECT_TRUE(std::signbit(halfToFloat(0x8000)));
  EXPECT_EQ(halfToFloat(0x7C00), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(halfToFloat(0x7C01)));
}

TEST(Half, RoundsToNearestTiesToEven) {
  EXPECT_EQ(nearestHalf(1.0 + 1.0 / 2048), 0x3C00);  // half way between 0x3C00 and 0x3C01
  EXPECT_EQ(nearestHalf(1.0 + 3.0 / 2048), 0x3C02);
  EXPECT_EQ(nearestHalf(0.1), 0x2E66);
  EXPECT_EQ(nearestHalf(2047.5 / 1024), 0x4000);  // carries into the exponent
  EXPECT_EQ(nearestHalf(std::ldexp(1.0, -25)), 0x0000);
  EXPECT_EQ(nearestHalf(std::ldexp(1.5, -25)), 0x0001);
  EXPECT_EQ(nearestHalf(65519.9), 0x7BFF);
  EXPECT_EQ(nearestHalf(65520), std::nullopt);
  EXPECT_EQ(nearestHalf(-0.0), 0x8000);
}

}  // namespace
}  // namespace charglow::testing
