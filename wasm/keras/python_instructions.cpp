#include "keras/python_instructions.h"

#include <algorithm>
#include <iterator>

namespace charglow::python {

namespace {

const Instruction* find(Bytecode bytecode, int number) {
  const auto* end = std::end(kInstructions);
  const auto* found = std::find_if(std::begin(kInstructions), end, [&](const Instruction& instruction) {
    return instruction.number[static_cast<size_t>(bytecode)] == number;
  });
  return found == end ? nullptr : found;
}

}  // namespace

std::string phrase(Op op) {
  switch (op) {
    case Op::Jump:
      return "a condition (if, and, or)";
    case Op::Loop:
      return "a loop";
    case Op::InnerFunction:
      return "an inner function";
    case Op::Comparison:
    case Op::Membership:
      return "a comparison with is or in";
    case Op::StarCall:
      return "a call with *arguments or **options";
    case Op::ImportName:
      return "a relative import";
    case Op::Discard:
      return "a statement whose value is not used";
    default:
      return "an instruction";
  }
}

uint8_t InstructionReader::byte() {
  if (atEnd()) throw Misfit{at_, "the end of the bytecode in the middle of an instruction"};
  return static_cast<uint8_t>(code_[at_++]);
}

/// Up to 3.5: a byte, and from number 90 on an argument of two. 3.6 on: a byte each, and from 3.11 on empty
/// cache units.
InstructionReader::Step InstructionReader::next() {
  const size_t start = at_;
  size_t extension = 0;
  while (true) {
    const int number = byte();
    size_t argument = 0;
    if (bytecode_ > Bytecode::V30) {
      argument = byte();
    } else if (number >= 90) {
      argument = byte();
      argument |= static_cast<size_t>(byte()) << 8;
    }
    argument |= extension;
    const Instruction* instruction = find(bytecode_, number);
    if (instruction == nullptr) throw Misfit{start, "instruction " + std::to_string(number)};
    if (instruction->op == Op::ExtendedArg) {
      if (argument > 0xffff) throw Misfit{at_, "an argument beyond 24 bits"};
      extension = argument << (bytecode_ <= Bytecode::V30 ? 16 : 8);
      continue;
    }
    for (int i = 0; i < instruction->caches[static_cast<size_t>(bytecode_)]; ++i) {
      // Another instruction set's instruction: not even its number was understood.
      if (byte() != 0 || byte() != 0) throw Misfit{start, "an instruction without its cache"};
    }
    return {instruction, argument};
  }
}

}  // namespace charglow::python
