#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace charglow::python {

struct Code;
struct Value;
using ValuePtr = std::shared_ptr<const Value>;

/// A constant of a Python function. Immutable, and shared where the marshal data refers back to it.
struct Value {
  enum class Kind { None, Bool, Int, Float, Ellipsis, Text, Bytes, Tuple, List, Slice, Code, Other };
  Kind kind = Kind::None;
  bool truth = false;   ///< Bool
  int64_t integer = 0;  ///< Int
  double real = 0;      ///< Float
  std::string text;  ///< Text: UTF-8. Bytes: as they are. Other: what it is, for people ("a complex number")
  std::vector<ValuePtr> items;  ///< Tuple, List; start, stop and step of a Slice
  std::shared_ptr<const Code> code;
  size_t weight = 1;  ///< how many values and characters it is when everything shared is written out
  /// As Python's repr() writes it.
  [[nodiscard]] std::string repr() const;
};

/// The four ways in which Python has laid out a marshalled code object, by its first and last minor version.
enum class Layout { V27, V30To37, V38To310, V311 };

/// What of a Python code object tells what the function computes.
struct Code {
  Layout layout = Layout::V27;
  int argumentCount = 0;            ///< positional arguments
  uint32_t flags = 0;               ///< CO_… of Python's inspect module
  std::string bytecode;             ///< instructions, read by python_bytecode.h
  std::vector<ValuePtr> constants;  ///< operands of LOAD_CONST
  std::vector<std::string> names;   ///< globals and attributes
  std::vector<std::string>
      locals;  ///< operands of LOAD_FAST: arguments first. 3.11 on: cell and free variables too
  std::vector<std::string> free;   ///< variables of an enclosing function
  std::vector<std::string> cells;  ///< variables that an inner function uses
  std::string name;                ///< "<lambda>" or the name of the def
};

/// Reads a code object that marshal.dumps() of Python 2.7 or 3.0 to 3.14 wrote. Nothing is executed. The data
/// does not say which Python wrote it: the layout is the one that explains every byte. Tested with 2.7
/// and 3.6 to 3.14; the layout of 3.0 to 3.5 is that of 3.6 by CPython's Python/marshal.c. Memory is bounded
/// by a small multiple of `bytes`; back references cannot blow it up or run in circles. Throws
/// "lambda-marshal" naming `where` for anything else: truncated or foreign data, more than 64 KiB.
Code readCode(std::span<const uint8_t> bytes, const std::string& where);

}  // namespace charglow::python
