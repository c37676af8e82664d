#include "keras/python_bytecode.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "error.h"
#include "keras/python_interpreter.h"
#include "keras/python_opcodes.h"

namespace charglow::python {

namespace {

std::vector<Bytecode> candidates(const Code& code) {
  // RETURN_VALUE (83) ends the code. From 3.6 on its unused argument follows it.
  const bool old = !code.bytecode.empty() && code.bytecode.back() == 83;
  switch (code.layout) {
    case Layout::V27:
      return {Bytecode::V27};
    case Layout::V30To37:
      return {old ? Bytecode::V30 : Bytecode::V36};
    case Layout::V38To310:
      return {Bytecode::V38, Bytecode::V39};
    case Layout::V311:
      return {Bytecode::V311, Bytecode::V312, Bytecode::V313, Bytecode::V314};
  }
  return {};
}

/// What an import names: "tensorflow.keras", or nothing in `from . import x`.
bool isModuleName(const std::string& name) {
  for (size_t start = 0; start < name.size();) {
    const size_t dot = std::min(name.find('.', start), name.size());
    if (!isName(name.substr(start, dot - start)) || dot + 1 == name.size()) return false;
    start = dot + 1;
  }
  return true;
}

/// What Python 2 calls an argument that is a tuple of names: ".0".
bool isTupleArgument(const std::string& name) { return name.starts_with('.') && isName(name.substr(1)); }

/// The names end up in messages and in the model card: nothing but names may hide in them.
void checkNames(const Code& code, const std::string& where) {
  const auto check = [&](const std::string& name, bool alsoGood) {
    if (alsoGood || isName(name)) return;
    throw Error({"lambda-marshal", where, "names such as Python's",
                 "a name of " + std::to_string(name.size()) + " bytes that is none",
                 "The file is damaged; save the model again."});
  };
  check(code.name, code.name == "<lambda>");
  for (const std::string& name : code.names) check(name, isModuleName(name));
  for (const std::string& name : code.locals)
    check(name, code.layout == Layout::V27 && isTupleArgument(name));
  for (const std::string& name : code.free) check(name, false);
  for (const std::string& name : code.cells) check(name, false);
}

}  // namespace

Function readFunction(const Code& code, const std::string& where) {
  checkNames(code, where);
  Function function;
  function.name = code.name;
  function.arguments.assign(code.locals.begin(), code.locals.begin() + code.argumentCount);
  function.free = code.free;
  constexpr uint32_t kVarArguments = 0x04;
  constexpr uint32_t kGenerators = 0x20 | 0x80 | 0x200;  // generator, coroutine, asynchronous generator
  std::optional<Refusal> furthest;
  if ((code.flags & kGenerators) != 0) {
    furthest = Refusal{0, "a generator or coroutine", ""};
  } else if ((code.flags & kVarArguments) != 0 || code.argumentCount == 0) {
    furthest = Refusal{0, "no argument of its own for the layer's input", ""};
  } else {
    for (const Bytecode bytecode : candidates(code)) {
      try {
        function.result = interpret(code, bytecode);
        return function;
      } catch (Refusal& refusal) {
        if (!furthest || refusal.offset > furthest->offset) furthest = std::move(refusal);
      }
    }
  }
  std::string actual = furthest->what + " in \"" + shortened(signature(function)) + "…\"";
  if (!furthest->readSoFar.empty()) actual += " after \"" + shortened(furthest->readSoFar) + "\"";
  throw Error({"lambda-bytecode", where, "a function that is one expression of its argument", actual,
               "Write the layer with Keras's own layers, and save the model again."});
}

}  // namespace charglow::python
