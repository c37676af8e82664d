#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "error.h"

namespace charglow {

/// Something that a file leaves open and the engine decided, for people to see and to change.
struct Assumption {
  struct Option {
    std::string value;
    std::string label;  ///< for people; "" where the value says it
  };
  std::string id;               ///< stable within a model: "gru_1.reset_after"
  std::string text;             ///< what the file does not say, in a sentence
  std::string value;            ///< what was decided
  std::vector<Option> options;  ///< all that it can be; empty where there is nothing to choose
  bool chosen = false;          ///< someone chose it: it is no assumption any more
  bool open = false;            ///< it can be something else than the options, too
};

/// The decisions that loading a model takes where its file is silent: all of them are asked for here, so that
/// none goes untold and each can be overridden by its id (the bundle's `choices`, the command line, the
/// page).
class Choices {
 public:
  using Given = std::map<std::string, std::string, std::less<>>;

  Choices() = default;
  explicit Choices(Given given) : given_(std::move(given)) {}

  /// Notes what was decided where there is nothing to choose.
  void note(std::string id, std::string text);

  /// The value to use: the one given for `id`, or else `fallback`. One given that is none of the options is a
  /// problem, unless the choice is `open`. Asked again for the same id, it answers the same and notes
  /// nothing.
  std::string choose(const std::string& id, const std::string& text,
                     const std::vector<Assumption::Option>& options, const std::string& fallback,
                     bool open = false);

  /// What was given for an id whose values are free text, such as "lambda:NAME"; ticked off.
  std::optional<std::string> given(const std::string& id);

  /// What was given for an id that only some of a model's uses leave open; ticked off, and told by whoever
  /// asks. One that is none of the options is a problem, and nothing.
  std::optional<std::string> given(const std::string& id, const std::vector<Assumption::Option>& options);

  [[nodiscard]] const std::vector<Assumption>& assumptions() const { return assumptions_; }

  /// To be called last: values that are no options, and ids that decide nothing in this model.
  [[nodiscard]] std::vector<Problem> problems() const;

 private:
  /// Whether `value` is one of the options; a problem where it is not.
  bool check(const std::string& id, const std::string& value, const std::vector<Assumption::Option>& options);

  Given given_;
  std::set<std::string, std::less<>> used_;
  std::vector<Assumption> assumptions_;
  std::vector<Problem> problems_;
};

}  // namespace charglow
