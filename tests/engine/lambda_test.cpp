#include "keras/lambda.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "error.h"
#include "keras/python_opcodes.h"

/// The fixtures are functions marshalled by Python 2.7 and 3.6 to 3.13, and configs saved by Keras
/// (scripts/fixtures/make_lambdas.py).

namespace charglow {
namespace {

using nlohmann::json;

const std::vector<std::string> kPythons = {"2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"};

json fixture(const std::string& name) {
  const std::string path = std::string(FIXTURES_DIR) + "/lambdas/" + name + ".json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no fixture " + path);
  return json::parse(file);
}

json legacyConfig(const json& code) {
  return {{"function", {code, nullptr, nullptr}}, {"function_type", "lambda"}, {"arguments", json::object()}};
}

/// A reduction as make_lambdas.py writes it; the code of the error where there is none.
json outcome(const json& config) {
  try {
    const Reduction reduction = readLambda(config, "attention").reduction;
    constexpr const char* kNames[] = {"sum", "mean", "max", "min", "prod"};
    return {{"kind", kNames[static_cast<size_t>(reduction.kind)]},
            {"axes", reduction.axes},
            {"keep_dims", reduction.keepDims}};
  } catch (const Error& error) {
    return error.problems().front().code;
  }
}

/// The function as the engine writes it out again; of a refused one, the whole message.
std::string message(const json& config) {
  try {
    return readLambda(config, "attention").source;
  } catch (const Error& error) {
    return error.what();
  }
}

/// The source on one line: what a def returns stands behind its first line, and long ones are cut.
std::string oneLine(const std::string& source) { return source.substr(0, 290); }

class EveryPython : public testing::TestWithParam<std::string> {};

TEST_P(EveryPython, ReadsOrRefusesEachFunctionAsExpected) {
  const json file = fixture(GetParam());
  for (const json& function : file["functions"]) {
    SCOPED_TRACE(function["source"].get<std::string>().substr(0, 200));
    const json config = legacyConfig(function["code"]);
    EXPECT_EQ(outcome(config), function["expected"]) << message(config);
    if (function["says"].is_string()) {
      EXPECT_NE(message(config).find(function["says"].get<std::string>()), std::string::npos)
          << message(config);
    }
  }
}

TEST_P(EveryPython, WritesTheSourceOutAgain) {
  size_t compared = 0;
  const json file = fixture(GetParam());
  for (const json& function : file["functions"]) {
    const auto source = function["source"].get<std::string>();
    const bool severalLines = source.find('\n') != std::string::npos;
    if (severalLines || function["expected"] == "lambda-bytecode") continue;
    const std::string found = message(legacyConfig(function["code"]));
    EXPECT_NE(found.find(oneLine(source)), std::string::npos) << source << "\n" << found;
    ++compared;
  }
  EXPECT_GT(compared, 80U);
}

TEST_P(EveryPython, ReadsTheTextOfKeras211AndBefore) {
  const json function = fixture(GetParam())["functions"][0];
  const json expected = {{"kind", "sum"}, {"axes", {1}}, {"keep_dims", false}};
  EXPECT_EQ(outcome(legacyConfig(function["raw"])), expected) << message(legacyConfig(function["raw"]));
  // Keras 1.0 and 1.1 wrote the text alone.
  EXPECT_EQ(outcome({{"function", function["raw"]}, {"function_type", "lambda"}}), expected);
}

/// Which column of the instruction table a Python belongs to.
python::Bytecode bytecodeOf(const std::string& version) {
  if (version == "2.7") return python::Bytecode::V27;
  if (version == "3.6" || version == "3.7") return python::Bytecode::V36;
  if (version == "3.8") return python::Bytecode::V38;
  if (version == "3.9" || version == "3.10") return python::Bytecode::V39;
  if (version == "3.11") return python::Bytecode::V311;
  return version == "3.12" ? python::Bytecode::V312 : python::Bytecode::V313;
}

TEST_P(EveryPython, AgreesWithItsOwnTableOfInstructions) {
  const json file = fixture(GetParam());
  const auto column = static_cast<size_t>(bytecodeOf(GetParam()));
  size_t checked = 0;
  for (const auto& [name, number] : file["opcodes"].items()) {
    for (const python::Instruction& instruction : python::kInstructions) {
      if (instruction.number[column] == number.get<int>()) {
        EXPECT_EQ(instruction.name, name);
        EXPECT_EQ(instruction.caches[column], file["caches"].value(name, 0)) << name;
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 40U);
}

INSTANTIATE_TEST_SUITE_P(Lambda, EveryPython, testing::ValuesIn(kPythons), [](const auto& instance) {
  std::string name = instance.param;
  name.replace(name.find('.'), 1, "_");
  return name;
});

/// The layout of a code object leaves 3.8 and 3.9, and 3.11 to 3.13, undecided. What decides is that the same
/// number is the same instruction in both, or is followed by another number of empty units, or that RESUME,
/// the first one, differs.
TEST(PythonBytecode, NoTwoInstructionSetsOfOneLayoutReadTheSameBytesDifferently) {
  using python::Bytecode;
  const auto sameMeaning = [](Bytecode a, Bytecode b) {
    for (const python::Instruction& one : python::kInstructions) {
      for (const python::Instruction& other : python::kInstructions) {
        const auto i = static_cast<size_t>(a);
        const auto j = static_cast<size_t>(b);
        if (one.number[i] < 0 || one.number[i] != other.number[j]) continue;
        EXPECT_EQ(one.op, other.op) << one.name << " " << other.name;
        EXPECT_EQ(one.sign, other.sign) << one.name << " " << other.name;
        // LOAD_ATTR's and the calls' arguments changed with 3.12, and their caches with them.
        const bool changed =
            b == Bytecode::V312 && (one.op == python::Op::LoadAttr || one.op == python::Op::Call);
        if (changed) {
          EXPECT_NE(one.caches[i], other.caches[j]) << one.name;
        }
      }
    }
  };
  sameMeaning(Bytecode::V38, Bytecode::V39);
  sameMeaning(Bytecode::V311, Bytecode::V312);
  for (const python::Instruction& resume : python::kInstructions) {
    if (resume.op != python::Op::Resume) continue;
    EXPECT_NE(resume.number[static_cast<size_t>(Bytecode::V313)],
              resume.number[static_cast<size_t>(Bytecode::V311)]);
    EXPECT_NE(resume.number[static_cast<size_t>(Bytecode::V313)],
              resume.number[static_cast<size_t>(Bytecode::V312)]);
  }
}

TEST(Lambda, ReadsWhatKerasSaves) {
  const json saved = fixture("keras");
  EXPECT_EQ(saved.size(), 40U);  // 8 functions: Keras 2.2.5 as JSON, 2.15 and 3.15 as JSON and as .keras
  for (const json& layer : saved) {
    SCOPED_TRACE(layer["keras"].get<std::string>() + " " + layer["format"].get<std::string>() + " " +
                 layer["name"].get<std::string>());
    EXPECT_EQ(outcome(layer["config"]), layer["expected"]) << message(layer["config"]);
  }
}
TEST(Lambda, RefusesConfigsWithoutAFunctionOfKeras) {
  const json code = fixture("3.8")["functions"][0]["code"];
  EXPECT_EQ(outcome(legacyConfig(code))["kind"], "sum");
  EXPECT_EQ(outcome(json::object()), "lambda-config");
  EXPECT_EQ(outcome(json::array()), "lambda-config");
  EXPECT_EQ(outcome({{"function", nullptr}}), "lambda-config");
  EXPECT_EQ(outcome({{"function", 3}}), "lambda-config");
  EXPECT_EQ(outcome({{"function", json::array()}}), "lambda-config");
  EXPECT_EQ(outcome({{"function", {code, nullptr}}}), "lambda-config");
  EXPECT_EQ(outcome(legacyConfig(nullptr)), "lambda-config");
  EXPECT_EQ(outcome({{"function", json::object()}}), "lambda-config");
  EXPECT_EQ(outcome({{"function", {{"class_name", "__lambda__"}, {"config", "attend"}}}}), "lambda-config");
  EXPECT_EQ(outcome({{"function", {{"class_name", 1}, {"config", 2}}}}), "lambda-config");
  EXPECT_EQ(outcome(legacyConfig("")), "lambda-marshal");
  EXPECT_EQ(outcome(legacyConfig("QUJD")), "lambda-marshal");
  EXPECT_EQ(outcome(legacyConfig("\xff\xfe")), "lambda-config");  // neither base64 nor UTF-8
}

TEST(Lambda, RefusesDamagedBase64) {
  const auto code = fixture("3.8")["functions"][0]["code"].get<std::string>();
  ASSERT_EQ(code.back(), '=');
  const auto decodes = [](const std::string& text) { return outcome(legacyConfig(text)).is_object(); };
  EXPECT_TRUE(decodes(code));
  EXPECT_TRUE(decodes(code.substr(0, 76) + "\n" + code.substr(76) + "\n"));  // as Python's codecs break lines
  EXPECT_FALSE(decodes(code.substr(0, code.find('='))));                     // no padding
  EXPECT_FALSE(decodes(code + "="));
  EXPECT_FALSE(decodes(code + code));  // data after the padding
  EXPECT_FALSE(decodes("!" + code));
}

TEST(Lambda, SaysWhichLayerAndWhatItComputes) {
  const json file = fixture("3.8");
  for (const json& function : file["functions"]) {
    if (function["name"] != "scale") continue;
    EXPECT_EQ(
        message(legacyConfig(function["code"])),
        "layer \"attention\", function: expected one sum, mean, max, min or prod of its input over fixed "
        "axes, such "
        "as \"lambda x: K.sum(x, axis=1)\", found \"lambda x: x * 255.0\", which is not a single call of a "
        "reduction. Nothing from a model file is executed. Write the layer with Keras's own layers "
        "(Multiply, Dot, "
        "GlobalAveragePooling1D …) or as K.sum(x, axis=1), and save the model again.");
    return;
  }
  FAIL() << "no function \"scale\"";
}

std::string decoded(const std::string& base64) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : base64) {
    const size_t digit = digits.find(c);
    if (digit == std::string::npos) continue;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 0xff);
  }
  return bytes;
}

