#include "keras/python_interpreter.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "keras/python_instructions.h"
#include "keras/python_stack.h"

namespace charglow::python {

namespace {

/// BINARY_OP's argument, in the order of CPython's Include/opcode.h; the in-place forms follow from 13 on.
constexpr Operator kBinaryOps[] = {Operator::Add,        Operator::And,         Operator::FloorDivide,
                                   Operator::LeftShift,  Operator::MatMultiply, Operator::Multiply,
                                   Operator::Modulo,     Operator::Or,          Operator::Power,
                                   Operator::RightShift, Operator::Subtract,    Operator::TrueDivide,
                                   Operator::Xor};

/// COMPARE_OP's argument, in the order of Py_LT … Py_GE of CPython's Include/object.h; up to 3.8 `in`, `is` …
/// follow.
constexpr Operator kComparisons[] = {Operator::Less,     Operator::LessEqual, Operator::Equal,
                                     Operator::NotEqual, Operator::Greater,   Operator::GreaterEqual};

/// A module or what is found in one: to leave it unused changes nothing.
bool isPlainName(const Expression& expression) {
  if (expression.kind == Expression::Kind::Attribute) return isPlainName(*expression.operands[0]);
  return expression.kind == Expression::Kind::Global;
}

/// Runs the instructions on a stack of expressions, under the assumption of one instruction set.
class Interpreter {
 public:
  Interpreter(const Code& code, Bytecode bytecode)
      : code_(code),
        bytecode_(bytecode),
        instructions_(code.bytecode, bytecode),
        locals_(code.locals.size()) {
    for (size_t i = 0; i < static_cast<size_t>(code.argumentCount); ++i) {
      locals_[i] = variable(Expression::Kind::Argument, code.locals[i], i);
    }
  }

  ExpressionPtr run() {
    try {
      while (!instructions_.atEnd()) {
        const InstructionReader::Step step = instructions_.next();
        checkOrder(*step.instruction);
        if (execute(*step.instruction, step.argument)) return result();
      }
      throw Fault{"no return"};
    } catch (const InstructionReader::Misfit& misfit) {
      throw Refusal{misfit.offset, misfit.what, stack_.source()};
    } catch (const Fault& fault) {
      throw Refusal{instructions_.offset(), fault.what, stack_.source()};
    }
  }

 private:
  [[noreturn]] static void fail(std::string_view what) { throw Fault{std::string(what)}; }

  /// What must follow what: 3.11 on starts with RESUME, behind COPY_FREE_VARS where there is a closure.
  void checkOrder(const Instruction& instruction) {
    if (bytecode_ >= Bytecode::V311 && !resumed_) {
      if (instruction.op != Op::Resume && instruction.op != Op::CopyFreeVariables)
        fail(phrase(instruction.op));
      resumed_ = instruction.op == Op::Resume;
    }
    if (keywordNames_ != nullptr && instruction.op != Op::Precall && instruction.op != Op::Call) {
      fail("keyword names without a call");
    }
    const bool negation = instruction.op == Op::Unary && instruction.sign == Operator::Not;
    if (std::exchange(truth_, false) && !negation) fail(phrase(Op::Jump));
  }

  const ExpressionPtr& local(size_t index) const {
    if (index >= locals_.size()) fail("a variable that the function does not have");
    if (locals_[index] == nullptr) fail("a variable before it has a value");
    return locals_[index];
  }

  void store(size_t index) {
    if (index >= locals_.size()) fail("a variable that the function does not have");
    locals_[index] = stack_.pop();
  }

  /// A variable of the enclosing function. Up to 3.10 they are counted behind the function's own that an
  /// inner function uses, from 3.11 on among all variables.
  void loadFree(size_t index) {
    if (bytecode_ >= Bytecode::V311) {
      const std::string& name = index < code_.locals.size() ? code_.locals[index] : std::string();
      const auto found = std::find(code_.free.begin(), code_.free.end(), name);
      if (found == code_.free.end()) fail(phrase(Op::InnerFunction));
      index = static_cast<size_t>(found - code_.free.begin());
    } else if (index < code_.cells.size()) {
      fail(phrase(Op::InnerFunction));
    } else {
      index -= code_.cells.size();
    }
    if (index >= code_.free.size()) fail("a variable that the function does not have");
    stack_.push(variable(Expression::Kind::Free, code_.free[index], index));
  }

  const ValuePtr& constantAt(size_t index) const {
    if (index >= code_.constants.size()) fail("a constant that the function does not have");
    return code_.constants[index];
  }

