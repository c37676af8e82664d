#include "keras/text_layer.h"

#include <algorithm>
#include <set>

#include "bundle/strict_json.h"
#include "keras/config_reader.h"
#include "text/message.h"
#include "text/utf8.h"

namespace charglow {
namespace {

using nlohmann::json;

/// The ASCII punctuation that "strip_punctuation" leaves out: DEFAULT_STRIP_REGEX of text_vectorization.py.
constexpr char32_t kPunctuation[] = U"!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'";

/// How tokens are numbered: the mask's id, if there is one, then those of unknown tokens, then the
/// vocabulary's.
struct Numbering {
  std::optional<std::string> mask;
  int unknown = 1;
  std::string unknownToken = "[UNK]";

  [[nodiscard]] int firstUnknown() const { return mask ? 1 : 0; }
  [[nodiscard]] int first() const { return firstUnknown() + unknown; }
};

class TextLayerReader {
 public:
  TextLayerReader(const LayerSpec& layer, const std::string* vocabulary, const Dialect& dialect,
                  Choices& choices, std::vector<Problem>& problems)
      : layer_(layer),
        vocabulary_(vocabulary),
        choices_(choices),
        config_(layer.config, layer.name, layer.className, dialect, problems) {}

  TextLayer readVectorization(std::optional<int> strings) {
    standardize();
    requireIds();
    config_.require("ngrams", nullptr, "The engine reads single tokens.");
    config_.require("ragged", false);
    const std::string split = option("split", {"whitespace", "character"}, "none");
    const json& length = config_.raw("output_sequence_length");
    const std::optional<int> steps = wholeNumber(length);
    if (!length.is_null() && (!steps || *steps < 1)) {
      config_.refuse("output_sequence_length", "a whole number from 1, or null", describeJson(length));
    }
    result_.spec.length = steps;
    if (split == "none") {
      if (!steps && strings != 0) result_.spec.length = strings;
      readTokens({.mask = ""});
      unitOfStrings(strings);
    } else {
      if (strings.value_or(1) != 1) {
        config_.refuse("split", "one string to split, an input of shape (batch, 1)",
                       std::to_string(*strings) + " strings");
      }
      splitAt(split);
      readTokens({.mask = ""});
    }
    return finish();
  }

  TextLayer readLookup(std::optional<int> strings) {
    if (strings != 0) result_.spec.length = strings;
    result_.spec.lower = TextSpec::Lower::No;
    requireIds();
    config_.require("invert", false, "A layer that turns ids into text has none to read.");
    Numbering numbering;
    const json& mask = config_.raw("mask_token");
    if (mask.is_string()) numbering.mask = mask.get<std::string>();
    numbering.unknown = config_.integer("num_oov_indices", 1);
    numbering.unknownToken = config_.text("oov_token", numbering.unknownToken);
    if (numbering.unknown < 0 || numbering.unknown > 1) {
      config_.refuse(
          "num_oov_indices", "0 or 1", std::to_string(numbering.unknown),
          "Which of several ids an unknown token gets is a hash of it, which the engine does not compute.");
    }
    for (const char* key : {"vocabulary_dtype", "oov_method", "salt"}) config_.ignore(key);
    readTokens(numbering);
    unitOfStrings(strings);
    return finish();
  }

 private:
  /// An option that is one of `values`, or null (`none`). Something else is a function, which only the user
  /// can say the like of.
  std::string option(const char* key, std::vector<std::string> values, const std::string& none) {
    const json& value = config_.raw(key);
    if (value.is_null()) return none;
    const auto isOne = [&](const std::string& text) {
      return std::find(values.begin(), values.end(), text) != values.end();
    };
    if (value.is_string() && isOne(value.get<std::string>())) return value.get<std::string>();
    const std::string id = layer_.name + "." + key;
    values.push_back(none);
    if (const std::optional<std::string> given = choices_.given(id); given && isOne(*given)) return *given;
    std::string all;
    for (const std::string& one : values) all += (all.empty() ? "" : ", ") + one;
    config_.refuse(key, "one of " + all, functionName(value),
                   "A function's code is not in the file. Say which of them is like it: --assume \"" + id +
                       "=" + values.front() + "\".");
    return none;
  }

  /// A function as Keras writes it: its name, or an object with the name in it.
  static std::string functionName(const json& value) {
    const json& name = value.is_object() && value.contains("config") ? value["config"] : value;
    return name.is_string() ? "the function " + inQuotes(name.get_ref<const std::string&>())
                            : describeJson(value);
  }

  void standardize() {
    const std::string how =
        option("standardize", {"lower_and_strip_punctuation", "lower", "strip_punctuation"}, "none");
    TextSpec& spec = result_.spec;
    spec.lower = how.starts_with("lower") ? TextSpec::Lower::Ascii : TextSpec::Lower::No;
    if (how.ends_with("strip_punctuation")) spec.strip = kPunctuation;
  }

