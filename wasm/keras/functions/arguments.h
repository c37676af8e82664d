#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keras/functions/term.h"

namespace charglow {

/// What a function is called with.
struct CallTerms {
  std::vector<Term> places;
  std::vector<std::pair<std::string, Term>> names;
};

/// The arguments of a call, told apart by place or name. What is not read and says something is refused, as
/// with ConfigReader.
class Arguments {
 public:
  /// `parameters` lists the function's: "x axis|reduction_indices keepdims" in order, other names of one
  /// behind a bar; those behind "*" by name only, and "operands…" takes all that are left by place. Throws
  /// NotUnderstood for arguments that it does not have.
  Arguments(std::string_view parameters, const CallTerms& call);

  /// Whether it was given, and is not None.
  [[nodiscard]] bool has(std::string_view parameter) const;
  /// Throws NotUnderstood where it is missing.
  const Term& get(std::string_view parameter);
  /// The terms that "…" took.
  const std::vector<Term>& rest();

  int whole(std::string_view parameter);
  int whole(std::string_view parameter, int absent);
  /// One whole number or several, as JSON; a single one stays one.
  nlohmann::json wholes(std::string_view parameter);
  double number(std::string_view parameter, double absent);
  bool truth(std::string_view parameter, bool absent);
  std::string text(std::string_view parameter, const std::string& absent);
  /// The items of a list.
  const std::vector<Term>& list(std::string_view parameter);

  /// To be called last.
  void finish() const;

 private:
  struct Given {
    std::string parameter;
    Term term;
    bool read = false;
  };
  Given* find(std::string_view parameter);

  std::vector<Given> given_;
  std::vector<Term> rest_;
};

}  // namespace charglow
