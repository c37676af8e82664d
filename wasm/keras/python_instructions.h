#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "keras/python_opcodes.h"

namespace charglow::python {

/// What a refused instruction is, for people: "a loop", "an import". "an instruction" for those that are
/// read.
std::string phrase(Op op);

/// Takes bytecode apart into instructions, under the assumption of one instruction set.
class InstructionReader {
 public:
  struct Step {
    const Instruction* instruction;
    size_t argument;
  };

  /// Why the next instruction could not be read, and how much was understood until then.
  struct Misfit {
    size_t offset;
    std::string what;
  };

  /// `code` must outlive the reader.
  InstructionReader(const std::string& code, Bytecode bytecode) : code_(code), bytecode_(bytecode) {}

  [[nodiscard]] bool atEnd() const { return at_ == code_.size(); }
  /// How many bytes were read.
  [[nodiscard]] size_t offset() const { return at_; }
  /// The next instruction, its EXTENDED_ARG prefixes and cache units included. Throws Misfit.
  Step next();

 private:
  uint8_t byte();

  const std::string& code_;
  Bytecode bytecode_;
  size_t at_ = 0;
};

}  // namespace charglow::python