  void requireIds() {
    config_.require("output_mode", "int", "A bag of words has no order in which a text could be coloured.");
    config_.require("encoding", "utf-8");
    for (const char* key :
         {"max_tokens", "pad_to_max_tokens", "vocabulary_size", "idf_weights", "sparse", "dtype"})
      config_.ignore(key);
  }

  void splitAt(const std::string& split) {
    TextSpec& spec = result_.spec;
    spec.unit = split == "character" ? TextSpec::Unit::Char : TextSpec::Unit::Word;
    if (spec.unit == TextSpec::Unit::Word) spec.splitAt = TextSpec::Split::WhiteSpace;
  }

  /// The layer is given strings that something before the model made of a text: how is for us to say. A
  /// single one is the whole text.
  void unitOfStrings(std::optional<int> strings) {
    TextSpec& spec = result_.spec;
    if (strings == 1) {
      spec.unit = TextSpec::Unit::Word;
      spec.splitAt = TextSpec::Split::Nowhere;
      return;
    }
    const bool characters = std::all_of(spec.vocabulary.begin(), spec.vocabulary.end(),
                                        [](const auto& entry) { return entry.first.size() == 1; });
    const std::string unit =
        choices_.choose(layer_.name + ".strings",
                        "Layer \"" + layer_.name + "\" (" + layer_.className +
                            ") is given a list of strings; how a text is cut into them is not in the file.",
                        {{"character", "every character is one"}, {"whitespace", "cut at white space"}},
                        characters ? "character" : "whitespace");
    splitAt(unit);
    spec.assumed.push_back("short texts are filled at the end, long ones cut there");
  }

  /// Numbers the tokens as IndexLookup does. The vocabulary may begin with the mask and the unknown token
  /// themselves (set_vocabulary).
  void readTokens(const Numbering& numbering) {
    TextSpec& spec = result_.spec;
    spec.padding = spec.truncating = TextSpec::End::Post;
    spec.pad = 0;
    if (numbering.unknown > 0) {
      spec.oov = numbering.firstUnknown();
    } else {
      spec.assumed.push_back("unknown tokens, which Keras refuses here, are left out");
    }
    std::vector<std::string> tokens = listedTokens();
    std::vector<std::string> special;
    if (numbering.mask) special.push_back(*numbering.mask);
    special.insert(special.end(), static_cast<size_t>(std::clamp(numbering.unknown, 0, 1)),
                   numbering.unknownToken);
    if (tokens.size() >= special.size() && std::equal(special.begin(), special.end(), tokens.begin()))
      tokens.erase(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(special.size()));
    if (numbering.mask && !numbering.mask->empty())
      spec.vocabulary.emplace_back(decodeUtf8(*numbering.mask), 0);
    int32_t id = numbering.first();
    std::set<std::string> seen;
    for (const std::string& token : tokens) {
      if (!seen.insert(token).second)
        config_.refuse("vocabulary", "every token once", inQuotes(token) + " twice");
      spec.vocabulary.emplace_back(decodeUtf8(token), id++);
    }
    result_.lacksVocabulary = tokens.empty();
  }

  std::vector<std::string> listedTokens() {
    const json& list = config_.raw("vocabulary");
    std::vector<std::string> tokens;
    if (list.is_array()) {
      for (const json& token : list) {
        if (!token.is_string()) {
          config_.refuse("vocabulary", "strings", describeJson(token));
          return {};
        }
        tokens.push_back(token.get<std::string>());
      }
    } else if (vocabulary_ != nullptr) {
      tokens = lines(*vocabulary_);
    }
    return tokens;
  }

  /// The lines of vocabulary.txt. A token is never empty but for a mask in front, so that an empty line and
  /// the end of the one before are the token "\n".
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> tokens;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      if (end == begin && begin > 0 && end < text.size()) {
        tokens.emplace_back("\n");
        begin = end + 2;
        continue;
      }
      if (end > begin || begin == 0) tokens.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return tokens;
  }

  TextLayer finish() {
    config_.finish();
    TextSpec& spec = result_.spec;
    // What no single character can equal: the layer's mask, or words beside characters.
    if (spec.unit == TextSpec::Unit::Char)
      std::erase_if(spec.vocabulary, [](const auto& entry) { return entry.first.size() != 1; });
    return std::move(result_);
  }

  const LayerSpec& layer_;
  const std::string* vocabulary_;
  Choices& choices_;
  ConfigReader config_;
  TextLayer result_;
};

}  // namespace

bool readsText(std::string_view className) {
  return className == "TextVectorization" || className == "StringLookup";
}

TextLayer readTextLayer(const LayerSpec& layer, std::optional<int> strings, const std::string* vocabulary,
                        const Dialect& dialect, Choices& choices, std::vector<Problem>& problems) {
  TextLayerReader reader(layer, vocabulary, dialect, choices, problems);
  return layer.className == "StringLookup" ? reader.readLookup(strings) : reader.readVectorization(strings);
}

}  // namespace charglow
