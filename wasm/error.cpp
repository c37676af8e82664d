#include "error.h"

#include <utility>

namespace charglow {

Problem::Problem(std::string_view theCode, std::string_view at, std::string_view right,
                 std::string_view found, std::string_view advice, std::string_view settledBy)
    : code(theCode), where(at), expected(right), actual(found), hint(advice), choice(settledBy) {}

std::string Problem::text() const {
  std::string line = where + ": expected " + expected + ", found " + actual + ".";
  if (!hint.empty()) line += " " + hint;
  return line;
}

Error::Error(Problem problem) : Error(std::vector<Problem>{std::move(problem)}) {}

Error::Error(std::vector<Problem> problems) : problems_(std::move(problems)) {
  if (problems_.size() > kMostProblems) {
    const size_t more = problems_.size() - kMostProblems;
    problems_.erase(problems_.begin() + kMostProblems, problems_.end());
    problems_.push_back(
        {"more-problems", problems_.front().where, "no problems", std::to_string(more) + " more", ""});
  }
  for (const Problem& problem : problems_) {
    if (!message_.empty()) message_ += '\n';
    message_ += problem.text();
  }
}

}  // namespace charglow
