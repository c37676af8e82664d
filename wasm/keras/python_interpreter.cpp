#include "keras/python_interpreter.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "keras/python_instructions.h"

namespace charglow::python {

namespace {

/// Nodes of an expression: x = x + x, again and again, doubles it each time.
constexpr size_t kMaxSize = 2000;
constexpr size_t kMaxDepth = 100;

/// BINARY_OP's argument, in the order of CPython's Include/opcode.h; the in-place forms follow from 13 on.
constexpr Operator kBinaryOps[] = {Operator::Add,        Operator::And,         Operator::FloorDivide,
                                   Operator::LeftShift,  Operator::MatMultiply, Operator::Multiply,
                                   Operator::Modulo,     Operator::Or,          Operator::Power,
                                   Operator::RightShift, Operator::Subtract,    Operator::TrueDivide,
                                   Operator::Xor};

/// Runs the instructions on a stack of expressions, under the assumption of one instruction set.
class Interpreter {
 public:
  Interpreter(const Code& code, Bytecode bytecode)
      : code_(code),
        bytecode_(bytecode),
        instructions_(code.bytecode, bytecode),
        locals_(code.locals.size()) {
    for (size_t i = 0; i < static_cast<size_t>(code.argumentCount); ++i) {
      Expression argument;
      argument.kind = Expression::Kind::Argument;
      argument.name = code.locals[i];
      argument.index = static_cast<int>(i);
      locals_[i] = std::make_shared<const Expression>(std::move(argument));
    }
  }

  ExpressionPtr run() {
    try {
      for (bool first = true; !instructions_.atEnd(); first = false) {
        const InstructionReader::Step step = instructions_.next();
        const Instruction& instruction = *step.instruction;
        if (bytecode_ >= Bytecode::V311 && first && instruction.op != Op::Resume)
          fail(phrase(instruction.op));
        if (keywordNames_ != nullptr && instruction.op != Op::Precall && instruction.op != Op::Call) {
          fail("keyword names without a call");
        }
        const bool negation = instruction.op == Op::Unary && instruction.sign == Operator::Not;
        if (std::exchange(truth_, false) && !negation) fail(phrase(Op::Jump));
        if (execute(instruction, step.argument)) return result();
      }
    } catch (const InstructionReader::Misfit& misfit) {
      throw Refusal{misfit.offset, misfit.what, readSoFar()};
    }
    fail("no return");
  }

 private:
  /// Everything that is on the stack, so that the refusal can show how far the reading went. Null (the marker
  /// that 3.7 on pushes beside a callable) is left out.
  [[nodiscard]] std::string readSoFar() const {
    std::string text;
    for (const ExpressionPtr& item : stack_) {
      if (item != nullptr) text += (text.empty() ? "" : ", ") + toSource(*item);
    }
    return text;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Refusal{instructions_.offset(), what, readSoFar()};
  }

  ExpressionPtr node(Expression expression) const {
    for (const ExpressionPtr& operand : expression.operands) {
      expression.size += operand->size;
      expression.depth = std::max(expression.depth, operand->depth + 1);
    }
    if (expression.value != nullptr) expression.size += expression.value->weight;
    if (expression.size > kMaxSize || expression.depth > kMaxDepth)
      fail("an expression too large to be a layer");
    return std::make_shared<const Expression>(std::move(expression));
  }

  ExpressionPtr named(Expression::Kind kind, const std::string& name,
                      std::vector<ExpressionPtr> operands = {}) const {
    Expression expression;
    expression.kind = kind;
    expression.name = name;
    expression.operands = std::move(operands);
    return node(std::move(expression));
  }

  ExpressionPtr built(Expression::Kind kind, std::vector<ExpressionPtr> operands,
                      Operator sign = Operator::Add) const {
    Expression expression;
    expression.kind = kind;
    expression.operands = std::move(operands);
    expression.sign = sign;
    return node(std::move(expression));
  }

  ExpressionPtr constant(ValuePtr value) const {
    Expression expression;
    expression.value = std::move(value);
    return node(std::move(expression));
  }

