#include "keras/python_stack.h"

#include <algorithm>
#include <utility>

namespace charglow::python {

void Stack::push(ExpressionPtr expression) {
  if (items_.size() >= kMaxExpressionSize) throw Fault{"a stack too deep to be a layer's"};
  items_.push_back(std::move(expression));
}

ExpressionPtr Stack::pop() {
  static_cast<void>(peek());
  ExpressionPtr top = std::move(items_.back());
  items_.pop_back();
  return top;
}

void Stack::popMarker() {
  if (items_.empty() || items_.back() != nullptr) throw Fault{"a call that is not of a plain function"};
  items_.pop_back();
}

std::vector<ExpressionPtr> Stack::popMany(size_t count) {
  if (count > items_.size()) throw Fault{"more values than are on the stack"};
  std::vector<ExpressionPtr> items(count);
  for (size_t i = count; i-- > 0;) items[i] = pop();
  return items;
}

const ExpressionPtr& Stack::peek(size_t depth) const {
  if (depth >= items_.size() || items_[items_.size() - 1 - depth] == nullptr) {
    throw Fault{"a value that is not on the stack"};
  }
  return items_[items_.size() - 1 - depth];
}

/// Exchanges the top with what lies `depth` below it.
void Stack::swap(size_t depth) {
  static_cast<void>(peek());
  static_cast<void>(peek(depth));
  std::swap(items_.back(), items_[items_.size() - 1 - depth]);
}

/// Moves the top `depth` places down, and what was above that place one up.
void Stack::rotate(size_t depth) {
  static_cast<void>(peek());
  static_cast<void>(peek(depth));
  std::rotate(items_.end() - static_cast<ptrdiff_t>(depth) - 1, items_.end() - 1, items_.end());
}

void Stack::rearrange(Op op, size_t argument) {
  switch (op) {
    case Op::Copy:  // counted from 1, as SWAP is
      return push(peek(argument - 1));
    case Op::DupTop:
      return push(peek());
    case Op::Swap:
      return swap(argument - 1);
    case Op::RotTwo:
      return rotate(1);
    case Op::RotThree:
      return rotate(2);
    default:
      return rotate(3);
  }
}

std::string Stack::source() const {
  std::string text;
  for (const ExpressionPtr& item : items_) {
    if (item != nullptr) text += (text.empty() ? "" : ", ") + toSource(*item);
  }
  return text;
}

}  // namespace charglow::python
