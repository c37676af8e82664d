#pragma once

#include <optional>
#include <vector>

#include "keras/choices.h"
#include "text/text_spec.h"

namespace charglow {

/// What a vocabulary given apart from its model leaves open of how text is read, and that changes every
/// prediction: the end that short texts are filled at, the end that long ones are cut at, and whether text is
/// lower-cased. Keras's defaults are assumed; "text.padding", "text.truncating" (pre, post) and "text.lower"
/// (true, false) decide otherwise.
class TextChoices {
 public:
  TextChoices() = default;
  /// Takes what was decided; values that are no options are problems of `choices`.
  explicit TextChoices(Choices& choices);

  /// Decides in a spec what was decided; what is told of it in `assumed` is an assumption with an id from
  /// then on, see assumptions().
  void apply(TextSpec& spec) const;

  /// What a spec, after apply(), leaves open or was decided: none of what it states itself.
  [[nodiscard]] std::vector<Assumption> assumptions(const TextSpec& spec) const;

 private:
  std::optional<TextSpec::End> padding_;
  std::optional<TextSpec::End> truncating_;
  std::optional<TextSpec::Lower> lower_;
};

/// What is assumed of a spec and cannot be chosen: `assumed` without what assumptions() tells.
std::vector<std::string> otherwiseAssumed(const TextSpec& spec);

}  // namespace charglow
