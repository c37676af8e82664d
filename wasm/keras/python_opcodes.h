#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "keras/python_expression.h"

/// The instructions of CPython that a function without branches is made of, with their numbers in every
/// Python that is read. Tests compare each number and cache size with the `dis` module of that Python
/// (tests/fixtures/lambdas).

namespace charglow::python {

/// Instruction sets that differ in what is read here, by the first Python version that has them: V27 is 2.7
/// alone, V36 lasts to 3.7, V39 to 3.10. Python 3.0 to 3.5 had another instruction format.
enum class Bytecode { V27, V36, V38, V39, V311, V312, V313 };
constexpr size_t kBytecodes = 7;

enum class Op {
  // Read.
  Nop,
  ExtendedArg,
  Resume,
  PushNull,
  LoadConst,
  LoadFast,
  LoadFastLoadFast,
  LoadGlobal,
  LoadAttr,
  LoadMethod,
  StoreFast,
  StoreFastLoadFast,
  CallPython2,
  CallFunction,
  CallFunctionKw,
  CallMethod,
  KwNames,
  Precall,
  ToBool,
  Call,
  CallKw,
  BuildTuple,
  BuildList,
  ListExtend,
  BuildSlice,
  Subscript,
  BinarySlice,
  Slice0,
  Slice1,
  Slice2,
  Slice3,
  Unary,
  Binary,
  BinaryOp,
  ReturnValue,
  ReturnConst,
  // Known so that the refusal can say what it is.
  Jump,
  Loop,
  FreeVariable,
  InnerFunction,
  Comparison,
  Copy,
  StarCall,
  Import,
  InPlace,
  Discard
};

struct Instruction {
  std::string_view name;  ///< as in Python's `dis`
  Op op;
  Operator sign;                       ///< of Op::Unary and Op::Binary only
  std::array<int, kBytecodes> number;  ///< in each Bytecode, -1 where it has none
  std::array<int, kBytecodes> caches;  ///< how many empty units of two bytes follow it
};

// clang-format off
inline constexpr Instruction kInstructions[] = {
    // name, op, sign, number in {2.7, 3.6, 3.8, 3.9, 3.11, 3.12, 3.13}, caches in the same
    {"NOP", Op::Nop, Operator::Add, {9, 9, 9, 9, 9, 9, 30}, {}},
    {"EXTENDED_ARG", Op::ExtendedArg, Operator::Add, {145, 144, 144, 144, 144, 144, 71}, {}},
    {"RESUME", Op::Resume, Operator::Add, {-1, -1, -1, -1, 151, 151, 149}, {}},
    {"PUSH_NULL", Op::PushNull, Operator::Add, {-1, -1, -1, -1, 2, 2, 34}, {}},
    {"LOAD_CONST", Op::LoadConst, Operator::Add, {100, 100, 100, 100, 100, 100, 83}, {}},
    {"LOAD_FAST", Op::LoadFast, Operator::Add, {124, 124, 124, 124, 124, 124, 85}, {}},
    {"LOAD_FAST_CHECK", Op::LoadFast, Operator::Add, {-1, -1, -1, -1, -1, 127, 87}, {}},
    {"LOAD_FAST_LOAD_FAST", Op::LoadFastLoadFast, Operator::Add, {-1, -1, -1, -1, -1, -1, 88}, {}},
    {"LOAD_GLOBAL", Op::LoadGlobal, Operator::Add, {116, 116, 116, 116, 116, 116, 91}, {0, 0, 0, 0, 5, 4, 4}},
    {"LOAD_ATTR", Op::LoadAttr, Operator::Add, {106, 106, 106, 106, 106, 106, 82}, {0, 0, 0, 0, 4, 9, 9}},
    {"LOAD_METHOD", Op::LoadMethod, Operator::Add, {-1, 160, 160, 160, 160, -1, -1}, {0, 0, 0, 0, 10, 0, 0}},
    {"STORE_FAST", Op::StoreFast, Operator::Add, {125, 125, 125, 125, 125, 125, 110}, {}},
    {"STORE_FAST_LOAD_FAST", Op::StoreFastLoadFast, Operator::Add, {-1, -1, -1, -1, -1, -1, 111}, {}},
    {"CALL_FUNCTION", Op::CallPython2, Operator::Add, {131, -1, -1, -1, -1, -1, -1}, {}},
    {"CALL_FUNCTION", Op::CallFunction, Operator::Add, {-1, 131, 131, 131, -1, -1, -1}, {}},
    {"CALL_FUNCTION_KW", Op::CallFunctionKw, Operator::Add, {-1, 141, 141, 141, -1, -1, -1}, {}},
    {"CALL_METHOD", Op::CallMethod, Operator::Add, {-1, 161, 161, 161, -1, -1, -1}, {}},
    {"KW_NAMES", Op::KwNames, Operator::Add, {-1, -1, -1, -1, 172, 172, -1}, {}},
    {"PRECALL", Op::Precall, Operator::Add, {-1, -1, -1, -1, 166, -1, -1}, {0, 0, 0, 0, 1, 0, 0}},
    {"CALL", Op::Call, Operator::Add, {-1, -1, -1, -1, 171, 171, 53}, {0, 0, 0, 0, 4, 3, 3}},
    {"CALL_KW", Op::CallKw, Operator::Add, {-1, -1, -1, -1, -1, -1, 57}, {}},
    {"BUILD_TUPLE", Op::BuildTuple, Operator::Add, {102, 102, 102, 102, 102, 102, 52}, {}},
    {"BUILD_LIST", Op::BuildList, Operator::Add, {103, 103, 103, 103, 103, 103, 47}, {}},
    {"LIST_EXTEND", Op::ListExtend, Operator::Add, {-1, -1, -1, 162, 162, 162, 81}, {}},
    {"BUILD_SLICE", Op::BuildSlice, Operator::Add, {133, 133, 133, 133, 133, 133, 50}, {}},
    {"BINARY_SUBSCR", Op::Subscript, Operator::Add, {25, 25, 25, 25, 25, 25, 5}, {0, 0, 0, 0, 4, 1, 1}},
    {"BINARY_SLICE", Op::BinarySlice, Operator::Add, {-1, -1, -1, -1, -1, 26, 4}, {}},
    {"SLICE+0", Op::Slice0, Operator::Add, {30, -1, -1, -1, -1, -1, -1}, {}},
    {"SLICE+1", Op::Slice1, Operator::Add, {31, -1, -1, -1, -1, -1, -1}, {}},
    {"SLICE+2", Op::Slice2, Operator::Add, {32, -1, -1, -1, -1, -1, -1}, {}},
    {"SLICE+3", Op::Slice3, Operator::Add, {33, -1, -1, -1, -1, -1, -1}, {}},
    {"UNARY_POSITIVE", Op::Unary, Operator::Positive, {10, 10, 10, 10, 10, -1, -1}, {}},
    {"UNARY_NEGATIVE", Op::Unary, Operator::Negative, {11, 11, 11, 11, 11, 11, 42}, {}},
    {"UNARY_INVERT", Op::Unary, Operator::Invert, {15, 15, 15, 15, 15, 15, 41}, {}},
    {"UNARY_NOT", Op::Unary, Operator::Not, {12, 12, 12, 12, 12, 12, 43}, {}},
    {"BINARY_ADD", Op::Binary, Operator::Add, {23, 23, 23, 23, -1, -1, -1}, {}},
    {"BINARY_SUBTRACT", Op::Binary, Operator::Subtract, {24, 24, 24, 24, -1, -1, -1}, {}},
    {"BINARY_MULTIPLY", Op::Binary, Operator::Multiply, {20, 20, 20, 20, -1, -1, -1}, {}},
    {"BINARY_MATRIX_MULTIPLY", Op::Binary, Operator::MatMultiply, {-1, 16, 16, 16, -1, -1, -1}, {}},
    {"BINARY_TRUE_DIVIDE", Op::Binary, Operator::TrueDivide, {27, 27, 27, 27, -1, -1, -1}, {}},
    {"BINARY_DIVIDE", Op::Binary, Operator::ClassicDivide, {21, -1, -1, -1, -1, -1, -1}, {}},
    {"BINARY_FLOOR_DIVIDE", Op::Binary, Operator::FloorDivide, {26, 26, 26, 26, -1, -1, -1}, {}},
    {"BINARY_MODULO", Op::Binary, Operator::Modulo, {22, 22, 22, 22, -1, -1, -1}, {}},
    {"BINARY_POWER", Op::Binary, Operator::Power, {19, 19, 19, 19, -1, -1, -1}, {}},
    {"BINARY_LSHIFT", Op::Binary, Operator::LeftShift, {62, 62, 62, 62, -1, -1, -1}, {}},
    {"BINARY_RSHIFT", Op::Binary, Operator::RightShift, {63, 63, 63, 63, -1, -1, -1}, {}},
    {"BINARY_AND", Op::Binary, Operator::And, {64, 64, 64, 64, -1, -1, -1}, {}},
    {"BINARY_OR", Op::Binary, Operator::Or, {66, 66, 66, 66, -1, -1, -1}, {}},
    {"BINARY_XOR", Op::Binary, Operator::Xor, {65, 65, 65, 65, -1, -1, -1}, {}},
    {"BINARY_OP", Op::BinaryOp, Operator::Add, {-1, -1, -1, -1, 122, 122, 45}, {0, 0, 0, 0, 1, 1, 1}},
    {"RETURN_VALUE", Op::ReturnValue, Operator::Add, {83, 83, 83, 83, 83, 83, 36}, {}},
    {"RETURN_CONST", Op::ReturnConst, Operator::Add, {-1, -1, -1, -1, -1, 121, 103}, {}},
    {"JUMP_ABSOLUTE", Op::Jump, Operator::Add, {113, 113, 113, 113, -1, -1, -1}, {}},
    {"JUMP_FORWARD", Op::Jump, Operator::Add, {110, 110, 110, 110, 110, 110, 79}, {}},
    {"JUMP_IF_FALSE_OR_POP", Op::Jump, Operator::Add, {111, 111, 111, 111, 111, -1, -1}, {}},
    {"JUMP_IF_TRUE_OR_POP", Op::Jump, Operator::Add, {112, 112, 112, 112, 112, -1, -1}, {}},
    {"POP_JUMP_IF_FALSE", Op::Jump, Operator::Add, {114, 114, 114, 114, -1, 114, 97}, {0, 0, 0, 0, 0, 0, 1}},
    {"POP_JUMP_IF_NONE", Op::Jump, Operator::Add, {-1, -1, -1, -1, -1, 129, 98}, {0, 0, 0, 0, 0, 0, 1}},
    {"POP_JUMP_IF_NOT_NONE", Op::Jump, Operator::Add, {-1, -1, -1, -1, -1, 128, 99}, {0, 0, 0, 0, 0, 0, 1}},
    {"POP_JUMP_IF_TRUE", Op::Jump, Operator::Add, {115, 115, 115, 115, -1, 115, 100}, {0, 0, 0, 0, 0, 0, 1}},
    {"POP_JUMP_FORWARD_IF_FALSE", Op::Jump, Operator::Add, {-1, -1, -1, -1, 114, -1, -1}, {}},
    {"POP_JUMP_FORWARD_IF_NONE", Op::Jump, Operator::Add, {-1, -1, -1, -1, 129, -1, -1}, {}},
    {"POP_JUMP_FORWARD_IF_NOT_NONE", Op::Jump, Operator::Add, {-1, -1, -1, -1, 128, -1, -1}, {}},
    {"POP_JUMP_FORWARD_IF_TRUE", Op::Jump, Operator::Add, {-1, -1, -1, -1, 115, -1, -1}, {}},
    {"TO_BOOL", Op::ToBool, Operator::Add, {-1, -1, -1, -1, -1, -1, 40}, {0, 0, 0, 0, 0, 0, 3}},
    {"FOR_ITER", Op::Loop, Operator::Add, {93, 93, 93, 93, 93, 93, 72}, {0, 0, 0, 0, 0, 1, 1}},
    {"GET_ITER", Op::Loop, Operator::Add, {68, 68, 68, 68, 68, 68, 19}, {}},
    {"SETUP_LOOP", Op::Loop, Operator::Add, {120, 120, -1, -1, -1, -1, -1}, {}},
    {"JUMP_BACKWARD", Op::Loop, Operator::Add, {-1, -1, -1, -1, 140, 140, 77}, {0, 0, 0, 0, 0, 0, 1}},
    {"LOAD_DEREF", Op::FreeVariable, Operator::Add, {136, 136, 136, 136, 137, 137, 84}, {}},
    {"LOAD_CLOSURE", Op::FreeVariable, Operator::Add, {135, 135, 135, 135, 136, 136, -1}, {}},
    {"STORE_DEREF", Op::FreeVariable, Operator::Add, {137, 137, 137, 137, 138, 138, 109}, {}},
    {"COPY_FREE_VARS", Op::FreeVariable, Operator::Add, {-1, -1, -1, -1, 149, 149, 62}, {}},
    {"MAKE_CELL", Op::FreeVariable, Operator::Add, {-1, -1, -1, -1, 135, 135, 94}, {}},
    {"MAKE_FUNCTION", Op::InnerFunction, Operator::Add, {132, 132, 132, 132, 132, 132, 26}, {}},
    {"MAKE_CLOSURE", Op::InnerFunction, Operator::Add, {134, -1, -1, -1, -1, -1, -1}, {}},
    {"COMPARE_OP", Op::Comparison, Operator::Add, {107, 107, 107, 107, 107, 107, 58}, {0, 0, 0, 0, 2, 1, 1}},
    {"IS_OP", Op::Comparison, Operator::Add, {-1, -1, -1, 117, 117, 117, 76}, {}},
    {"CONTAINS_OP", Op::Comparison, Operator::Add, {-1, -1, -1, 118, 118, 118, 59}, {0, 0, 0, 0, 0, 0, 1}},
    {"COPY", Op::Copy, Operator::Add, {-1, -1, -1, -1, 120, 120, 61}, {}},
    {"DUP_TOP", Op::Copy, Operator::Add, {4, 4, 4, 4, -1, -1, -1}, {}},
    {"CALL_FUNCTION_EX", Op::StarCall, Operator::Add, {-1, 142, 142, 142, 142, 142, 54}, {}},
    {"CALL_FUNCTION_VAR", Op::StarCall, Operator::Add, {140, -1, -1, -1, -1, -1, -1}, {}},
    {"CALL_FUNCTION_VAR_KW", Op::StarCall, Operator::Add, {142, -1, -1, -1, -1, -1, -1}, {}},
    {"IMPORT_NAME", Op::Import, Operator::Add, {108, 108, 108, 108, 108, 108, 75}, {}},
    {"IMPORT_FROM", Op::Import, Operator::Add, {109, 109, 109, 109, 109, 109, 74}, {}},
    {"INPLACE_ADD", Op::InPlace, Operator::Add, {55, 55, 55, 55, -1, -1, -1}, {}},
    {"INPLACE_AND", Op::InPlace, Operator::Add, {77, 77, 77, 77, -1, -1, -1}, {}},
    {"INPLACE_DIVIDE", Op::InPlace, Operator::Add, {58, -1, -1, -1, -1, -1, -1}, {}},
    {"INPLACE_FLOOR_DIVIDE", Op::InPlace, Operator::Add, {28, 28, 28, 28, -1, -1, -1}, {}},
    {"INPLACE_LSHIFT", Op::InPlace, Operator::Add, {75, 75, 75, 75, -1, -1, -1}, {}},
    {"INPLACE_MATRIX_MULTIPLY", Op::InPlace, Operator::Add, {-1, 17, 17, 17, -1, -1, -1}, {}},
    {"INPLACE_MODULO", Op::InPlace, Operator::Add, {59, 59, 59, 59, -1, -1, -1}, {}},
    {"INPLACE_MULTIPLY", Op::InPlace, Operator::Add, {57, 57, 57, 57, -1, -1, -1}, {}},
    {"INPLACE_OR", Op::InPlace, Operator::Add, {79, 79, 79, 79, -1, -1, -1}, {}},
    {"INPLACE_POWER", Op::InPlace, Operator::Add, {67, 67, 67, 67, -1, -1, -1}, {}},
    {"INPLACE_RSHIFT", Op::InPlace, Operator::Add, {76, 76, 76, 76, -1, -1, -1}, {}},
    {"INPLACE_SUBTRACT", Op::InPlace, Operator::Add, {56, 56, 56, 56, -1, -1, -1}, {}},
    {"INPLACE_TRUE_DIVIDE", Op::InPlace, Operator::Add, {29, 29, 29, 29, -1, -1, -1}, {}},
    {"INPLACE_XOR", Op::InPlace, Operator::Add, {78, 78, 78, 78, -1, -1, -1}, {}},
    {"POP_TOP", Op::Discard, Operator::Add, {1, 1, 1, 1, 1, 1, 32}, {}},
    {"CALL_FUNCTION_KW", Op::StarCall, Operator::Add, {141, -1, -1, -1, -1, -1, -1}, {}},
};
// clang-format on

}  // namespace charglow::python
