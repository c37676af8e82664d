#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model.h"

namespace charglow {

/// A text lower-cased, with the way back (SourceText of text/encoder.h).
struct LoweredText {
  std::u32string text;
  std::vector<uint32_t> origin;
};

/// Lower-cases a text as Python's str.lower does. The host's work: see SourceText.
using LowerCase = std::function<LoweredText(std::u32string_view)>;

/// How far one parity case is from Keras.
struct ParityCase {
  std::string name;
  double outputDifference = 0;     ///< largest, relative to max(1, |x|); outputs and intermediate layers
  double attentionDifference = 0;  ///< largest, absolute
  bool idsAgree = true;            ///< the case's text gave the case's ids
  std::string problem;             ///< why it could not be run or compared, or ""

  [[nodiscard]] bool agrees() const;
};

/// What `verify` found.
struct ParityReport {
  std::string madeWith;  ///< "Keras 2.15.0, tensorflow 2.15.1"
  std::vector<ParityCase> cases;

  /// The largest of all cases.
  [[nodiscard]] double outputDifference() const;
  [[nodiscard]] double attentionDifference() const;
  [[nodiscard]] bool agrees() const;
};

/// Runs the inputs that travel with a model (FORMAT.md section 6) and compares every number with Keras's own,
/// a case at a time, so that whoever has something else to do in between can. A case that cannot be compared
/// (an unknown layer, a shape that differs) disagrees and says why.
class Verification {
 public:
  /// Throws Error where the `parity` metadata is not what the format says.
  Verification(const std::shared_ptr<const Model>& model, LowerCase lower);
  ~Verification();

  /// Runs the next case. False where there was none left. Throws Error as the constructor.
  bool next();
  /// On the cases that were run; none where the model has none.
  [[nodiscard]] const ParityReport& report() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// How many cases there are in a `parity` text; 0 where it is not what the format says, which Verification
/// tells. Their numbers are not read: that would take longer than all else that opening a model needs.
size_t countParityCases(std::string_view parity);

/// All cases at once: see Verification.
ParityReport verify(const std::shared_ptr<const Model>& model, const LowerCase& lower);

}  // namespace charglow