  const std::string& nameAt(size_t index) const {
    if (index >= code_.names.size()) fail("a name that the function does not have");
    return code_.names[index];
  }

  void loadConstant(const ValuePtr& value) {
    if (value->kind == Value::Kind::Code) fail("an inner function");
    if (value->kind == Value::Kind::Other) fail(value->text);
    stack_.push(withSlices(value));
  }

  /// 3.14 has slices for constants, alone and in tuples; they read as those that other Pythons put together.
  static ExpressionPtr withSlices(const ValuePtr& value) {
    const bool slice = value->kind == Value::Kind::Slice;
    const auto& items = value->items;
    if (!slice && std::none_of(items.begin(), items.end(),
                               [](const ValuePtr& item) { return item->kind == Value::Kind::Slice; })) {
      return constant(value);
    }
    std::vector<ExpressionPtr> parts;
    for (const ValuePtr& item : items) parts.push_back(withSlices(item));
    if (slice && items[2]->kind == Value::Kind::None) parts.pop_back();
    return built(slice ? Expression::Kind::Slice : Expression::Kind::Tuple, std::move(parts));
  }

  /// 3.11 and 3.12 push the marker below the callable, 3.13 above.
  void pushCallable(ExpressionPtr callable, bool marked) {
    if (marked && bytecode_ < Bytecode::V313) stack_.pushMarker();
    stack_.push(std::move(callable));
    if (marked && bytecode_ >= Bytecode::V313) stack_.pushMarker();
  }

  void loadGlobal(size_t argument) {
    const bool flagged = bytecode_ >= Bytecode::V311;
    const std::string& name = nameAt(flagged ? argument >> 1 : argument);
    if (bytecode_ == Bytecode::V27 && (name == "True" || name == "False" || name == "None")) {
      Value value;  // Python 2 looks True and False up by name
      value.kind = name == "None" ? Value::Kind::None : Value::Kind::Bool;
      value.truth = name == "True";
      stack_.push(constant(std::make_shared<const Value>(std::move(value))));
    } else {
      pushCallable(named(Expression::Kind::Global, name), flagged && (argument & 1) != 0);
    }
  }

  void loadAttribute(size_t argument) {
    const bool flagged = bytecode_ >= Bytecode::V312;
    const std::string& name = nameAt(flagged ? argument >> 1 : argument);
    pushCallable(named(Expression::Kind::Attribute, name, {stack_.pop()}), flagged && (argument & 1) != 0);
  }

  /// `import a.b` gives a, `from a.b import c` (a list of names, not None) gives a.b.
  void import(const std::string& module) {
    const ExpressionPtr names = stack_.pop();
    const ExpressionPtr level = stack_.pop();
    const bool absolute = level->kind == Expression::Kind::Constant &&
                          level->value->kind == Value::Kind::Int && level->value->integer <= 0;
    if (!absolute || names->kind != Expression::Kind::Constant) fail(phrase(Op::ImportName));
    const size_t end = names->value->kind == Value::Kind::None ? module.find('.') : std::string::npos;
    ExpressionPtr found;
    for (size_t at = 0; at < std::min(end, module.size());) {
      const size_t dot = std::min(module.find('.', at), module.size());
      const std::string part = module.substr(at, dot - at);
      found = found == nullptr ? named(Expression::Kind::Global, part)
                               : named(Expression::Kind::Attribute, part, {std::move(found)});
      at = dot + 1;
    }
    stack_.push(std::move(found));
  }

  std::vector<std::string> keywords(const Value& names) const {
    std::vector<std::string> list;
    if (names.kind != Value::Kind::Tuple) fail("keyword names that are not a tuple");
    for (const ValuePtr& name : names.items) {
      if (name->kind != Value::Kind::Text || !isName(name->text)) fail("a keyword that is not a name");
      list.push_back(name->text);
    }
    return list;
  }

  std::vector<std::string> popKeywords() {
    const ExpressionPtr names = stack_.pop();
    if (names->kind != Expression::Kind::Constant) fail("keyword names that are not constant");
    return keywords(*names->value);
  }

  /// Up to 3.5: the argument's low byte counts positional arguments, the high byte pairs of a name and a
  /// value.
  void callPairs(size_t argument) {
    const std::vector<ExpressionPtr> pairs = stack_.popMany((argument >> 8) * 2);
    std::vector<ExpressionPtr> arguments = stack_.popMany(argument & 0xff);
    std::vector<std::string> names;
    for (size_t i = 0; i < pairs.size(); i += 2) {
      const Expression& name = *pairs[i];
      if (name.kind != Expression::Kind::Constant || name.value->kind != Value::Kind::Text ||
          !isName(name.value->text)) {
        fail("a keyword that is not a name");
      }
      names.push_back(name.value->text);
      arguments.push_back(pairs[i + 1]);
    }
    stack_.push(python::call(stack_.pop(), std::move(arguments), std::move(names)));
  }

