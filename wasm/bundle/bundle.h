#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace charglow {

/// Element types a bundle may hold (FORMAT.md section 1).
enum class DType { F16, F32, F64 };

/// A checked tensor: a view into the bundle's bytes, valid as long as the Bundle lives.
struct TensorView {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;        ///< without batch axis, as in the Keras file; empty for a scalar
  std::span<const std::byte> bytes;  ///< little-endian, C order; may be unaligned

  /// Number of elements (1 for a scalar).
  [[nodiscard]] size_t count() const;
  /// Writes all elements, converted to float, to `out`, which must hold count() floats.
  /// Throws "value-range" where an F64 value is beyond the range of a float.
  void copyTo(std::span<float> out) const;
  /// "(3, 250)", as Keras prints shapes.
  [[nodiscard]] std::string shapeText() const;
};

/// An entry of the `layers` metadata: a layer as a legacy file lists it, with its tensors in the file's own
/// order (`weight_names`), or a group of a Keras 3 tree, with those of the object it belongs to.
struct LayerWeights {
  std::string layer;  ///< its name, or the group's path
  std::vector<const TensorView*> tensors;
  std::string kerasName{};  ///< of a group: what Keras calls it; "" where the file is silent
  std::map<std::string, std::string>
      leftOut{};  ///< arrays that are no weights: name in the source file, kind
};

/// The checked content of a bundle (scripts/FORMAT.md, version 1). Every MUST of its sections 1
/// to 4 holds once open() returned; `model_config`, `text` and `parity` are checked by those who read them.
class Bundle {
 public:
  /// Reads either form, by content. `fileName` is used in messages only.
  /// Throws Error naming the file, tensor or field; allocates no more than a small multiple of the bytes
  /// given.
  static Bundle open(std::vector<std::byte> bytes, std::string fileName);

  Bundle(Bundle&&) noexcept = default;
  Bundle& operator=(Bundle&&) noexcept = default;
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;

  [[nodiscard]] const std::string& fileName() const { return fileName_; }
  /// Size of the file in bytes.
  [[nodiscard]] size_t fileSize() const { return fileSize_; }
  /// Which of Keras's layouts the source file has (FORMAT.md section 8): "keras-hdf5" …
  [[nodiscard]] const std::string& layout() const { return layout_; }
  /// Value of a metadata key, if the bundle has it.
  [[nodiscard]] std::optional<std::string_view> metadata(std::string_view key) const;
  /// All tensors, in file order.
  [[nodiscard]] std::span<const TensorView> tensors() const { return tensors_; }
  /// The `layers` metadata: the file's layers in order, each with its tensors in order.
  [[nodiscard]] std::span<const LayerWeights> layers() const { return layers_; }

 private:
  Bundle() = default;

  std::string fileName_;
  size_t fileSize_ = 0;
  std::string layout_;
  std::vector<std::byte> bytes_;  ///< binary form: the file; JSON form: the tensors' bytes
  std::map<std::string, std::string, std::less<>> metadata_;
  std::vector<TensorView> tensors_;
  std::vector<LayerWeights> layers_;
};

}  // namespace charglow
