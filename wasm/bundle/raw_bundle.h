#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.h"

namespace charglow {

/// A tensor as a file declares it. `begin` and `end` are offsets into the data.
struct TensorEntry {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// What both forms of a bundle come down to, before what they have in common is checked.
struct RawBundle {
  std::map<std::string, std::string, std::less<>> metadata;
  std::vector<TensorEntry> entries;    ///< in the order of the file
  std::vector<std::byte> data;         ///< JSON form: the tensors' bytes
  std::span<const std::byte> payload;  ///< the tensors' bytes: a view of `data` or of the file
};

/// Reads the binary form (FORMAT.md section 1). `payload` is a view into `file`, in which the tensors are
/// known to lie back to back. Throws Error.
RawBundle readBinaryForm(std::span<const std::byte> file, const std::string& fileName);

/// Reads the JSON form (FORMAT.md section 2). Throws Error.
RawBundle readJsonForm(std::string_view text, const std::string& fileName);

/// How messages name a tensor: `model.safetensors, tensor gru/kernel:0`.
std::string tensorWhere(const std::string& fileName, std::string_view tensor);

/// How FORMAT.md spells a dtype: "F32".
const char* dtypeName(DType dtype);

/// A shape as Keras prints it: "(3, 250)", "(3,)", "()".
std::string shapeText(std::span<const int64_t> shape);

}  // namespace charglow