  void call(Op op, size_t count) {
    std::vector<std::string> names;
    if (op == Op::CallFunctionKw || op == Op::CallKw) names = popKeywords();
    if (op == Op::Call && keywordNames_ != nullptr) names = keywords(*std::exchange(keywordNames_, nullptr));
    std::vector<ExpressionPtr> arguments = stack_.popMany(count);
    const bool markerAbove = bytecode_ >= Bytecode::V313;
    const bool marked = op == Op::CallMethod || op == Op::Call || op == Op::CallKw;
    if (marked && markerAbove) stack_.popMarker();
    ExpressionPtr callee = stack_.pop();
    if (marked && !markerAbove) stack_.popMarker();
    stack_.push(python::call(std::move(callee), std::move(arguments), std::move(names)));
  }

  /// 3.9 on writes [1, 2] as an empty list that is extended by the constant (1, 2).
  void extendList(size_t argument) {
    const ExpressionPtr items = stack_.pop();
    const ExpressionPtr list = stack_.pop();
    if (argument != 1 || list->kind != Expression::Kind::List || items->kind != Expression::Kind::Constant ||
        items->value->kind != Value::Kind::Tuple) {
      fail("a list made of another");
    }
    std::vector<ExpressionPtr> all = list->operands;
    for (const ValuePtr& item : items->value->items) all.push_back(constant(item));
    stack_.push(built(Expression::Kind::List, std::move(all)));
  }

  /// a, b = x is a = x[0], b = x[1]; the first comes to lie on top.
  void unpack(size_t count) {
    const ExpressionPtr whole = stack_.pop();
    const bool listed = whole->kind == Expression::Kind::Tuple || whole->kind == Expression::Kind::List;
    if (listed && whole->operands.size() != count)
      fail("a list taken apart into another number of variables");
    for (size_t i = count; i-- > 0;) {
      stack_.push(listed
                      ? whole->operands[i]
                      : built(Expression::Kind::Subscript, {whole, python::whole(static_cast<int64_t>(i))}));
    }
  }

  void subscript(bool start, bool stop) {
    ExpressionPtr last = stop ? stack_.pop() : none();
    ExpressionPtr first = start ? stack_.pop() : none();
    ExpressionPtr slice = built(Expression::Kind::Slice, {std::move(first), std::move(last)});
    stack_.push(built(Expression::Kind::Subscript, {stack_.pop(), std::move(slice)}));
  }

  /// 3.12 and 3.13 keep other things in the argument's low bits.
  void compare(size_t argument) {
    const size_t which = bytecode_ >= Bytecode::V313   ? argument >> 5
                         : bytecode_ >= Bytecode::V312 ? argument >> 4
                                                       : argument;
    if (which >= std::size(kComparisons)) fail(phrase(Op::Comparison));
    stack_.push(built(Expression::Kind::Binary, stack_.popMany(2), kComparisons[which]));
  }

  /// The in-place forms (x += 1) follow the others; they give a tensor the same value. 3.14 also has x[y]
  /// here.
  void binaryOp(size_t argument) {
    constexpr size_t kCount = std::size(kBinaryOps);
    if (argument == 2 * kCount && bytecode_ >= Bytecode::V314) {
      stack_.push(built(Expression::Kind::Subscript, stack_.popMany(2)));
      return;
    }
    if (argument >= 2 * kCount) fail(phrase(Op::Binary));
    stack_.push(built(Expression::Kind::Binary, stack_.popMany(2), kBinaryOps[argument % kCount]));
  }

  ExpressionPtr result() {
    ExpressionPtr value = stack_.pop();
    if (!stack_.empty()) fail("a return with values left over");
    if (!instructions_.atEnd()) fail("more than one return");
    return value;
  }

