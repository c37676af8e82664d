#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "keras/marshal.h"

namespace charglow {

/// Stops the reading of a function; what makes it something else than can be computed here.
struct NotUnderstood {
  std::string why;  ///< "which …", or "that …"
};

/// What a piece of a function stands for, before any text is read.
struct Term {
  enum class Kind {
    Tensor,    ///< `tensor`: the outcome of an operation, or an input
    Constant,  ///< `value`: a number, a truth value, a text, None or Ellipsis
    Sequence,  ///< `items`: a list or tuple
    Range,     ///< `items`: start, stop and step of a slice
    Name,      ///< `name`: what a module or function is called, "tf.nn.softmax"
    ShapeOf,   ///< `tensor`: its shape
    SizeOf,    ///< `tensor`, `axis`: one length of its shape
    Missing    ///< `name`: an argument that nobody gives a value
  };
  Kind kind = Kind::Constant;
  size_t tensor = 0;
  int axis = 0;
  python::ValuePtr value;
  std::vector<Term> items;
  std::string name;

  [[nodiscard]] bool isTensor() const { return kind == Kind::Tensor; }
  [[nodiscard]] bool isNone() const;
  [[nodiscard]] bool isNumber() const;  ///< truth values count as 1 and 0
  [[nodiscard]] bool isText() const;
  [[nodiscard]] double number() const;             ///< of a number
  [[nodiscard]] std::optional<int> whole() const;  ///< of a whole number that fits
};

Term tensorTerm(size_t tensor);
Term constantTerm(python::ValuePtr value);
Term numberTerm(double number);
Term wholeTerm(int64_t number);
Term textTerm(std::string text);
Term sequenceTerm(std::vector<Term> items);
Term nameTerm(std::string name);

/// What an argument in a configuration stands for: {"tensor": i} is input i of the call; a slice and an
/// Ellipsis are written as Keras 3 ("__slice__") and tf.keras ({"start", "stop", "step"}) write them.
Term termOf(const nlohmann::json& value);

/// For messages.
std::string describe(const Term& term);

}  // namespace charglow
