#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace charglow {

/// Which of the two forms a file has, by its content, or what else it looks like.
struct FileKind {
  enum class Form { Binary, Json, Foreign };
  Form form = Form::Foreign;
  std::string looksLike;  ///< Foreign: "an HDF5 file", for messages
  std::string hint;       ///< Foreign: what to do about it
};

FileKind fileKind(std::span<const std::byte> file);

}  // namespace charglow