  /// True where the function returns what is on the stack.
  bool execute(const Instruction& instruction, size_t argument) {
    switch (instruction.op) {
      case Op::Nop:
      case Op::Resume:
      case Op::Precall:
        return false;
      case Op::CopyFreeVariables:
        // 3.12's number for it is RESUME in 3.13.
        if (argument == 0 || argument != code_.free.size()) fail(phrase(instruction.op));
        return false;
      case Op::PushNull:
        stack_.pushMarker();
        return false;
      case Op::LoadConst:
        loadConstant(constantAt(argument));
        return false;
      case Op::LoadSmallInt:
        stack_.push(whole(static_cast<int64_t>(argument)));
        return false;
      case Op::LoadFast:
        stack_.push(local(argument));
        return false;
      case Op::LoadFastLoadFast:
        stack_.push(local(argument >> 4));
        stack_.push(local(argument & 15));
        return false;
      case Op::StoreFast:
        store(argument);
        return false;
      case Op::StoreFastLoadFast:
        store(argument >> 4);
        stack_.push(local(argument & 15));
        return false;
      case Op::StoreFastStoreFast:
        store(argument >> 4);
        store(argument & 15);
        return false;
      case Op::LoadFree:
        loadFree(argument);
        return false;
      case Op::LoadGlobal:
        loadGlobal(argument);
        return false;
      case Op::LoadAttr:
        loadAttribute(argument);
        return false;
      case Op::LoadMethod:
        pushCallable(named(Expression::Kind::Attribute, nameAt(argument), {stack_.pop()}), true);
        return false;
      case Op::ImportName:
        import(nameAt(argument));
        return false;
      case Op::ImportFrom:
        stack_.push(named(Expression::Kind::Attribute, nameAt(argument), {stack_.peek()}));
        return false;
      case Op::KwNames:
        keywordNames_ = constantAt(argument);
        return false;
      case Op::ToBool:
        truth_ = true;
        return false;
      case Op::CallPairs:
        callPairs(argument);
        return false;
      case Op::CallFunction:
      case Op::CallFunctionKw:
      case Op::CallMethod:
      case Op::Call:
      case Op::CallKw:
        call(instruction.op, argument);
        return false;
      case Op::BuildTuple:
        stack_.push(built(Expression::Kind::Tuple, stack_.popMany(argument)));
        return false;
      case Op::BuildList:
        stack_.push(built(Expression::Kind::List, stack_.popMany(argument)));
        return false;
      case Op::ListExtend:
        extendList(argument);
        return false;
      case Op::Unpack:
        unpack(argument);
        return false;
      case Op::Copy:
      case Op::DupTop:
      case Op::Swap:
      case Op::RotTwo:
      case Op::RotThree:
      case Op::RotFour:
        stack_.rearrange(instruction.op, argument);
        return false;
      case Op::Discard:
        if (!isPlainName(*stack_.peek())) fail(phrase(instruction.op));
        static_cast<void>(stack_.pop());
        return false;
      case Op::BuildSlice:
        if (argument != 2 && argument != 3) fail("a slice of " + std::to_string(argument) + " bounds");
        stack_.push(built(Expression::Kind::Slice, stack_.popMany(argument)));
        return false;
      case Op::Subscript:
        stack_.push(built(Expression::Kind::Subscript, stack_.popMany(2)));
        return false;
      case Op::Slice0:
        subscript(false, false);
        return false;
      case Op::Slice1:
        subscript(true, false);
        return false;
      case Op::Slice2:
        subscript(false, true);
        return false;
      case Op::Slice3:
      case Op::BinarySlice:
        subscript(true, true);
        return false;
      case Op::Unary:
        stack_.push(built(Expression::Kind::Unary, {stack_.pop()}, instruction.sign));
        return false;
      case Op::Binary:
        stack_.push(built(Expression::Kind::Binary, stack_.popMany(2), instruction.sign));
        return false;
      case Op::BinaryOp:
        binaryOp(argument);
        return false;
      case Op::Comparison:
        compare(argument);
        return false;
      case Op::ReturnConst:
        loadConstant(constantAt(argument));
        return true;
      case Op::ReturnValue:
        return true;
      default:
        fail(phrase(instruction.op) + " (" + std::string(instruction.name) + ")");
    }
  }

  const Code& code_;
  Bytecode bytecode_;
  InstructionReader instructions_;
  std::vector<ExpressionPtr> locals_;  ///< nullptr: no value yet
  Stack stack_;
  ValuePtr keywordNames_;  ///< of the call that follows (3.11, 3.12)
  bool resumed_ = false;   ///< RESUME was met (3.11 on)
  bool truth_ = false;     ///< 3.13 takes the truth value of what `not` or a jump is going to use
};

}  // namespace

bool isName(const std::string& text) {
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '_' || static_cast<uint8_t>(c) >= 0x80;
  });
  return letters && !text.empty() && text.size() <= 255;
}

ExpressionPtr interpret(const Code& code, Bytecode bytecode) { return Interpreter(code, bytecode).run(); }

}  // namespace charglow::python
