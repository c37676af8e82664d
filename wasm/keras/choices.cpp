#include "keras/choices.h"

#include <algorithm>
#include <utility>

namespace charglow {

void Choices::note(std::string id, std::string text) {
  assumptions_.push_back({std::move(id), std::move(text), "", {}, false});
}

std::string Choices::choose(const std::string& id, const std::string& text,
                            const std::vector<Assumption::Option>& options, const std::string& fallback,
                            bool open) {
  const auto known = std::find_if(assumptions_.begin(), assumptions_.end(),
                                  [&](const Assumption& assumption) { return assumption.id == id; });
  if (known != assumptions_.end()) return known->value;
  const std::optional<std::string> wanted = given(id);
  Assumption assumption{id, text, wanted.value_or(fallback), options, wanted.has_value(), open};
  const bool listed = std::any_of(options.begin(), options.end(), [&](const Assumption::Option& option) {
    return option.value == assumption.value;
  });
  if (!listed && open) {
    assumption.options.push_back({assumption.value, ""});
  } else if (!check(id, assumption.value, options)) {
    assumption.value = fallback;
  }
  assumptions_.push_back(assumption);
  return assumption.value;
}

std::optional<std::string> Choices::given(const std::string& id) {
  const auto found = given_.find(id);
  if (found == given_.end()) return std::nullopt;
  used_.insert(id);
  return found->second;
}

std::optional<std::string> Choices::given(const std::string& id,
                                          const std::vector<Assumption::Option>& options) {
  std::optional<std::string> value = given(id);
  if (value && !check(id, *value, options)) value.reset();
  return value;
}

bool Choices::check(const std::string& id, const std::string& value,
                    const std::vector<Assumption::Option>& options) {
  std::string all;
  for (const Assumption::Option& option : options) {
    if (option.value == value) return true;
    all += (all.empty() ? "" : ", ") + option.value;
  }
  problems_.push_back(
      {"choice-value", "assumption \"" + id + "\"", "one of " + all, "\"" + value + "\"", ""});
  return false;
}

std::vector<Problem> Choices::problems() const {
  std::vector<Problem> problems = problems_;
  for (const auto& [id, value] : given_) {
    if (used_.contains(id)) continue;
    std::string known;
    for (const Assumption& assumption : assumptions_) {
      if (!assumption.options.empty()) known += (known.empty() ? "" : ", ") + assumption.id;
    }
    problems.push_back(
        {"choice-unknown", "assumption \"" + id + "\"", "something this model leaves open",
         "nothing of that name",
         known.empty() ? "This model leaves nothing to choose." : "It can be one of " + known + "."});
  }
  return problems;
}

}  // namespace charglow
