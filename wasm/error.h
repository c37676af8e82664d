#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace charglow {

/// One thing that is wrong with a file, a model or an input, in the words its owner needs to mend it.
struct Problem {
  // From views: there are hundreds of places that refuse something, and each would make six strings, and have
  // code to take them apart again.
  Problem(std::string_view code, std::string_view where, std::string_view expected, std::string_view actual,
          std::string_view hint, std::string_view choice = {});

  std::string code;      ///< stable identifier of the cause, such as "shape-mismatch"; tests go by it
  std::string where;     ///< file, layer, tensor or field
  std::string expected;  ///< what would have been right
  std::string actual;    ///< what is there
  std::string hint;      ///< what to do about it; may be empty
  std::string choice;    ///< id of the choice (keras/choices.h) that would settle it; may be empty

  /// "WHERE: expected EXPECTED, found ACTUAL. HINT", the same wording that convert.py uses.
  [[nodiscard]] std::string text() const;
};

/// The one type the engine throws. Holds everything that is wrong, not only what was met first; of very many
/// problems (a file may be made to have millions) the first kMostProblems, and how many more there are.
class Error : public std::exception {
 public:
  static constexpr size_t kMostProblems = 50;

  explicit Error(Problem problem);
  explicit Error(std::vector<Problem> problems);  ///< must not be empty

  [[nodiscard]] const std::vector<Problem>& problems() const noexcept { return problems_; }
  /// All problems as text, a line each.
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::vector<Problem> problems_;
  std::string message_;
};

}  // namespace charglow
