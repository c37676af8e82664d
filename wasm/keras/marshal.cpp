#include "keras/marshal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "error.h"

namespace charglow::python {

namespace {

constexpr size_t kMaxBytes = size_t{64} << 10;  ///< the code objects of Lambda layers are a few hundred bytes
constexpr int kMaxDepth = 24;
constexpr size_t kMaxWeight = size_t{1}
                              << 20;  ///< of all objects, written out: stops references to references …

/// Stops one attempt at a layout; `offset` tells which attempt got furthest.
struct Mismatch {
  size_t offset;
  std::string what;
};

bool isUtf8(const std::string& text) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

Value other(std::string what) {
  Value value;
  value.kind = Value::Kind::Other;
  value.text = std::move(what);
  return value;
}

/// Reads the data under the assumption of one layout. The type codes are those of CPython's Python/marshal.c.
class Reader {
 public:
  Reader(std::span<const uint8_t> bytes, Layout layout) : bytes_(bytes), layout_(layout) {}

  Code read() {
    const ValuePtr value = object(0);
    if (value->kind != Value::Kind::Code) fail("data that is not a code object");
    if (at_ != bytes_.size()) fail(std::to_string(bytes_.size() - at_) + " bytes after the code object");
    return *value->code;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const { throw Mismatch{at_, std::string(what)}; }

  const uint8_t* take(size_t count) {
    if (count > bytes_.size() - at_) fail("the end of the data");
    const uint8_t* start = bytes_.data() + at_;
    at_ += count;
    return start;
  }

  uint8_t byte() { return *take(1); }

  uint32_t word() {
    const uint8_t* p = take(4);
    return static_cast<uint32_t>(p[0]) | static_cast<uint32_t>(p[1]) << 8 |
           static_cast<uint32_t>(p[2]) << 16 | static_cast<uint32_t>(p[3]) << 24;
  }

  int32_t integer() { return static_cast<int32_t>(word()); }

  /// A length or count; negative ones end up beyond what is left, since every item takes a byte at least.
  size_t length() {
    const size_t count = word();
    if (count > bytes_.size() - at_) fail("a length of " + std::to_string(count) + " where less is left");
    return count;
  }

  std::string string(size_t count) {
    const uint8_t* start = take(count);
    return {start, start + count};
  }

  Value text(size_t count, bool intern) {
    Value value;
    value.kind = Value::Kind::Text;
    value.text = string(count);
    if (!isUtf8(value.text)) fail("a text that is not UTF-8");
    // Python 2 numbers its interned strings, and 'R' refers to that number.
    if (intern && layout_ == Layout::V27) interned_.push_back(std::make_shared<const Value>(value));
    return value;
  }

  Value real(double number) const {
    Value value;
    value.kind = Value::Kind::Float;
    value.real = number;
    return value;
  }

  double binaryFloat() {
    const uint8_t* p = take(8);
    uint64_t bits = 0;
    for (int i = 7; i >= 0; --i) bits = bits << 8 | p[i];
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    return number;
  }

  /// Marshal versions 0 and 1 write floats as text.
  double textFloat() {
    const std::string digits = string(byte());
    char* end = nullptr;
    const double number = std::strtod(digits.c_str(), &end);
    if (digits.empty() || end != digits.c_str() + digits.size()) fail("a float that is not a number");
    return number;
  }

  /// Digits of 15 bits, the least significant first; the sign is the sign of their count.
  Value longInteger() {
    const int64_t count = integer();
    const auto digits = static_cast<size_t>(count < 0 ? -count : count);
    if (digits > (bytes_.size() - at_) / 2) fail("an integer longer than the data");
    uint64_t magnitude = 0;
    bool fits = true;
    for (size_t i = 0; i < digits; ++i) {
      const uint8_t* p = take(2);
      const auto digit = static_cast<uint64_t>(p[0] | p[1] << 8);
      if (digit > 0x7fff) fail("an integer with a digit beyond 15 bits");
      if (i < 4) {
        magnitude |= digit << (15 * i);
      } else if (digit != 0) {
        fits = false;
      }
    }
    if (!fits) return other("an integer beyond 60 bits");
    return whole(count < 0 ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude));
  }

  Value whole(int64_t number) const {
    Value value;
    value.kind = Value::Kind::Int;
    value.integer = number;
    return value;
  }

  Value sequence(Value::Kind kind, size_t count, int depth) {
    if (count > bytes_.size() - at_) fail("a sequence longer than the data");
    Value value;
    value.kind = kind;
    value.items.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      value.items.push_back(object(depth + 1));
      value.weight += value.items.back()->weight;
    }
    return value;
  }

  /// Key and value pairs up to a null; only skipped, since no function is read that has one as a constant.
  Value dictionary(int depth) {
    while (peek() != '0') {
      static_cast<void>(object(depth + 1));
      static_cast<void>(object(depth + 1));
    }
    static_cast<void>(byte());
    return other("a dictionary");
  }

