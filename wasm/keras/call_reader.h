#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "error.h"
#include "keras/graph_spec.h"

namespace charglow {

/// Reads what one call of a layer was given, so that nothing goes unseen: which of the call's tensors is
/// which argument, and the other arguments. Whatever a layer does not read and is not "nothing" is a problem,
/// as with ConfigReader. An argument is found by name or, where it was given so, by place.
class CallReader {
 public:
  CallReader(const CallSpec& call, std::string layer, std::string className, std::vector<Problem>& problems)
      : call_(call), layer_(std::move(layer)), className_(std::move(className)), problems_(problems) {}

  /// Ticks off the layer's first argument, one tensor or a list of them, which Keras calls inputs.
  std::vector<size_t> inputs() { return tensors("inputs", 0); }
  /// Indices (into the call's tensors) of the tensors of an argument, in order; empty where it is absent.
  std::vector<size_t> tensors(const char* name, size_t place);
  /// The one tensor of an argument, or nothing where it is absent or None.
  std::optional<size_t> tensor(const char* name, size_t place);
  /// Ticks off every argument that is a tensor or a list of them, by whatever name: of a layer whose
  /// arguments nobody knows.
  void everyTensor();
  bool boolean(const char* name, size_t place, bool absent);
  /// The raw argument, ticked off; null where it is absent.
  const nlohmann::json& raw(const char* name, size_t place);

  /// How many tensors the call has.
  [[nodiscard]] size_t tensorCount() const { return call_.inputs.size(); }
  void refuse(std::string_view argument, std::string_view expected, std::string_view actual);

  /// To be called last: arguments that nobody read are problems, unless they say "nothing".
  void finish();

 private:
  const CallSpec& call_;
  std::string layer_;
  std::string className_;
  std::vector<Problem>& problems_;
  std::set<std::string, std::less<>> names_;  ///< keyword arguments read
  std::set<size_t> places_;                   ///< positional arguments read
};

}  // namespace charglow
