#include "text/text_choices.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace charglow {
namespace {

using Options = std::vector<Assumption::Option>;

/// How the sentences in `assumed` that tell of each choice begin (text/vocabulary.cpp, and the converter's
/// text.py, which writes the same into bundles).
constexpr std::string_view kPadding = "short texts are filled ";
constexpr std::string_view kTruncating = "long texts are cut ";
constexpr std::array<std::string_view, 2> kLower = {"text is lower-cased first", "text is not lower-cased"};

constexpr const char* kPaddingId = "text.padding";
constexpr const char* kTruncatingId = "text.truncating";
constexpr const char* kLowerId = "text.lower";

const Options& paddingOptions() {
  static const Options options = {{"pre", "at the front, as Keras does unless told otherwise"},
                                  {"post", "at the end"}};
  return options;
}

const Options& lowerOptions() {
  static const Options options = {{"true", "lower-cased first"}, {"false", "as it is"}};
  return options;
}

bool tellsOfLower(std::string_view sentence) {
  return std::any_of(kLower.begin(), kLower.end(),
                     [&](std::string_view start) { return sentence.starts_with(start); });
}

bool tells(const TextSpec& spec, std::string_view start) {
  return std::any_of(spec.assumed.begin(), spec.assumed.end(),
                     [&](const std::string& sentence) { return sentence.starts_with(start); });
}

std::optional<TextSpec::End> endOf(const std::optional<std::string>& value) {
  if (!value) return std::nullopt;
  return *value == "pre" ? TextSpec::End::Pre : TextSpec::End::Post;
}

std::string nameOf(TextSpec::End end) { return end == TextSpec::End::Pre ? "pre" : "post"; }

}  // namespace

TextChoices::TextChoices(Choices& choices)
    : padding_(endOf(choices.given(kPaddingId, paddingOptions()))),
      truncating_(endOf(choices.given(kTruncatingId, paddingOptions()))) {
  const std::optional<std::string> lower = choices.given(kLowerId, lowerOptions());
  if (lower) lower_ = *lower == "true" ? TextSpec::Lower::Unicode : TextSpec::Lower::No;
}

void TextChoices::apply(TextSpec& spec) const {
  if (padding_) spec.padding = *padding_;
  if (truncating_) spec.truncating = *truncating_;
  if (lower_) spec.lower = *lower_;
}

std::vector<Assumption> TextChoices::assumptions(const TextSpec& spec) const {
  std::vector<Assumption> all;
  const auto add = [&](const char* id, const char* text, std::string value, const Options& options,
                       bool chosen) {
    all.push_back({id, text, std::move(value), options, chosen});
  };
  if (padding_ || tells(spec, kPadding)) {
    add(kPaddingId, "The vocabulary does not say at which end short texts are filled.", nameOf(spec.padding),
        paddingOptions(), padding_.has_value());
  }
  if (truncating_ || tells(spec, kTruncating)) {
    add(kTruncatingId, "The vocabulary does not say at which end long texts are cut.",
        nameOf(spec.truncating), paddingOptions(), truncating_.has_value());
  }
  const auto lower = std::find_if(spec.assumed.begin(), spec.assumed.end(), tellsOfLower);
  if (lower_ || lower != spec.assumed.end()) {
    add(kLowerId, "The vocabulary does not say whether text is lower-cased; its tokens are the only hint.",
        spec.lower == TextSpec::Lower::No ? "false" : "true", lowerOptions(), lower_.has_value());
  }
  return all;
}

std::vector<std::string> otherwiseAssumed(const TextSpec& spec) {
  std::vector<std::string> others;
  for (const std::string& sentence : spec.assumed) {
    if (!sentence.starts_with(kPadding) && !sentence.starts_with(kTruncating) && !tellsOfLower(sentence))
      others.push_back(sentence);
  }
  return others;
}

}  // namespace charglow