  uint8_t peek() const {
    if (at_ == bytes_.size()) fail("the end of the data");
    return bytes_[at_];
  }

  /// Every object counts with all that is in it, each time it is met: 64 KiB of references must not unfold to
  /// gigabytes.
  ValuePtr weighed(ValuePtr value) {
    weight_ += value->weight;
    if (weight_ > kMaxWeight)
      fail("references that unfold to more than " + std::to_string(kMaxWeight) + " values");
    return value;
  }

  ValuePtr backReference(const std::vector<ValuePtr>& table) {
    const size_t index = word();
    // An object that is still being read is in the table as null: such a reference would run in a circle.
    if (index >= table.size() || table[index] == nullptr) fail("a reference to an object that is not there");
    return weighed(table[index]);
  }

  ValuePtr object(int depth) {
    if (depth > kMaxDepth) fail("objects nested deeper than " + std::to_string(kMaxDepth));
    const uint8_t tag = byte();
    const bool remembered = (tag & 0x80) != 0;  // FLAG_REF, Python 3.4 on
    if (remembered && layout_ == Layout::V27) fail("a reference flag, which Python 2 does not write");
    const char type = static_cast<char>(tag & 0x7f);
    if (type == 'r' && layout_ != Layout::V27) return backReference(references_);
    if (type == 'R' && layout_ == Layout::V27) return backReference(interned_);
    const size_t slot = references_.size();
    if (remembered) references_.push_back(nullptr);
    Value read = ofType(type, depth);
    read.weight += read.text.size();
    ValuePtr value = weighed(std::make_shared<const Value>(std::move(read)));
    if (remembered) references_[slot] = value;
    return value;
  }

  Value ofType(char type, int depth) {
    Value value;
    switch (type) {
      case 'N':
        return value;
      case 'T':
      case 'F':
        value.kind = Value::Kind::Bool;
        value.truth = type == 'T';
        return value;
      case '.':
        value.kind = Value::Kind::Ellipsis;
        return value;
      case 'i':
        return whole(integer());
      case 'I': {
        const uint64_t low = word();
        return whole(static_cast<int64_t>(low | static_cast<uint64_t>(word()) << 32));
      }
      case 'l':
        return longInteger();
      case 'g':
        return real(binaryFloat());
      case 'f':
        return real(textFloat());
      case 'y':
        static_cast<void>(take(16));
        return other("a complex number");
      case 's':
        value.text = string(length());
        // Python 2 has one type for both.
        value.kind = layout_ == Layout::V27 && isUtf8(value.text) ? Value::Kind::Text : Value::Kind::Bytes;
        return value;
      case 't':
        return text(length(), true);
      case 'u':
      case 'a':
      case 'A':
        return text(length(), false);
      case 'z':
      case 'Z':
        return text(byte(), false);
      case '(':
        return sequence(Value::Kind::Tuple, length(), depth);
      case ')':
        return sequence(Value::Kind::Tuple, byte(), depth);
      case '[':
        return sequence(Value::Kind::List, length(), depth);
      case ':':  // 3.14 on
        return sequence(Value::Kind::Slice, 3, depth);
      case '<':
      case '>':
        static_cast<void>(sequence(Value::Kind::Other, length(), depth));
        return other("a set");
      case '{':
        return dictionary(depth);
      case 'c':
        value.kind = Value::Kind::Code;
        value.code = std::make_shared<const Code>(code(depth));
        value.weight += value.code->bytecode.size();
        return value;
      default:
        fail("a type code that marshal does not have");
    }
  }

  std::string stringObject(Value::Kind kind, int depth) {
    const ValuePtr value = object(depth + 1);
    const bool text = value->kind == Value::Kind::Text;
    const bool bytes = value->kind == Value::Kind::Bytes;
    const bool right = layout_ == Layout::V27 ? text || bytes : value->kind == kind;
    if (!right) fail("a code object whose bytes or name are of another type");
    return value->text;
  }

  std::string bytesObject(int depth) { return stringObject(Value::Kind::Bytes, depth); }
  std::string textObject(int depth) { return stringObject(Value::Kind::Text, depth); }

  ValuePtr tuple(int depth) {
    ValuePtr value = object(depth + 1);
    if (value->kind != Value::Kind::Tuple) fail("a code object whose constants or names are not a tuple");
    return value;
  }

  std::vector<std::string> nameTuple(int depth) {
    std::vector<std::string> names;
    const ValuePtr items = tuple(depth);
    for (const ValuePtr& item : items->items) {
      if (item->kind != Value::Kind::Text) fail("a code object with a name that is not a text");
      names.push_back(item->text);
    }
    return names;
  }

