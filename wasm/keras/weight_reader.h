#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.h"
#include "error.h"

namespace charglow {

/// Hands a layer its tensors in the file's order and checks each against what the layer expects. Gathers
/// problems.
class WeightReader {
 public:
  /// What a layer has to assume is appended to `assumptions`, for people.
  WeightReader(std::string layer, std::span<const TensorView* const> tensors, std::vector<Problem>& problems,
               std::vector<std::string>& assumptions)
      : layer_(std::move(layer)), tensors_(tensors), problems_(problems), assumptions_(assumptions) {}

  /// The next tensor, which must have this shape. `name` is what Keras calls it: where the file's own name is
  /// another of the layer's, the order is wrong and that is a problem too. Returns nothing where there was a
  /// problem.
  std::vector<float> take(std::string_view name, std::initializer_list<int> shape,
                          const std::string& hint = "");

  /// Shape of the next tensor; empty where there is none left. For layouts that differ by generation.
  [[nodiscard]] std::vector<int64_t> nextShape() const;

  /// To be called last: tensors that the layer did not take are a problem.
  void finish();

  /// Tells the user that the layer's weights were read in another way than its class says.
  void assume(const std::string& what) { assumptions_.push_back("Layer \"" + layer_ + "\": " + what); }

  /// Elements taken.
  [[nodiscard]] int parameters() const { return parameters_; }

 private:
  std::string layer_;
  std::span<const TensorView* const> tensors_;
  std::vector<Problem>& problems_;
  std::vector<std::string>& assumptions_;
  size_t next_ = 0;
  int parameters_ = 0;
};

}  // namespace charglow
