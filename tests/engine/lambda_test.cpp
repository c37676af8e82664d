#include "keras/lambda.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "error.h"
#include "expanded.h"
#include "keras/marshal.h"
#include "keras/python_bytecode.h"
#include "keras/python_opcodes.h"
#include "keras/python_text.h"

/// The fixtures are functions marshalled by Python 2.7 and 3.6 to 3.14, and configs saved by Keras
/// (scripts/fixtures/make_lambdas.py); and modules that Python 3.3 to 3.5 compiled.

namespace charglow {
namespace {

using nlohmann::json;

const std::vector<std::string> kPythons = {"2.7",  "3.6",  "3.7",  "3.8",  "3.9",
                                           "3.10", "3.11", "3.12", "3.13", "3.14"};

json fixture(const std::string& name) {
  const std::string path = std::string(FIXTURES_DIR) + "/lambdas/" + name + ".json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no fixture " + path);
  return json::parse(file);
}

json legacyConfig(const json& code) {
  return {{"function", {code, nullptr, nullptr}}, {"function_type", "lambda"}, {"arguments", json::object()}};
}

GraphSpec expandedLambda(const json& config, size_t inputs = 1) {
  return testing::expanded(testing::modelOf("attention", "Lambda", config, inputs));
}

/// The operations as make_lambdas.py writes them; the code of the error where there are none.
json outcome(const json& config, size_t inputs = 1) {
  return testing::operationsOf(expandedLambda(config, inputs));
}

/// The function as the engine writes it out again; of a refused one, the whole message.
std::string message(const json& config, size_t inputs = 1) {
  const GraphSpec spec = expandedLambda(config, inputs);
  const std::string problem = testing::problemOf(spec);
  return problem.empty() ? spec.layers.back().config["source"].get<std::string>() : problem;
}

/// The source on one line: what a def returns stands behind its first line, and long ones are cut.
std::string oneLine(const std::string& source) { return source.substr(0, 290); }

class EveryPython : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryPython, ReadsOrRefusesEachFunctionAsExpected) {
  const json file = fixture(GetParam());
  for (const json& function : file["functions"]) {
    SCOPED_TRACE(function["source"].get<std::string>().substr(0, 200));
    const json config = legacyConfig(function["code"]);
    const auto inputs = function["inputs"].get<size_t>();
    EXPECT_EQ(outcome(config, inputs), function["expected"]) << message(config, inputs);
    if (function["says"].is_string()) {
      EXPECT_NE(message(config, inputs).find(function["says"].get<std::string>()), std::string::npos)
          << message(config, inputs);
    }
  }
}

TEST_P(EveryPython, WritesTheSourceOutAgain) {
  size_t compared = 0;
  const json file = fixture(GetParam());
  for (const json& function : file["functions"]) {
    const auto source = function["source"].get<std::string>();
    const bool severalLines = source.find('\n') != std::string::npos || source.starts_with("(");
    if (severalLines || function["expected"] == "lambda-bytecode") continue;
    const std::string found = message(legacyConfig(function["code"]), function["inputs"].get<size_t>());
    EXPECT_NE(found.find(oneLine(source)), std::string::npos) << source << "\n" << found;
    ++compared;
  }
  EXPECT_GT(compared, 100U);
}

/// What a person writes for a function is read as its bytecode is.
TEST_P(EveryPython, ReadsTheSourceLikeTheBytecode) {
  size_t compared = 0;
  const json file = fixture(GetParam());
  for (const json& function : file["functions"]) {
    const auto source = function["source"].get<std::string>();
    if (!source.starts_with("lambda ") || !function["expected"].is_array()) continue;
    if (function["name"] == "masked") continue;  // a choice has one argument
    SCOPED_TRACE(source);
    const GraphSpec model =
        testing::modelOf("attention", "Lambda", json::object(), function["inputs"].get<size_t>());
    const GraphSpec spec = testing::expanded(model, "2.15.0", {{"lambda:attention", source}});
    EXPECT_EQ(testing::operationsOf(spec), function["expected"]) << testing::problemOf(spec);
    EXPECT_EQ(toSource(python::parseFunction(source, "text")), source);
    ++compared;
  }
  EXPECT_GT(compared, 55U);
}

TEST_P(EveryPython, ReadsTheTextOfKeras211AndBefore) {
  const json function = fixture(GetParam())["functions"][0];
  const json& expected = function["expected"];
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
  if (version == "3.12") return python::Bytecode::V312;
  return version == "3.13" ? python::Bytecode::V313 : python::Bytecode::V314;
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

INSTANTIATE_TEST_SUITE_P(Lambda, EveryPython, ::testing::ValuesIn(kPythons), [](const auto& instance) {
  std::string name = instance.param;
  name.replace(name.find('.'), 1, "_");
  return name;
});

/// The layout of a code object leaves 3.8 and 3.9, and 3.11 to 3.14, undecided. What decides is that the same
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
        // The arguments of these changed with 3.12, and their caches with them.
        const bool changed =
            b == Bytecode::V312 && (one.op == python::Op::LoadAttr || one.op == python::Op::Call ||
                                    one.op == python::Op::Comparison);
        if (changed) {
          EXPECT_NE(one.caches[i], other.caches[j]) << one.name;
        }
      }
    }
  };
  sameMeaning(Bytecode::V38, Bytecode::V39);
  sameMeaning(Bytecode::V311, Bytecode::V312);
  // Code starts with RESUME, or with COPY_FREE_VARS and RESUME.
  const auto number = [](python::Op op, Bytecode bytecode) {
    for (const python::Instruction& instruction : python::kInstructions) {
      if (instruction.op == op) return instruction.number[static_cast<size_t>(bytecode)];
    }
    return -2;
  };
  constexpr Bytecode kSets[] = {Bytecode::V311, Bytecode::V312, Bytecode::V313, Bytecode::V314};
  for (const Bytecode a : kSets) {
    for (const Bytecode b : kSets) {
      const bool alike = a == b || (a <= Bytecode::V312 && b <= Bytecode::V312);
      if (alike) continue;
      EXPECT_NE(number(python::Op::Resume, a), number(python::Op::Resume, b));
      EXPECT_NE(number(python::Op::CopyFreeVariables, a), number(python::Op::CopyFreeVariables, b));
    }
  }
  // 3.11's COPY_FREE_VARS is 3.13's RESUME; what follows it, RESUME, is nothing there.
  for (const python::Instruction& instruction : python::kInstructions) {
    EXPECT_NE(instruction.number[static_cast<size_t>(Bytecode::V313)],
              number(python::Op::Resume, Bytecode::V311));
  }
}

