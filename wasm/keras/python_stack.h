#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "keras/python_expression.h"
#include "keras/python_opcodes.h"

namespace charglow::python {

/// The stack of Python's virtual machine, with expressions in place of values. 3.7 on pushes a marker beside
/// some callables, which is nullptr here. Throws Fault.
class Stack {
 public:
  void push(ExpressionPtr expression);
  void pushMarker() { push(nullptr); }
  /// An expression; the marker is none.
  ExpressionPtr pop();
  void popMarker();
  /// The top `count`, in the order in which they were pushed.
  std::vector<ExpressionPtr> popMany(size_t count);
  /// The expression that lies `depth` below the top.
  [[nodiscard]] const ExpressionPtr& peek(size_t depth = 0) const;
  /// What the instructions do that copy or move entries (Op::Copy … Op::RotFour).
  void rearrange(Op op, size_t argument);
  [[nodiscard]] bool empty() const { return items_.empty(); }
  /// All of it as source, so that a refusal can show how far the reading went. Markers are left out.
  [[nodiscard]] std::string source() const;

 private:
  void swap(size_t depth);
  void rotate(size_t depth);

  std::vector<ExpressionPtr> items_;
};

}  // namespace charglow::python
