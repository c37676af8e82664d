#include "keras/marshal.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "error.h"
#include "keras/python_bytecode.h"

/// Marshal data made by hand, for what no Python writes or what lambda_test.cpp's fixtures do not reach.

namespace charglow::python {
namespace {

std::string word(uint32_t number) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

std::string shortText(const std::string& text) {
  return "z" + std::string(1, static_cast<char>(text.size())) + text;
}
std::string bytesOf(const std::string& bytes) {
  return "s" + word(static_cast<uint32_t>(bytes.size())) + bytes;
}

std::string tuple(const std::vector<std::string>& items) {
  std::string bytes = ")" + std::string(1, static_cast<char>(items.size()));
  for (const std::string& item : items) bytes += item;
  return bytes;
}

/// What the parts of a code object may be replaced by; by default lambda x: x with one constant, in the
/// layout of 3.8.
struct Parts {
  std::string arguments = word(1);
  std::string bytecode = bytesOf(std::string("\x7c\x00\x53\x00", 4));  // LOAD_FAST 0, RETURN_VALUE
  std::string constants = tuple({"N"});
  std::string names = tuple({});
  std::string locals = tuple({shortText("x")});
  std::string name = shortText("<lambda>");
};

std::string code38(const Parts& parts) {
  return "c" + parts.arguments + word(0) + word(0) + word(1) + word(2) + word(0x43) + parts.bytecode +
         parts.constants + parts.names + parts.locals + tuple({}) + tuple({}) + shortText("model.py") +
         parts.name + word(1) + bytesOf("");
}

std::string withConstant(const std::string& constant) {
  Parts parts;
  parts.constants = tuple({constant});
  return code38(parts);
}

Code read(const std::string& bytes) {
  return readCode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "test");
}

/// What the reader says of the data; empty where it reads it.
std::string refusal(const std::string& bytes) {
  try {
    static_cast<void>(read(bytes));
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.problems().front().code, "lambda-marshal");
    return error.problems().front().actual;
  }
}

std::string constant(const std::string& bytes) { return read(withConstant(bytes)).constants.at(0)->repr(); }

TEST(Marshal, ReadsTheLayoutOf38) {
  const Code code = read(code38({}));
  EXPECT_EQ(code.layout, Layout::V38To310);
  EXPECT_EQ(code.name, "<lambda>");
  EXPECT_EQ(code.argumentCount, 1);
  EXPECT_EQ(code.flags, 0x43U);
  EXPECT_EQ(code.locals, std::vector<std::string>{"x"});
  EXPECT_EQ(toSource(readFunction(code, "test")), "lambda x: x");
}

TEST(Marshal, ReadsEveryTypeOfConstant) {
  EXPECT_EQ(constant("N"), "None");
  EXPECT_EQ(constant("T"), "True");
  EXPECT_EQ(constant("F"), "False");
  EXPECT_EQ(constant("."), "...");
  EXPECT_EQ(constant("i" + word(0xfffffffe)), "-2");
  EXPECT_EQ(constant("I" + word(0) + word(1)), "4294967296");
  EXPECT_EQ(constant("I" + word(0xffffffff) + word(0xffffffff)), "-1");
  // 2 digits of 15 bits: 1 + 2 * 2^15, and the same below zero.
  EXPECT_EQ(constant("l" + word(2) + std::string("\x01\x00\x02\x00", 4)), "65537");
  EXPECT_EQ(constant("l" + word(0xfffffffe) + std::string("\x01\x00\x02\x00", 4)), "-65537");
  EXPECT_EQ(constant("l" + word(5) + std::string("\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00", 10)),
            "<an integer beyond 60 bits>");
  EXPECT_EQ(constant("f\x04" + std::string("-1.5")), "-1.5");
  const auto bits = std::bit_cast<uint64_t>(255.0);
  EXPECT_EQ(constant("g" + word(static_cast<uint32_t>(bits)) + word(static_cast<uint32_t>(bits >> 32))),
            "255.0");
  EXPECT_EQ(constant("y" + std::string(16, '\0')), "<a complex number>");
  EXPECT_EQ(constant("u" + word(2) + "\xc3\xa9"), "'\xc3\xa9'");
  EXPECT_EQ(constant(bytesOf("ab")), "b'ab'");
  EXPECT_EQ(constant(bytesOf("\xff")), "<bytes>");
  EXPECT_EQ(constant(shortText("it's\n\x01")), "'it\\'s\\n\\x01'");
  EXPECT_EQ(constant(tuple({"N"})), "(None,)");
  EXPECT_EQ(constant("[" + word(2) + "NT"), "[None, True]");
  EXPECT_EQ(constant("<" + word(1) + "N"), "<a set>");
  EXPECT_EQ(constant("{NN0"), "<a dictionary>");
  EXPECT_EQ(constant(code38({})), "<an inner function>");
}

