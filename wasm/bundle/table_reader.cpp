#include "bundle/table_reader.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "bundle/checked_size.h"
#include "bundle/half.h"
#include "bundle/limits.h"
#include "error.h"
#include "text/message.h"

namespace charglow {
namespace {

constexpr char kFormat[] = "charglow/1";
constexpr char kFamily[] = "charglow/";
constexpr char kNoBundle[] = "It is not a charglow bundle. Bundles are made by scripts/convert.py.";

std::optional<DType> dtypeFromName(std::string_view name) {
  if (name == "F16") return DType::F16;
  if (name == "F32") return DType::F32;
  if (name == "F64") return DType::F64;
  return std::nullopt;
}

template <typename T>
void appendBytes(std::vector<std::byte>& out, T value) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

/// Appends `value` in `dtype`, rounded to nearest; false where it is beyond the dtype's range.
bool appendNumber(std::vector<std::byte>& out, double value, DType dtype) {
  switch (dtype) {
    case DType::F16: {
      const std::optional<uint16_t> bits = nearestHalf(value);
      if (bits) appendBytes(out, *bits);
      return bits.has_value();
    }
    case DType::F32:
      if (!(std::abs(value) <= std::numeric_limits<float>::max())) return false;
      appendBytes(out, static_cast<float>(value));
      return true;
    case DType::F64:
      appendBytes(out, value);
      return true;
  }
  return false;
}

}  // namespace

std::string tensorWhere(const std::string& fileName, std::string_view tensor) {
  return fileName + ", tensor " + shown(tensor);
}

const char* dtypeName(DType dtype) {
  switch (dtype) {
    case DType::F16:
      return "F16";
    case DType::F32:
      return "F32";
    case DType::F64:
      return "F64";
  }
  return "?";
}

void checkFormat(const std::map<std::string, std::string, std::less<>>& metadata, const std::string& where) {
  const auto format = metadata.find("format");
  if (format != metadata.end() && format->second == kFormat) return;
  const std::string expected = std::string("format \"") + kFormat + "\"";
  if (format == metadata.end()) {
    throw Error(Problem{"not-a-bundle", where, expected, "no format", kNoBundle});
  }
  const bool other = format->second.rfind(kFamily, 0) == 0;
  throw Error(
      Problem{other ? "format-version" : "not-a-bundle", where, expected, inQuotes(format->second),
              other ? "Another version of charglow wrote it: update this one, or convert the model again."
                    : kNoBundle});
}

TableReader::TableReader(Form form, std::string fileName, std::string where)
    : form_(form), fileName_(std::move(fileName)), where_(std::move(where)) {}

void TableReader::fail(const char* code, std::string_view where, std::string_view expected,
                       std::string_view actual, std::string_view hint) const {
  throw Error(Problem{code, where, expected, actual, hint});
}

/// Where the reading is, for messages.
std::string TableReader::place() const {
  const std::string tensor = tensorWhere(fileName_, entry_.name);
  switch (at_) {
    case At::WantMetadata:
    case At::Metadata:
      return where_ + ", __metadata__";
    case At::WantMetadataText:
      return where_ + ", __metadata__, " + shown(metadataKey_);
    case At::WantTensors:
    case At::Tensors:
      return where_ + ", tensors";
    case At::WantEntry:
    case At::Entry:
      return tensor;
    case At::WantDtype:
      return tensor + ", dtype";
    case At::WantShape:
    case At::Shape:
      return tensor + ", shape";
    case At::WantOffsets:
    case At::Offsets:
      return tensor + ", data_offsets";
    case At::WantData:
    case At::Data:
      return tensor + ", data";
    default:
      return where_;
  }
}

void TableReader::wrongType(const std::string& actual) const {
  const char* expected = "an object";
  switch (at_) {
    case At::WantMetadataText:
      expected = "a string";
      break;
    case At::WantDtype:
      expected = "a dtype: \"F16\", \"F32\" or \"F64\"";
      break;
    case At::WantShape:
      expected = "an array of whole numbers";
      break;
    case At::WantOffsets:
      expected = "an array of two whole numbers";
      break;
    case At::WantData:
      expected = "an array of numbers";
      break;
    case At::Shape:
      expected = "whole numbers from 0 to 2147483647";
      break;
    case At::Offsets:
      expected = "whole numbers from 0 to 2^53-1";
      break;
    case At::Data:
      expected = "numbers";
      break;
    default:
      break;
  }
  fail("json-type", place(), expected, actual);
}

void TableReader::startObject() {
  switch (at_) {
    case At::Begin:
      at_ = At::Top;
      return;
    case At::WantMetadata:
      at_ = At::Metadata;
      return;
    case At::WantTensors:
      at_ = At::Tensors;
      return;
    case At::WantEntry:
      at_ = At::Entry;
      return;
    default:
      wrongType("an object");
  }
}

void TableReader::startArray() {
  switch (at_) {
    case At::WantShape:
      at_ = At::Shape;
      return;
    case At::WantOffsets:
      at_ = At::Offsets;
      return;
    case At::WantData:
      at_ = At::Data;
      return;
    default:
      wrongType("an array");
  }
}

void TableReader::endArray() { at_ = At::Entry; }

void TableReader::endObject() {
  switch (at_) {
    case At::Entry:
      endEntry();
      at_ = form_ == Form::Binary ? At::Top : At::Tensors;
      return;
    case At::Metadata:
      endMetadata();
      at_ = At::Top;
      return;
    case At::Tensors:
      at_ = At::Top;
      return;
    default:
      at_ = At::End;
      return;
  }
}

void TableReader::key(std::string& name) {
  switch (at_) {
    case At::Top:
      return topKey(name);
    case At::Tensors:
      return beginTensor(name);
    case At::Entry:
      return entryKey(name);
    default:
      break;
  }
  // Inside __metadata__: which keys are known is checked when its version is.
  if (raw_.metadata.find(name) != raw_.metadata.end()) duplicateKey(place(), name, offset);
  if (raw_.metadata.size() >= limits::kMetadataKeys) {
    fail("metadata-size", place(), "at most " + std::to_string(limits::kMetadataKeys) + " keys", "more");
  }
  metadataKey_ = std::move(name);
  at_ = At::WantMetadataText;
}

void TableReader::topKey(std::string& name) {
  if (name == "__metadata__") {
    if (hasMetadata_) duplicateKey(where_, name, offset);
    hasMetadata_ = true;
    at_ = At::WantMetadata;
    return;
  }
  if (form_ == Form::Json) {
    if (name != "tensors") {
      fail("not-a-bundle", where_, "__metadata__ and tensors, and nothing else", inQuotes(name),
           "Bundles are made by scripts/convert.py. A vocabulary is loaded on its own, once a model is "
           "there.");
    }
    if (hasTensors_) duplicateKey(where_, name, offset);
    hasTensors_ = true;
    at_ = At::WantTensors;
    return;
  }
  if (!hasMetadata_) {  // says what the file is not, before details of its tensors
    fail("not-a-bundle", where_, std::string("__metadata__ with format \"") + kFormat + "\" first",
         inQuotes(name), kNoBundle);
  }
  beginTensor(name);
}

void TableReader::beginTensor(std::string& name) {
  if (!names_.insert(name).second) duplicateKey(where_, name, offset);
  if (name == "__metadata__") {
    fail("tensor-name", where_, "names of tensors", inQuotes(name),
         "The name is reserved: the binary form cannot hold it.");
  }
  entry_ = TensorEntry{};
  entry_.name = std::move(name);
  hasDtype_ = hasShape_ = hasData_ = false;
  offsets_.clear();
  numbers_.clear();
  at_ = At::WantEntry;
}

void TableReader::entryKey(const std::string& name) {
  const auto once = [&](bool& has, At next) {
    if (has) duplicateKey(place(), name, offset);
    has = true;
    at_ = next;
  };
  const bool binary = form_ == Form::Binary;
  if (name == "dtype") return once(hasDtype_, At::WantDtype);
  if (name == "shape") return once(hasShape_, At::WantShape);
  if (binary && name == "data_offsets") return once(hasData_, At::WantOffsets);
  if (!binary && name == "data") return once(hasData_, At::WantData);
  fail("tensor-field", place(), std::string("dtype, shape and ") + (binary ? "data_offsets" : "data"),
       inQuotes(name));
}

void TableReader::value(nlohmann::json& scalar) {
  switch (at_) {
    case At::WantMetadataText: {
      if (!scalar.is_string()) wrongType(describeJson(scalar));
      std::string text = std::move(scalar.get_ref<std::string&>());
      metadataBytes_ += metadataKey_.size() + text.size();
      if (metadataBytes_ > limits::kHeaderBytes) {
        fail("metadata-size", where_ + ", __metadata__",
             "at most " + std::to_string(limits::kHeaderBytes) + " bytes", "more");
      }
      raw_.metadata.emplace(metadataKey_, std::move(text));
      at_ = At::Metadata;
      return;
    }
    case At::WantDtype: {
      const std::optional<DType> dtype =
          scalar.is_string() ? dtypeFromName(scalar.get_ref<const std::string&>()) : std::nullopt;
      if (!dtype) fail("tensor-dtype", place(), "\"F16\", \"F32\" or \"F64\"", describeJson(scalar));
      entry_.dtype = *dtype;
      at_ = At::Entry;
      return;
    }
    case At::Shape:
      return readDimension(scalar);
    case At::Offsets:
      return readOffset(scalar);
    case At::Data:
      if (!scalar.is_number()) wrongType(describeJson(scalar));
      numbers_.push_back(scalar.get<double>());
      return;
    default:
      wrongType(describeJson(scalar));
  }
}

void TableReader::readDimension(const nlohmann::json& scalar) {
  if (!isWhole(scalar, limits::kDimension)) wrongType(describeJson(scalar));
  if (entry_.shape.size() == limits::kRank) {
    fail("tensor-rank", place(), "at most " + std::to_string(limits::kRank) + " dimensions", "more");
  }
  entry_.shape.push_back(scalar.get<int64_t>());
}

void TableReader::readOffset(const nlohmann::json& scalar) {
  if (!isWhole(scalar)) wrongType(describeJson(scalar));
  if (offsets_.size() == 2) fail("tensor-offsets", place(), "two numbers: begin and end", "more");
  offsets_.push_back(scalar.get<uint64_t>());
}

void TableReader::endMetadata() { checkFormat(raw_.metadata, where_); }

void TableReader::endEntry() {
  const bool binary = form_ == Form::Binary;
  const char* missing = !hasDtype_ ? "dtype" : !hasShape_ ? "shape" : binary ? "data_offsets" : "data";
  if (!hasDtype_ || !hasShape_ || !hasData_) {
    fail("tensor-field", place(), std::string("dtype, shape and ") + (binary ? "data_offsets" : "data"),
         std::string("no ") + missing);
  }
  if (binary) {
    if (offsets_.size() != 2) {
      fail("tensor-offsets", place() + ", data_offsets", "two numbers: begin and end",
           std::to_string(offsets_.size()));
    }
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
  } else {
    entry_.begin = raw_.data.size();
    appendData(entry_);
    entry_.end = raw_.data.size();
  }
  raw_.entries.push_back(std::move(entry_));
}

void TableReader::appendData(const TensorEntry& entry) {
  const std::optional<uint64_t> count = checkedCount(entry.shape);
  if (!count || *count != numbers_.size()) {
    fail("tensor-size", place(),
         (count ? std::to_string(*count) : "more than 2^64") + " numbers for the shape " +
             shapeText(entry.shape),
         std::to_string(numbers_.size()));
  }
  for (size_t i = 0; i < numbers_.size(); ++i) {
    if (!appendNumber(raw_.data, numbers_[i], entry.dtype)) {
      fail("value-range", place(), std::string("numbers in the range of ") + dtypeName(entry.dtype),
           shownNumber(numbers_[i]) + " at index " + std::to_string(i));
    }
  }
}

RawBundle TableReader::take() {
  if (!hasMetadata_) checkFormat(raw_.metadata, where_);
  if (form_ == Form::Json && !hasTensors_) fail("not-a-bundle", where_, "tensors", "none");
  return std::move(raw_);
}

}  // namespace charglow