/// Functions within a module's code object, by name.
void findFunctions(const python::Code& code, std::map<std::string, const python::Code*>& found,
                   const std::string& path) {
  for (const python::ValuePtr& constant : code.constants) {
    if (constant->kind != python::Value::Kind::Code) continue;
    const std::string name = path + constant->code->name;
    found[name] = constant->code.get();
    findFunctions(*constant->code, found, name + ".");
  }
}

/// The instructions of Python 3.0 to 3.5, in a module that these compiled (tests/fixtures/lambdas/README.md).
TEST(PythonBytecode, ReadsModulesOfOldPythons) {
  const std::map<std::string, std::string> expected = {
      {"FixedOffset.utcoffset", "def utcoffset(self, dt): return self._FixedOffset__offset"},
      {"LocalTimezone.tzname", "def tzname(self, dt): return _time.tzname[self._isdst(dt)]"},
      {"LocalTimezone._isdst",
       "def _isdst(self, dt): return _time.localtime(_time.mktime((dt.year, dt.month, dt.day, dt.hour, "
       "dt.minute, "
       "dt.second, dt.weekday(), 0, -1))).tm_isdst > 0"},
      {"USTimeZone.utcoffset", "def utcoffset(self, dt): return self.stdoffset + self.dst(dt)"}};
  for (const char* version : {"3.3", "3.4", "3.5"}) {
    SCOPED_TRACE(version);
    std::ifstream file(std::string(FIXTURES_DIR) + "/lambdas/reference-" + version + ".pyc",
                       std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    ASSERT_GT(bytes.size(), 12U);
    // A magic number, a date and a size stand before the code object.
    const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    const python::Code module = python::readCode({data + 12, bytes.size() - 12}, "module");
    std::map<std::string, const python::Code*> functions;
    findFunctions(module, functions, "");
    for (const auto& [name, source] : expected) {
      ASSERT_TRUE(functions.contains(name)) << name;
      EXPECT_EQ(toSource(python::readFunction(*functions[name], name)), source);
    }
    try {
      python::readFunction(*functions["LocalTimezone.utcoffset"], "it");
      FAIL() << "it has a condition";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("a condition"), std::string::npos) << error.what();
    }
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
  EXPECT_EQ(outcome(legacyConfig(code))[0]["class"], "Reduce");
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
  const auto decodes = [](const std::string& text) { return outcome(legacyConfig(text)).is_array(); };
  EXPECT_TRUE(decodes(code));
  EXPECT_TRUE(decodes(code.substr(0, 76) + "\n" + code.substr(76) + "\n"));  // as Python's codecs break lines
  EXPECT_FALSE(decodes(code.substr(0, code.find('='))));                     // no padding
  EXPECT_FALSE(decodes(code + "="));
  EXPECT_FALSE(decodes(code + code));  // data after the padding
  EXPECT_FALSE(decodes("!" + code));
}

TEST(Lambda, SaysWhichLayerWhyAndWhatToDo) {
  const json file = fixture("3.8");
  for (const json& function : file["functions"]) {
    if (function["name"] != "sum_everything") continue;
    const GraphSpec spec = expandedLambda(legacyConfig(function["code"]));
    EXPECT_EQ(
        testing::problemOf(spec),
        "layer \"attention\", function: expected sums, products, slices and other functions of tensors, such "
        "as \"lambda x: K.sum(x, axis=1)\", found \"lambda x: K.sum(x)\", which has no axis and so reduces "
        "over "
        "the texts of a batch too. Say what it computes: --lambda attention=\"sum(axis=1)\", or in the page. "
        "Nothing from a model file is executed.");
    EXPECT_EQ(spec.layers.back().problems.front().choice, "lambda:attention");
    return;
  }
  FAIL() << "no function \"sum_everything\"";
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
  const GraphSpec spec = expandedLambda(legacyConfig(latin1(bytes)));
  const json operations = testing::operationsOf(spec);
  if (operations.is_array()) {
    EXPECT_FALSE(operations.empty());
    return;
  }
  EXPECT_TRUE(operations.get<std::string>().starts_with("lambda-")) << operations;
  const std::string text = testing::problemOf(spec);
  EXPECT_NO_THROW(static_cast<void>(json(text).dump())) << "not UTF-8";
  EXPECT_LT(text.size(), 2000U);
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