TEST(Marshal, FollowsReferencesInTheOrderOfTheirFlags) {
  // (a, (b, a), b): the flagged objects are numbered as they begin, the outer tuple first.
  const std::string flaggedTuple = "\xa9\x03";
  const std::string flaggedA = "\xda\x01" + std::string("a");
  const std::string flaggedB = "\xda\x01" + std::string("b");
  EXPECT_EQ(constant(flaggedTuple + flaggedA + ")\x02" + flaggedB + "r" + word(1) + "r" + word(2)),
            "('a', ('b', 'a'), 'b')");
}

TEST(Marshal, RefusesReferencesThatLeadNowhere) {
  EXPECT_NE(refusal(withConstant("r" + word(0))).find("a reference to an object that is not there"),
            std::string::npos);
  EXPECT_NE(refusal(withConstant("r" + word(0xffffffff))).find("not there"), std::string::npos);
  EXPECT_NE(refusal(withConstant("\xa9\x01r" + word(0))).find("not there"),
            std::string::npos);  // a tuple in itself
}

TEST(Marshal, RefusesReferencesThatUnfoldToGigabytes) {
  // Each tuple holds the one before ten times: 10^12 values in 300 bytes.
  std::string bomb = "\xa9\x01N";
  for (uint32_t level = 0; level < 12; ++level) {
    std::string references;
    for (int i = 0; i < 10; ++i) references += "r" + word(level);
    bomb += "\xa9\x0a" + references;
  }
  EXPECT_NE(refusal(withConstant(")\x0d" + bomb)).find("unfold"), std::string::npos);
  // The same with one long text.
  std::string references;
  for (int i = 0; i < 200; ++i) references += "r" + word(0);
  EXPECT_NE(
      refusal(withConstant("(" + word(201) + "\xe1" + word(20000) + std::string(20000, 'a') + references))
          .find("unfold"),
      std::string::npos);
}

TEST(Marshal, RefusesLengthsBeyondTheData) {
  for (const std::string type : {"s", "u", "a", "A", "(", "[", "<", ">"}) {
    for (const uint32_t length :
         {uint32_t{0xffffffff}, uint32_t{0x7fffffff}, uint32_t{0x80000000}, uint32_t{1000}}) {
      EXPECT_NE(refusal(withConstant(type + word(length))).find("a length of"), std::string::npos)
          << type << length;
    }
  }
  EXPECT_NE(refusal(withConstant("l" + word(0x7fffffff))).find("longer than the data"), std::string::npos);
  EXPECT_NE(refusal(withConstant("l" + word(0x80000000))).find("longer than the data"), std::string::npos);
}

TEST(Marshal, RefusesDeepNesting) {
  const auto nested = [](size_t depth) {
    std::string bytes;
    for (size_t i = 0; i < depth; ++i) bytes += ")\x01";
    return withConstant(bytes + "N");
  };
  EXPECT_EQ(refusal(nested(20)), "");
  EXPECT_NE(refusal(nested(30)).find("nested deeper"), std::string::npos);
  EXPECT_NE(refusal(nested(30000)).find("nested deeper"), std::string::npos);
  std::string inner = code38({});
  for (int i = 0; i < 40; ++i) inner = withConstant(inner);
  EXPECT_NE(refusal(inner).find("nested deeper"), std::string::npos);
}

TEST(Marshal, RefusesWhatIsNoCodeObject) {
  EXPECT_EQ(refusal(""), "the end of the data at byte 0 of 0");
  EXPECT_NE(refusal("N").find("not a code object"), std::string::npos);
  EXPECT_NE(refusal(code38({}) + "N").find("1 bytes after the code object"), std::string::npos);
  EXPECT_NE(refusal(withConstant("q")).find("a type code that marshal does not have"), std::string::npos);
  EXPECT_NE(refusal(withConstant("u" + word(1) + "\xff")).find("not UTF-8"), std::string::npos);
  EXPECT_NE(refusal(withConstant("f\x03" + std::string("1.x"))).find("not a number"), std::string::npos);
  EXPECT_NE(refusal(withConstant("l" + word(1) + "\xff\xff")).find("15 bits"), std::string::npos);
  EXPECT_EQ(refusal(withConstant(bytesOf(std::string(70000, 'a')))),
            std::to_string(code38({}).size() + 70004) + " bytes");
}

