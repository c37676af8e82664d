#include "parity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "bundle/strict_json.h"
#include "error.h"
#include "keras/config_reader.h"
#include "session.h"
#include "text/utf8.h"

namespace charglow {
namespace {

using nlohmann::json;

constexpr double kOutputTolerance = 1e-5;
constexpr double kAttentionTolerance = 1e-6;

/// The largest difference between what a node computed and what Keras did; NaN counts as infinite.
/// Throws where the two are not of the same shape.
double difference(const Value& value, const json& expected, const std::string& where, bool relative) {
  std::vector<int> shape;
  for (const Dim& dim : value.shape) shape.push_back(dim.size);
  const std::vector<double> numbers = expected.at("values").get<std::vector<double>>();
  if (expected.at("shape").get<std::vector<int>>() != shape || numbers.size() != value.data.size()) {
    throw Error({"parity-shape", where,
                 expected.at("shape").dump() + " with " + std::to_string(numbers.size()) + " values",
                 shapeText(value.shape), ""});
  }
  double largest = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const double off = std::abs(static_cast<double>(value.data[i]) - numbers[i]) /
                       (relative ? std::max(1.0, std::abs(numbers[i])) : 1.0);
    largest = std::isnan(off) ? std::numeric_limits<double>::infinity() : std::max(largest, off);
  }
  return largest;
}

class Verifier {
 public:
  Verifier(const std::shared_ptr<const Model>& model, const LowerCase& lower)
      : session_(model), lower_(lower) {
    session_.carryStates(true);
  }

  ParityCase run(const json& given, size_t index) {
    ParityCase result;
    result.name = given.value("name", "case " + std::to_string(index));
    compared_ = 0;
    try {
      feed(given, result);
      for (const char* kind : {"outputs", "layers", "attention"}) {
        if (given.contains(kind)) compare(given[kind], kind, result);
      }
      if (given.contains("signals")) compareSignals(given["signals"], result);
      if (compared_ == 0) result.problem = "nothing to compare with: no outputs, no attention, no layers";
    } catch (const Error& error) {
      result.problem = error.what();
    } catch (const json::exception& error) {
      result.problem = "not as FORMAT.md section 6 says: " + std::string(error.what());
    }
    return result;
  }

 private:
  void feed(const json& given, ParityCase& result) {
    if (!given.value("continues", false)) session_.resetStates();
    if (given.contains("inputs")) {
      for (const auto& [layer, input] : given["inputs"].items()) feedOne(input, inputNamed(layer));
    } else {
      feedOne(given, 0);
    }
    if (given.contains("text")) {
      // The ids are Keras's; those of the text must be the same, and are what runs.
      const std::vector<int32_t> ids = session_.encoded().ids;
      feedText(decodeUtf8(given["text"].get<std::string>()));
      result.idsAgree = session_.encoded().ids == ids;
    }
    session_.run();
  }

  size_t inputNamed(const std::string& layer) const {
    const std::vector<ModelInput>& inputs = session_.model().inputs();
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (session_.model().graph().nodes[inputs[i].node].layer->name() == layer) return i;
    }
    throw Error({"parity-structure", "inputs", "the model's inputs", "\"" + layer + "\"", ""});
  }

  void feedOne(const json& given, size_t input) {
    if (given.contains("input")) {
      session_.feedInput(given["input"].at("values").get<std::vector<float>>(),
                         given["input"].at("shape").get<std::vector<int>>(), input);
      return;
    }
    std::vector<int32_t> ids;
    const json& rows = given.at("ids");
    if (!rows.empty() && !rows[0].empty() && rows[0][0].is_array()) return feedNested(rows, input);
    for (const json& row : rows) {
      for (const json& id : row) {
        const std::optional<int> whole = wholeNumber(id);
        if (!whole) throw Error({"parity-structure", "ids", "whole numbers", describeJson(id), ""});
        ids.push_back(*whole);
      }
      if (row.size() == rows[0].size()) continue;
      throw Error({"parity-structure", "ids", "rows of equal length", std::to_string(row.size()), ""});
    }
    session_.feedIds(ids, static_cast<int>(rows.size()), input);
  }

  /// Ids of an input with further axes (words within sentences), which is fed as numbers.
  void feedNested(const json& rows, size_t input) {
    std::vector<int> shape;
    for (const json* list = &rows; list->is_array() && !list->empty(); list = &(*list)[0])
      shape.push_back(static_cast<int>(list->size()));
    std::vector<float> values;
    flatten(rows, shape, 0, values);
    session_.feedInput(values, shape, input);
  }

  static void flatten(const json& list, const std::vector<int>& shape, size_t axis,
                      std::vector<float>& values) {
    if (axis == shape.size()) {
      const std::optional<int> whole = wholeNumber(list);
      if (!whole) throw Error({"parity-structure", "ids", "whole numbers", describeJson(list), ""});
      values.push_back(static_cast<float>(*whole));
      return;
    }
    if (!list.is_array() || list.size() != static_cast<size_t>(shape[axis]))
      throw Error({"parity-structure", "ids", "rows of equal length", describeJson(list), ""});
    for (const json& item : list) flatten(item, shape, axis + 1, values);
  }