/// The text that Keras <= 2.1.1 would have written, as UTF-8: each byte a character.
std::string latin1(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto u = static_cast<uint8_t>(c);
    if (u < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | u >> 6);
      text += static_cast<char>(0x80 | (u & 0x3f));
    }
  }
  return text;
}

/// Damaged code must end in a reading or in an Error that can be shown; the sanitizers see to the rest.
void expectReadingOrError(const std::string& bytes) {
  try {
    EXPECT_FALSE(readLambda(legacyConfig(latin1(bytes)), "attention").reduction.axes.empty());
  } catch (const Error& error) {
    EXPECT_TRUE(error.problems().front().code.starts_with("lambda-")) << error.what();
    EXPECT_NO_THROW(static_cast<void>(json(error.what()).dump())) << "not UTF-8";
    EXPECT_LT(std::string(error.what()).size(), 2000U);
  }
}

TEST_P(EveryPython, NoTruncatedFunctionIsRead) {
  const json file = fixture(GetParam());
  for (const json& function : file["functions"]) {
    const std::string bytes = decoded(function["code"]);
    const size_t step = bytes.size() > 400 ? 37 : 1;
    for (size_t length = 0; length < bytes.size(); length += step) {
      ASSERT_EQ(outcome(legacyConfig(latin1(bytes.substr(0, length)))), "lambda-marshal")
          << function["name"] << " cut to " << length;
    }
  }
}