  ExpressionPtr none() const { return constant(std::make_shared<const Value>()); }

  void push(ExpressionPtr expression) {
    if (stack_.size() >= kMaxSize) fail("a stack too deep to be a layer's");
    stack_.push_back(std::move(expression));
  }

  /// An expression from the stack; the null marker is none.
  ExpressionPtr pop() {
    if (stack_.empty() || stack_.back() == nullptr) fail("a value that is not on the stack");
    ExpressionPtr top = std::move(stack_.back());
    stack_.pop_back();
    return top;
  }

  void popNull() {
    if (stack_.empty() || stack_.back() != nullptr) fail("a call that is not of a plain function");
    stack_.pop_back();
  }

  std::vector<ExpressionPtr> popMany(size_t count) {
    if (count > stack_.size()) fail("more values than are on the stack");
    std::vector<ExpressionPtr> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  const ExpressionPtr& local(size_t index) const {
    if (index >= locals_.size()) fail("a variable that the function does not have");
    if (locals_[index] == nullptr) fail("a variable before it has a value");
    return locals_[index];
  }

  void store(size_t index) {
    if (index >= locals_.size()) fail("a variable that the function does not have");
    locals_[index] = pop();
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
    push(constant(value));
  }

  /// 3.11 and 3.12 push the null marker below the callable, 3.13 above.
  void pushCallable(ExpressionPtr callable, bool marked) {
    if (marked && bytecode_ < Bytecode::V313) push(nullptr);
    push(std::move(callable));
    if (marked && bytecode_ >= Bytecode::V313) push(nullptr);
  }

  void loadGlobal(size_t argument) {
    const bool flagged = bytecode_ >= Bytecode::V311;
    const std::string& name = nameAt(flagged ? argument >> 1 : argument);
    if (bytecode_ == Bytecode::V27 && (name == "True" || name == "False" || name == "None")) {
      Value value;  // Python 2 looks True and False up by name
      value.kind = name == "None" ? Value::Kind::None : Value::Kind::Bool;
      value.truth = name == "True";
      push(constant(std::make_shared<const Value>(std::move(value))));
    } else {
      pushCallable(named(Expression::Kind::Global, name), flagged && (argument & 1) != 0);
    }
  }

  void loadAttribute(size_t argument) {
    const bool flagged = bytecode_ >= Bytecode::V312;
    const std::string& name = nameAt(flagged ? argument >> 1 : argument);
    pushCallable(named(Expression::Kind::Attribute, name, {pop()}), flagged && (argument & 1) != 0);
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
    const ExpressionPtr names = pop();
    if (names->kind != Expression::Kind::Constant) fail("keyword names that are not constant");
    return keywords(*names->value);
  }

  /// Pushes callee(arguments…); the last of them belong to `names`.
  void pushCall(ExpressionPtr callee, std::vector<ExpressionPtr> arguments, std::vector<std::string> names) {
    if (names.size() > arguments.size()) fail("more keywords than arguments");
    Expression call;
    call.kind = Expression::Kind::Call;
    call.operands.push_back(std::move(callee));
    call.operands.insert(call.operands.end(), arguments.begin(), arguments.end());
    call.keywords = std::move(names);
    push(node(std::move(call)));
  }

  /// Python 2: the argument's low byte counts positional arguments, the high byte pairs of a name and a
  /// value.
  void callPython2(size_t argument) {
    const std::vector<ExpressionPtr> pairs = popMany((argument >> 8) * 2);
    std::vector<ExpressionPtr> arguments = popMany(argument & 0xff);
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
    pushCall(pop(), std::move(arguments), std::move(names));
  }

  void call(Op op, size_t count) {
    std::vector<std::string> names;
    if (op == Op::CallFunctionKw || op == Op::CallKw) names = popKeywords();
    if (op == Op::Call && keywordNames_ != nullptr) names = keywords(*std::exchange(keywordNames_, nullptr));
    std::vector<ExpressionPtr> arguments = popMany(count);
    const bool markerAbove = bytecode_ >= Bytecode::V313;
    const bool marked = op == Op::CallMethod || op == Op::Call || op == Op::CallKw;
    if (marked && markerAbove) popNull();
    ExpressionPtr callee = pop();
    if (marked && !markerAbove) popNull();
    pushCall(std::move(callee), std::move(arguments), std::move(names));
  }

  /// 3.9 on writes [1, 2] as an empty list that is extended by the constant (1, 2).
  void extendList(size_t argument) {
    const ExpressionPtr items = pop();
    const ExpressionPtr list = pop();
    if (argument != 1 || list->kind != Expression::Kind::List || items->kind != Expression::Kind::Constant ||
        items->value->kind != Value::Kind::Tuple) {
      fail("a list made of another");
    }
    std::vector<ExpressionPtr> all = list->operands;
    for (const ValuePtr& item : items->value->items) all.push_back(constant(item));
    push(built(Expression::Kind::List, std::move(all)));
  }

  void subscript(bool start, bool stop) {
    ExpressionPtr last = stop ? pop() : none();
    ExpressionPtr first = start ? pop() : none();
    ExpressionPtr slice = built(Expression::Kind::Slice, {std::move(first), std::move(last)});
    push(built(Expression::Kind::Subscript, {pop(), std::move(slice)}));
  }

  ExpressionPtr result() {
    ExpressionPtr value = pop();
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
      case Op::PushNull:
        push(nullptr);
        return false;
      case Op::LoadConst:
        loadConstant(constantAt(argument));
        return false;
      case Op::LoadFast:
        push(local(argument));
        return false;
      case Op::LoadFastLoadFast:
        push(local(argument >> 4));
        push(local(argument & 15));
        return false;
      case Op::StoreFast:
        store(argument);
        return false;
      case Op::StoreFastLoadFast:
        store(argument >> 4);
        push(local(argument & 15));
        return false;
      case Op::LoadGlobal:
        loadGlobal(argument);
        return false;
      case Op::LoadAttr:
        loadAttribute(argument);
        return false;
      case Op::LoadMethod:
        pushCallable(named(Expression::Kind::Attribute, nameAt(argument), {pop()}), true);
        return false;
      case Op::KwNames:
        keywordNames_ = constantAt(argument);
        return false;
      case Op::ToBool:
        truth_ = true;
        return false;
      case Op::CallPython2:
        callPython2(argument);
        return false;
      case Op::CallFunction:
      case Op::CallFunctionKw:
      case Op::CallMethod:
      case Op::Call:
      case Op::CallKw:
        call(instruction.op, argument);
        return false;
      case Op::BuildTuple:
        push(built(Expression::Kind::Tuple, popMany(argument)));
        return false;
      case Op::BuildList:
        push(built(Expression::Kind::List, popMany(argument)));
        return false;
      case Op::ListExtend:
        extendList(argument);
        return false;
      case Op::BuildSlice:
        if (argument != 2 && argument != 3) fail("a slice of " + std::to_string(argument) + " bounds");
        push(built(Expression::Kind::Slice, popMany(argument)));
        return false;
      case Op::Subscript:
        push(built(Expression::Kind::Subscript, popMany(2)));
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
        push(built(Expression::Kind::Unary, {pop()}, instruction.sign));
        return false;
      case Op::Binary:
        push(built(Expression::Kind::Binary, popMany(2), instruction.sign));
        return false;
      case Op::BinaryOp:
        if (argument >= std::size(kBinaryOps)) fail(phrase(Op::InPlace));
        push(built(Expression::Kind::Binary, popMany(2), kBinaryOps[argument]));
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
  std::vector<ExpressionPtr> locals_;  ///< null: no value yet
  std::vector<ExpressionPtr> stack_;   ///< null: the marker beside a callable
  ValuePtr keywordNames_;              ///< of the call that follows (3.11, 3.12)
  bool truth_ = false;                 ///< 3.13 takes the truth value of what `not` or a jump is going to use
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
