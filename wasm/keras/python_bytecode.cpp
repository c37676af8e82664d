#include "keras/python_bytecode.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "error.h"
#include "keras/python_interpreter.h"
#include "keras/python_opcodes.h"

namespace charglow::python {

namespace {

std::vector<Bytecode> candidates(Layout layout) {
  switch (layout) {
    case Layout::V27:
      return {Bytecode::V27};
    case Layout::V30To37:
      return {Bytecode::V36};
    case Layout::V38To310:
      return {Bytecode::V38, Bytecode::V39};
    case Layout::V311:
      return {Bytecode::V311, Bytecode::V312, Bytecode::V313};
  }
  return {};
}

/// The names end up in messages and in the model card: nothing but names may hide in them.
void checkNames(const Code& code, const std::string& where) {
  const auto check = [&](const std::string& name) {
    if (!isName(name)) {
      throw Error({"lambda-marshal", where, "names such as Python's",
                   "a name of " + std::to_string(name.size()) + " bytes that is none",
                   "The file is damaged; save the model again."});
    }
  };
  if (code.name != "<lambda>") check(code.name);
  for (const auto* names : {&code.names, &code.locals, &code.free, &code.cells}) {
    std::for_each(names->begin(), names->end(), check);
  }
}

}  // namespace

Function readFunction(const Code& code, const std::string& where) {
  checkNames(code, where);
  // One byte of RETURN_VALUE (83) at the end is the old format; since 3.6 its unused argument follows it.
  if (code.layout == Layout::V30To37 && !code.bytecode.empty() && code.bytecode.back() == 83) {
    throw Error({"lambda-python", where, "bytecode of Python 2.7 or 3.6 to 3.13",
                 "bytecode of Python 3.0 to 3.5", "Save the model again with Python 3.6 or later."});
  }
  Function function;
  function.name = code.name;
  function.arguments.assign(code.locals.begin(), code.locals.begin() + code.argumentCount);
  constexpr uint32_t kVarArguments = 0x04;
  constexpr uint32_t kGenerators = 0x20 | 0x80 | 0x200;  // generator, coroutine, asynchronous generator
  std::optional<Refusal> furthest;
  if ((code.flags & kGenerators) != 0) {
    furthest = Refusal{0, "a generator or coroutine", ""};
  } else if ((code.flags & kVarArguments) != 0 || code.argumentCount == 0) {
    furthest = Refusal{0, "no argument of its own for the layer's input", ""};
  } else if (!code.free.empty()) {
    furthest = Refusal{0, "\"" + code.free.front() + "\", a variable of an enclosing function", ""};
  } else {
    for (const Bytecode bytecode : candidates(code.layout)) {
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