  void feedText(const std::u32string& text) {
    const TextEncoder* encoder = session_.model().encoder(0);
    LoweredText read;
    if (encoder != nullptr && encoder->spec().lower == TextSpec::Lower::Unicode) {
      read = lower_(text);
    } else {
      read.text = text;
      read.origin.resize(text.size());
      std::iota(read.origin.begin(), read.origin.end(), 0u);
    }
    session_.feedText({text.size(), read.text, read.origin}, 0);
  }

  void compare(const json& expected, std::string_view kind, ParityCase& result) {
    const bool attention = kind == "attention";
    for (const auto& [layer, numbers] : expected.items()) {
      const size_t node = attention ? session_.attentionNodeOf(layer) : session_.nodeOf(layer);
      const double off = difference(session_.value(node), numbers, "layer \"" + layer + "\"", !attention);
      double& largest = attention ? result.attentionDifference : result.outputDifference;
      largest = std::max(largest, off);
      ++compared_;
    }
  }

  void compareSignals(const json& expected, ParityCase& result) {
    for (const auto& [id, numbers] : expected.items()) {
      const std::vector<StateSite>& sites = session_.model().states();
      const auto site = std::find_if(sites.begin(), sites.end(),
                                     [&name = id](const StateSite& one) { return one.id == name; });
      if (site == sites.end())
        throw Error({"parity-structure", "signals", "gates and states of the model", "\"" + id + "\"", ""});
      const double off = difference(session_.recorded(*site), numbers, "signal \"" + id + "\"", true);
      result.outputDifference = std::max(result.outputDifference, off);
      ++compared_;
    }
  }

  Session session_;
  size_t compared_ = 0;  ///< layers compared in the case at hand
  const LowerCase& lower_;
};

std::string madeWith(const json& parity) {
  const json made = parity.value("made_with", json::object());
  return "Keras " + made.value("keras", "?") + ", " + made.value("backend", "?");
}

/// What the JSON library finds wrong is the file's fault.
template <class Work>
void asFormatSays(Work work) {
  try {
    work();
  } catch (const json::exception& error) {
    throw Error({"parity-structure", "parity", "what FORMAT.md section 6 says", error.what(), ""});
  }
}

}  // namespace

bool ParityCase::agrees() const {
  return problem.empty() && idsAgree && outputDifference <= kOutputTolerance &&
         attentionDifference <= kAttentionTolerance;
}

double ParityReport::outputDifference() const {
  double largest = 0;
  for (const ParityCase& one : cases) largest = std::max(largest, one.outputDifference);
  return largest;
}

double ParityReport::attentionDifference() const {
  double largest = 0;
  for (const ParityCase& one : cases) largest = std::max(largest, one.attentionDifference);
  return largest;
}

bool ParityReport::agrees() const {
  return std::all_of(cases.begin(), cases.end(), [](const ParityCase& one) { return one.agrees(); });
}

struct Verification::State {
  State(const std::shared_ptr<const Model>& model, LowerCase given)
      : lower(std::move(given)), verifier(model, lower) {}

  LowerCase lower;
  Verifier verifier;
  json parity;
  ParityReport report;
};

Verification::Verification(const std::shared_ptr<const Model>& model, LowerCase lower)
    : state_(std::make_unique<State>(model, std::move(lower))) {
  if (model->parity().empty()) return;
  json& parity = state_->parity = parseStrictJson(model->parity(), "parity");
  if (!parity.is_object() || !parity.contains("cases") || !parity["cases"].is_array()) {
    throw Error({"parity-structure", "parity", "an object with a list of cases", parity.type_name(), ""});
  }
  asFormatSays([&] { state_->report.madeWith = madeWith(parity); });
}

Verification::~Verification() = default;

bool Verification::next() {
  State& state = *state_;
  std::vector<ParityCase>& done = state.report.cases;
  if (state.parity.is_null() || done.size() == state.parity["cases"].size()) return false;
  asFormatSays([&] { done.push_back(state.verifier.run(state.parity["cases"][done.size()], done.size())); });
  return true;
}

const ParityReport& Verification::report() const { return state_->report; }

size_t countParityCases(std::string_view parity) {
  size_t count = 0;
  size_t depth = 0;
  bool inCases = false;     // within the array of "cases"
  bool begun = false;       // a case of it whose comma is still to come
  std::string_view string;  // the last one, as it is written
  for (size_t at = 0; at < parity.size(); ++at) {
    const char c = parity[at];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == ']' || c == '}') {
      if (depth == 0) return 0;
      if (--depth < 2) inCases = false;
    } else if (c == ',') {
      if (depth == 2) begun = false;
    } else {
      if (inCases && depth == 2 && !std::exchange(begun, true)) ++count;
      if (c == '[' || c == '{') {
        ++depth;
        if (depth == 2 && c == '[' && string == "cases") inCases = true;
      } else if (c == '"') {
        const size_t start = at + 1;
        for (++at; at < parity.size() && parity[at] != '"'; ++at) at += parity[at] == '\\' ? 1 : 0;
        string = parity.substr(std::min(start, parity.size()), at - start);
      }
    }
  }
  return count;
}

ParityReport verify(const std::shared_ptr<const Model>& model, const LowerCase& lower) {
  Verification verification(model, lower);
  while (verification.next()) {
  }
  return verification.report();
}

}  // namespace charglow
