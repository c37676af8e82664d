#include "error.h"

#include <utility>

namespace charglow {

std::string Problem::text() const {
  std::string line = where + ": expected " + expected + ", found " + actual + ".";
  if (!hint.empty()) line += " " + hint;
  return line;
}

Error::Error(Problem problem) : Error(std::vector<Problem>{std::move(problem)}) {}

Error::Error(std::vector<Problem> problems) : problems_(std::move(problems)) {
  for (const Problem& problem : problems_) {
    if (!message_.empty()) message_ += '\n';
    message_ += problem.text();
  }
}

}  // namespace charglow
