#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "keras/dialect.h"
#include "keras/functions/term.h"

namespace charglow {

/// One operation of a function: a class of layers/operations/registry.h with its options. `inputs` are
/// tensors: first those that the function is given, then the outcome of each operation.
struct Operation {
  std::string className;
  nlohmann::json config;
  std::vector<size_t> inputs;
};

/// What a function computes, piece by piece. An operation that is written twice on the same tensors is there
/// once.
class Operations {
 public:
  Operations(size_t inputs, const Dialect& dialect) : inputs_(inputs), dialect_(dialect) {}

  [[nodiscard]] const Dialect& dialect() const { return dialect_; }
  [[nodiscard]] size_t inputCount() const { return inputs_; }
  [[nodiscard]] const std::vector<Operation>& all() const { return operations_; }
  /// The operation that a tensor comes from; nullptr for an input.
  [[nodiscard]] const Operation* of(size_t tensor) const;

  Term add(const std::string& className, nlohmann::json config, std::vector<size_t> inputs);

  /// `function` of its operands (layers/operations/elementwise.cpp). Of numbers alone it is a number, worked
  /// out here.
  Term elementwise(const std::string& function, const std::vector<Term>& operands);
  Term reduce(const std::string& kind, const Term& x, const nlohmann::json& axis, bool keepDims);
  Term concatenate(const std::vector<Term>& tensors, int axis);
  Term expandDims(const Term& x, int axis);
  Term slice(const Term& x, nlohmann::json items);
  Term softmax(const Term& x, int axis);
  Term activation(const std::string& name, const Term& x);

  /// A tensor as it is, and the length of an axis as a number in a tensor. Anything else is refused.
  size_t tensor(const Term& term);

 private:
  size_t inputs_;
  const Dialect& dialect_;
  std::vector<Operation> operations_;
  std::map<std::string, size_t> known_;
};

}  // namespace charglow
