#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "error.h"
#include "keras/dialect.h"
#include "kernels/activations.h"

namespace charglow {

/// A JSON number as an int: nothing where it is none, not whole, or does not fit.
std::optional<int> wholeNumber(const nlohmann::json& value);

/// Whether a key of a layer's configuration cannot change what the layer computes at inference, in any
/// generation of Keras.
bool isHarmless(std::string_view key);
/// Whether a layer's policy is mixed precision: float32 weights, half-precision arithmetic.
bool usesMixedPrecision(const nlohmann::json& config);

/// Reads a layer's configuration so that nothing in it goes unseen: what is read is ticked off, what cannot
/// change a number (initialisers, regularisers …) is a named list, and everything else is a problem that says
/// layer, class and option. Problems are gathered, never thrown, so that all of a model's are told at once.
class ConfigReader {
 public:
  /// More units, ids or timesteps than any model has, few enough to multiply a few of them.
  static constexpr int kMaxSize = 1 << 24;

  ConfigReader(const nlohmann::json& config, std::string layer, std::string className, const Dialect& dialect,
               std::vector<Problem>& problems);

  [[nodiscard]] const std::string& layer() const { return layer_; }
  [[nodiscard]] const std::string& className() const { return className_; }
  [[nodiscard]] const Dialect& dialect() const { return dialect_; }
  [[nodiscard]] std::vector<Problem>& problems() { return problems_; }

  /// The raw value of a key, ticked off; null where it is absent.
  const nlohmann::json& raw(const char* key);
  [[nodiscard]] bool has(const char* key) const { return config_.contains(key); }

  int integer(const char* key, std::optional<int> absent = std::nullopt);
  /// The size of an axis: from 1 to kMaxSize.
  int size(const char* key);
  float number(const char* key, float absent);
  bool boolean(const char* key, bool absent);
  std::string text(const char* key, const std::string& absent);
  /// Whole numbers; a single one counts as a list of one. Empty where it is absent or wrong (then a problem
  /// is noted).
  std::vector<int> integers(const char* key);
  /// An activation by name; Keras writes null (linear), a name, or {"class_name": "function", "config":
  /// name}.
  Activation activation(const char* key, std::string_view absent);

  /// The option changes numbers and only this value of it is supported.
  void require(const char* key, const nlohmann::json& value, const std::string& hint = "");
  /// The option cannot change numbers here.
  void ignore(const char* key) { seen_.insert(key); }
  /// Notes a problem with an option.
  void refuse(std::string_view option, std::string_view expected, std::string_view actual,
              std::string_view hint = {});

  /// To be called last: whatever was not read and is not on the list of harmless keys is a problem.
  void finish();

 private:
  const nlohmann::json& config_;
  std::string layer_;
  std::string className_;
  const Dialect& dialect_;
  std::vector<Problem>& problems_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace charglow
