#include <bit>
#include <optional>
#include <utility>

#include "bundle/checked_size.h"
#include "bundle/limits.h"
#include "bundle/raw_bundle.h"
#include "bundle/table_reader.h"
#include "error.h"
#include "text/message.h"

namespace charglow {
namespace {

constexpr char kCutOff[] = "The file may be cut off: download or convert it again.";

[[noreturn]] void fail(const char* code, std::string_view where, std::string_view expected,
                       std::string_view actual, std::string_view hint = {}) {
  throw Error(Problem{code, where, expected, actual, hint});
}

uint64_t headerLength(std::span<const std::byte> file) {
  uint64_t length = 0;
  for (size_t i = limits::kLengthBytes; i-- > 0;) length = (length << 8) | std::to_integer<uint64_t>(file[i]);
  return length;
}

std::string range(uint64_t begin, uint64_t end) {
  return std::to_string(begin) + " to " + std::to_string(end);
}

/// Tensors lie back to back, in the order of the header, each as long as its dtype and shape say. Returns
/// where the last one ends.
uint64_t checkOffsets(const std::vector<TensorEntry>& entries, const std::string& fileName) {
  uint64_t previousEnd = 0;
  std::string_view previous;
  for (const TensorEntry& entry : entries) {
    const std::string where = tensorWhere(fileName, entry.name);
    const std::string what = dtypeName(entry.dtype) + std::string(" ") + shapeText(entry.shape);
    if (entry.end < entry.begin) {
      fail("tensor-offsets", where, "an end at or after the beginning",
           "bytes " + range(entry.begin, entry.end));
    }
    const std::optional<uint64_t> size = checkedBytes(entry.shape, entry.dtype);
    if (!size) fail("tensor-size", where, "a size below 2^64 bytes", what);
    if (*size != entry.end - entry.begin) {
      fail("tensor-size", where, std::to_string(*size) + " bytes for " + what,
           std::to_string(entry.end - entry.begin) + " (bytes " + range(entry.begin, entry.end) + ")");
    }
    if (entry.begin != previousEnd) {
      const std::string expected =
          "it to begin at byte " + std::to_string(previousEnd) +
          (previous.empty() ? ", where the data begin" : ", where " + shown(previous) + " ends");
      fail(entry.begin < previousEnd ? "tensor-overlap" : "tensor-hole", where, expected,
           "bytes " + range(entry.begin, entry.end));
    }
    previousEnd = entry.end;
    previous = entry.name;
  }
  return previousEnd;
}

}  // namespace

RawBundle readBinaryForm(std::span<const std::byte> file, const std::string& fileName) {
  const std::string where = fileName + ", header";
  const uint64_t length = headerLength(file);
  if (length > limits::kHeaderBytes) {
    fail("header-too-large", where, "at most " + std::to_string(limits::kHeaderBytes) + " bytes",
         std::to_string(length) + " declared");
  }
  if (length > file.size() - limits::kLengthBytes) {
    fail("header-length", where, std::to_string(length) + " bytes, as the file's first 8 bytes declare",
         std::to_string(file.size() - limits::kLengthBytes), kCutOff);
  }
  const auto header = file.subspan(limits::kLengthBytes, static_cast<size_t>(length));
  if (header.empty()) fail("header-length", where, "at least 2 bytes", "0 declared", kCutOff);

  TableReader table(TableReader::Form::Binary, fileName, where);
  readStrictJson({reinterpret_cast<const char*>(header.data()), header.size()}, where, limits::kHeaderDepth,
                 table);
  RawBundle raw = table.take();

  raw.payload = file.subspan(limits::kLengthBytes + header.size());
  const uint64_t dataEnd = checkOffsets(raw.entries, fileName);
  const std::optional<uint64_t> fileEnd = checkedAdd(limits::kLengthBytes + length, dataEnd);
  if (!fileEnd || *fileEnd != file.size()) {
    const bool cutOff = !fileEnd || *fileEnd > file.size();
    fail(cutOff ? "file-too-short" : "trailing-bytes", fileName,
         (fileEnd ? std::to_string(*fileEnd) : "more than 2^64") + " bytes: header and tensors",
         std::to_string(file.size()),
         cutOff ? kCutOff : "Something was appended to the file: convert the model again.");
  }
  return raw;
}

RawBundle readJsonForm(std::string_view text, const std::string& fileName) {
  TableReader table(TableReader::Form::Json, fileName, fileName);
  readStrictJson(text, fileName, limits::kHeaderDepth, table);
  RawBundle raw = table.take();
  raw.payload = raw.data;
  return raw;
}

}  // namespace charglow