TEST_P(EveryPython, SurvivesRandomDamage) {
  const json file = fixture(GetParam());
  std::mt19937 random(20240611);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random()) % limit; };
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = decoded(file["functions"][below(file["functions"].size())]["code"]);
    for (size_t flips = 1 + below(4); flips > 0; --flips)
      bytes[below(bytes.size())] = static_cast<char>(random());
    expectReadingOrError(bytes);
  }
}

/// Only the bytecode is damaged, so that the damage gets past the marshal reader.
TEST_P(EveryPython, SurvivesRandomBytecode) {
  const json file = fixture(GetParam());
  std::mt19937 random(7);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random()) % limit; };
  size_t past = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = decoded(file["functions"][below(file["functions"].size())]["code"]);
    // The bytecode is the first byte string: type code 's', a length, its bytes.
    const size_t start = bytes.find_first_of("s\xf3", 13) + 5;
    const size_t length = static_cast<uint8_t>(bytes[start - 4]);
    ASSERT_LT(start + length, bytes.size());
    for (size_t flips = 1 + below(3); flips > 0; --flips)
      bytes[start + below(length)] = static_cast<char>(random());
    expectReadingOrError(bytes);
    if (outcome(legacyConfig(latin1(bytes))) != "lambda-marshal") ++past;
  }
  EXPECT_GT(past, 900U);
}

}  // namespace
}  // namespace charglow