  Code code(int depth) {
    Code code;
    code.layout = layout_;
    code.argumentCount = integer();
    if (layout_ == Layout::V38To310 || layout_ == Layout::V311)
      static_cast<void>(integer());                             // posonlyargcount
    if (layout_ != Layout::V27) static_cast<void>(integer());   // kwonlyargcount
    if (layout_ != Layout::V311) static_cast<void>(integer());  // nlocals
    static_cast<void>(integer());                               // stacksize
    code.flags = word();
    code.bytecode = bytesObject(depth);
    code.constants = tuple(depth)->items;
    code.names = nameTuple(depth);
    code.locals = nameTuple(depth);
    if (layout_ == Layout::V311) {
      sortLocals(code, bytesObject(depth));
    } else {
      code.free = nameTuple(depth);
      code.cells = nameTuple(depth);
    }
    static_cast<void>(textObject(depth));  // file name
    code.name = textObject(depth);
    if (layout_ == Layout::V311) static_cast<void>(textObject(depth));   // qualified name
    static_cast<void>(integer());                                        // first line
    static_cast<void>(bytesObject(depth));                               // line table
    if (layout_ == Layout::V311) static_cast<void>(bytesObject(depth));  // exception table
    if (code.argumentCount < 0 || static_cast<size_t>(code.argumentCount) > code.locals.size()) {
      fail("a code object with more arguments than variables");
    }
    return code;
  }

  /// 3.11 on keeps all variables in one tuple, with a byte for each: CO_FAST_CELL 0x40, CO_FAST_FREE 0x80.
  void sortLocals(Code& code, const std::string& kinds) const {
    if (kinds.size() != code.locals.size()) fail("a code object with variables of no kind");
    for (size_t i = 0; i < kinds.size(); ++i) {
      const auto kind = static_cast<uint8_t>(kinds[i]);
      if ((kind & 0x80) != 0) code.free.push_back(code.locals[i]);
      if ((kind & 0x40) != 0) code.cells.push_back(code.locals[i]);
    }
  }

  std::span<const uint8_t> bytes_;
  Layout layout_;
  size_t at_ = 0;
  size_t weight_ = 0;
  std::vector<ValuePtr> references_;
  std::vector<ValuePtr> interned_;
};

std::string quoted(const std::string& text) {
  std::string line = "'";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (u < 0x20 || u == 0x7f) {
      constexpr const char* kDigits = "0123456789abcdef";
      line += "\\x";
      line += kDigits[u >> 4];
      line += kDigits[u & 15];
    } else {
      line += c;
    }
  }
  return line + "'";
}

std::string reprOf(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  return nlohmann::json(number).dump();  // the shortest digits that read back the same, as Python's
}

}  // namespace

std::string Value::repr() const {
  switch (kind) {
    case Kind::None:
      return "None";
    case Kind::Bool:
      return truth ? "True" : "False";
    case Kind::Int:
      return std::to_string(integer);
    case Kind::Float:
      return reprOf(real);
    case Kind::Ellipsis:
      return "...";
    case Kind::Text:
      return quoted(text);
    case Kind::Bytes:
      return isUtf8(text) ? "b" + quoted(text) : "<bytes>";
    case Kind::Code:
      return "<an inner function>";
    case Kind::Other:
      return "<" + text + ">";
    case Kind::Tuple:
    case Kind::List:
    case Kind::Slice:
      break;
  }
  std::string inside;
  for (const ValuePtr& item : items) inside += (inside.empty() ? "" : ", ") + item->repr();
  if (kind == Kind::List) return "[" + inside + "]";
  if (kind == Kind::Slice) return "slice(" + inside + ")";
  return "(" + inside + (items.size() == 1 ? ",)" : ")");
}

Code readCode(std::span<const uint8_t> bytes, const std::string& where) {
  const std::string expected = "a function marshalled by Python 2.7 or 3.0 to 3.14";
  const std::string hint =
      "The file is damaged, or was written by a Python that is not known yet; save the model again.";
  if (bytes.size() > kMaxBytes) {
    throw Error({"lambda-marshal", where, expected + " of at most " + std::to_string(kMaxBytes) + " bytes",
                 std::to_string(bytes.size()) + " bytes", hint});
  }
  std::optional<Mismatch> furthest;
  for (const Layout layout : {Layout::V311, Layout::V38To310, Layout::V30To37, Layout::V27}) {
    try {
      return Reader(bytes, layout).read();
    } catch (const Mismatch& mismatch) {
      if (!furthest || mismatch.offset > furthest->offset) furthest = mismatch;
    }
  }
  throw Error({"lambda-marshal", where, expected,
               furthest->what + " at byte " + std::to_string(furthest->offset) + " of " +
                   std::to_string(bytes.size()),
               hint});
}

}  // namespace charglow::python
