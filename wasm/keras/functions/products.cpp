// Products that are summed over an axis.

#include <algorithm>

#include "keras/functions/handlers.h"

namespace charglow::functions {
namespace {

using nlohmann::json;

/// An einsum of one tensor: sums over letters that the output lacks, and puts the others in its order.
Term einsumOfOne(Operations& operations, const std::string& equation, const Term& x) {
  const size_t arrow = equation.find("->");
  std::string from = equation.substr(0, arrow);
  const std::string to = arrow == std::string::npos ? std::string() : equation.substr(arrow + 2);
  const bool letters = from.find('.') == std::string::npos && !to.empty() && to[0] == from[0];
  if (!letters) throw NotUnderstood{"has the equation \"" + equation + "\", which is not known"};
  json summed = json::array();
  for (size_t i = 0; i < from.size(); ++i) {
    if (to.find(from[i]) == std::string::npos) summed.push_back(i);
  }
  Term result = summed.empty() ? x : operations.reduce("sum", x, summed, false);
  std::erase_if(from, [&](char letter) { return to.find(letter) == std::string::npos; });
  if (from == to) return result;
  json order = json::array();
  for (const char letter : to) {
    const size_t place = from.find(letter);
    if (place == std::string::npos)
      throw NotUnderstood{"has the equation \"" + equation + "\", which makes no sense"};
    order.push_back(place);
  }
  return operations.add("Transpose", {{"perm", order}}, {operations.tensor(result)});
}

}  // namespace

Term matmul(Operations& operations, Arguments& arguments, std::string_view) {
  const size_t a = operations.tensor(arguments.get("a"));
  const size_t b = operations.tensor(arguments.get("b"));
  const bool transposeA = arguments.truth("transpose_a", false) != arguments.truth("adjoint_a", false);
  const bool transposeB = arguments.truth("transpose_b", false) != arguments.truth("adjoint_b", false);
  return operations.add(
      "Contract", {{"function", "matmul"}, {"transpose_a", transposeA}, {"transpose_b", transposeB}}, {a, b});
}

Term matvec(Operations& operations, Arguments& arguments, std::string_view) {
  const size_t a = operations.tensor(arguments.get("a"));
  const size_t b = operations.tensor(arguments.get("b"));
  return operations.add(
      "Contract", {{"function", "matvec"}, {"transpose_a", arguments.truth("transpose_a", false)}}, {a, b});
}

/// keras/backend.py (2.15); keras/backend/tensorflow_backend.py of 2.2.4 and before took axes between the
/// batch and the last two for more of the batch. "2.2.4-tf" stands for either.
Term batchDot(Operations& operations, Arguments& arguments, std::string_view) {
  const size_t x = operations.tensor(arguments.get("x"));
  const size_t y = operations.tensor(arguments.get("y"));
  const Dialect& dialect = operations.dialect();
  const bool before =
      dialect.major < 2 || (dialect.major == 2 && dialect.minor < 3 && dialect.version != "2.2.5");
  json config = {{"function", "batch_dot"}, {"leading", before}};
  if (arguments.has("axes")) config["axes"] = arguments.wholes("axes");
  return operations.add("Contract", config, {x, y});
}

Term einsum(Operations& operations, Arguments& arguments, std::string_view) {
  std::string equation = arguments.text("equation", "");
  std::erase(equation, ' ');
  const std::vector<Term>& operands = arguments.rest();
  if (operands.size() == 1) return einsumOfOne(operations, equation, operands[0]);
  if (operands.size() != 2)
    throw NotUnderstood{"multiplies " + std::to_string(operands.size()) + " tensors at once"};
  const size_t first = operations.tensor(operands[0]);
  return operations.add("Contract", {{"function", "einsum"}, {"equation", equation}},
                        {first, operations.tensor(operands[1])});
}

Term acrossTheBatch(Operations& /*operations*/, Arguments& /*arguments*/, std::string_view) {
  throw NotUnderstood{"multiplies each text of the batch with each text of another"};
}

}  // namespace charglow::functions
