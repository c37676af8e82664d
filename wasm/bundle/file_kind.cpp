#include "bundle/file_kind.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace charglow {
namespace {

using std::string_view_literals::operator""sv;

constexpr char kConvert[] = "Convert it: python scripts/convert.py FILE.";
constexpr char kUnpack[] = "Unpack it first.";
constexpr char kDownload[] = "Download the file itself again.";
constexpr char kSaveH5[] = "In Keras: model.save(\"model.h5\"). Then: python scripts/convert.py model.h5.";

struct Magic {
  size_t offset;
  std::string_view bytes;
  const char* looksLike;
  const char* hint;
};

// Signatures of at least four bytes. None of them can be the length of a header that is not too long.
constexpr std::array kMagic{
    Magic{0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file", kConvert},
    Magic{0, "PK\x03\x04"sv, "a ZIP archive, such as a .keras or PyTorch file", kSaveH5},
    Magic{0, "PK\x05\x06"sv, "an empty ZIP archive", kDownload},
    Magic{0, "\x89PNG\r\n\x1a\n"sv, "a PNG image", ""},
    Magic{0, "\xff\xd8\xff\xe0"sv, "a JPEG image", ""},
    Magic{0, "\xff\xd8\xff\xe1"sv, "a JPEG image", ""},
    Magic{0, "GIF8"sv, "a GIF image", ""},
    Magic{0, "%PDF-"sv, "a PDF document", ""},
    Magic{0, "version https://git-lfs"sv, "a Git LFS pointer, not the file itself",
          "Run `git lfs pull`, or download the file itself."},
    Magic{0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive", kUnpack},
    Magic{0, "\x93NUMPY"sv, "a NumPy array (.npy)", kSaveH5},
    Magic{4, "TFL3"sv, "a TensorFlow Lite model", kSaveH5},
    Magic{0, "GGUF"sv, "a GGUF model", "Only Keras models can be read."},
    Magic{0, "\0asm"sv, "a WebAssembly module", ""},
};

bool startsWith(std::string_view text, std::string_view prefix, size_t offset = 0) {
  return text.size() >= offset && text.substr(offset).substr(0, prefix.size()) == prefix;
}

std::string firstBytes(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "a file that starts with the bytes";
  for (const char c : text.substr(0, 8)) {
    const auto byte = static_cast<unsigned char>(c);
    out += ' ';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

}  // namespace

FileKind fileKind(std::span<const std::byte> file) {
  constexpr size_t kLooked = 4096;
  const std::string_view head(reinterpret_cast<const char*>(file.data()), std::min(file.size(), kLooked));

  const auto foreign = [](std::string looksLike, std::string hint) {
    return FileKind{FileKind::Form::Foreign, std::move(looksLike), std::move(hint)};
  };
  for (const Magic& magic : kMagic) {
    if (startsWith(head, magic.bytes, magic.offset)) return foreign(magic.looksLike, magic.hint);
  }
  // HDF5 allows a user block of 512, 1024, 2048 … bytes before its signature.
  for (size_t offset = 512; offset < head.size(); offset *= 2) {
    if (startsWith(head, kMagic[0].bytes, offset)) return foreign(kMagic[0].looksLike, kMagic[0].hint);
  }

  // The length of a header within its limit has zeros in its upper bytes, so a binary bundle never looks like
  // JSON.
  const size_t text = std::min(head.find_first_not_of(" \t\r\n"), head.size());
  if (startsWith(head, "{", text)) return {FileKind::Form::Json, "", ""};
  if (startsWith(head, "{", 8)) return {FileKind::Form::Binary, "", ""};

  if (startsWith(head, "\xEF\xBB\xBF{")) {
    return foreign("JSON with a byte order mark", "Save it as UTF-8 without byte order mark.");
  }
  if (startsWith(head, "<", text)) return foreign("a web page (HTML) or XML", kDownload);
  if (startsWith(head, "[", text)) return foreign("a JSON array", kConvert);
  if (startsWith(head, "\x1f\x8b")) return foreign("a gzip archive", kUnpack);
  if (startsWith(head, "ustar", 257)) return foreign("a tar archive", kUnpack);
  if (startsWith(head, "\x80") && head.size() > 1 && head[1] >= 2 && head[1] <= 5) {
    return foreign("a Python pickle", std::string("Pickles are never opened: they can run code. ") + kSaveH5);
  }
  return foreign(firstBytes(head), kConvert);
}

}  // namespace charglow