TEST(Marshal, RefusesCodeObjectsWithPartsOfAnotherType) {
  const auto with = [](std::string Parts::*part, const std::string& bytes) {
    Parts parts;
    parts.*part = bytes;
    return refusal(code38(parts));
  };
  EXPECT_NE(with(&Parts::bytecode, shortText("ab")), "");
  EXPECT_NE(with(&Parts::constants, "N"), "");
  EXPECT_NE(with(&Parts::names, tuple({"N"})), "");
  EXPECT_NE(with(&Parts::name, "N"), "");
  EXPECT_NE(with(&Parts::arguments, word(2)).find("more arguments than variables"), std::string::npos);
  EXPECT_NE(with(&Parts::arguments, word(0xffffffff)).find("more arguments than variables"),
            std::string::npos);
}

/// The error of the bytecode reader, for a code object of 3.8 with these parts.
Problem bytecodeRefusal(const Parts& parts) {
  try {
    static_cast<void>(readFunction(read(code38(parts)), "test"));
  } catch (const Error& error) {
    return error.problems().front();
  }
  return {"", "", "", "", ""};
}

TEST(PythonBytecode, RefusesNamesThatAreNone) {
  for (const std::string name : {"", "a b", "a\n", "<script>", "a\"", ".0", "a.", "a..b"}) {
    Parts parts;
    parts.names = tuple({shortText(name)});
    const bool none = !name.empty();  // `from . import x` has one without letters
    EXPECT_EQ(bytecodeRefusal(parts).code, none ? "lambda-marshal" : "") << name;
    parts = {};
    parts.name = shortText(name);
    EXPECT_EQ(bytecodeRefusal(parts).code, "lambda-marshal") << name;
  }
}

TEST(PythonBytecode, RefusesInstructionsThatReachBeyondTheFunction) {
  const auto says = [](const std::string& bytecode) {
    Parts parts;
    parts.bytecode = bytesOf(bytecode);
    const Problem problem = bytecodeRefusal(parts);
    EXPECT_EQ(problem.code, "lambda-bytecode");
    return problem.actual;
  };
  using namespace std::string_literals;
  EXPECT_EQ(says(""), "no return in \"lambda x: …\"");
  EXPECT_EQ(says("\x7c\x00"s), "no return in \"lambda x: …\" after \"x\"");
  EXPECT_EQ(says("\x53\x00"s), "a value that is not on the stack in \"lambda x: …\"");
  EXPECT_EQ(says("\x7c\x01\x53\x00"s), "a variable that the function does not have in \"lambda x: …\"");
  EXPECT_EQ(says("\x64\x01\x53\x00"s), "a constant that the function does not have in \"lambda x: …\"");
  EXPECT_EQ(says("\x74\x00\x53\x00"s), "a name that the function does not have in \"lambda x: …\"");
  EXPECT_EQ(says("\x7c\x00\x67\x02\x53\x00"s),
            "more values than are on the stack in \"lambda x: …\" after \"x\"");
  EXPECT_EQ(says("\x7c\x00\x7c\x00\x53\x00"s),
            "a return with values left over in \"lambda x: …\" after \"x\"");
  EXPECT_EQ(says("\x7c\x00\x53\x00\x53\x00"s), "more than one return in \"lambda x: …\"");
  EXPECT_EQ(says("\x90\xff\x90\xff\x90\xff\x7c\x00"s), "an argument beyond 24 bits in \"lambda x: …\"");
  EXPECT_EQ(says("\x7c"s), "the end of the bytecode in the middle of an instruction in \"lambda x: …\"");
}

/// Python 3.0 to 3.5: the layout of 3.6, instructions of one or three bytes. Written after CPython's
/// documentation of `dis`; lambda_test.cpp has code that these Pythons compiled.
TEST(PythonBytecode, ReadsTheInstructionFormatOf30To35) {
  const std::string load("\x7c\x00\x00", 3);
  const std::string code = "c" + word(1) + word(0) + word(1) + word(2) + word(0x43) +
                           bytesOf(load + load + "\x17\x53") + tuple({"N"}) + tuple({}) +
                           tuple({shortText("x")}) + tuple({}) + tuple({}) + shortText("model.py") +
                           shortText("<lambda>") + word(1) + bytesOf("");
  EXPECT_EQ(toSource(readFunction(read(code), "test")), "lambda x: x + x");
}

}  // namespace
}  // namespace charglow::python
