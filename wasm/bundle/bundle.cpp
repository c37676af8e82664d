#include "bundle/bundle.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>

#include "bundle/bytes.h"
#include "bundle/checked_size.h"
#include "bundle/digest.h"
#include "bundle/file_kind.h"
#include "bundle/half.h"
#include "bundle/limits.h"
#include "bundle/metadata.h"
#include "bundle/raw_bundle.h"
#include "error.h"
#include "text/message.h"

namespace charglow {

static_assert(std::endian::native == std::endian::little, "tensors are little-endian and read as they are");

namespace {

/// Element `index` of `bytes`, which may be unaligned.
template <typename T>
T element(std::span<const std::byte> bytes, size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

double elementAsDouble(const TensorView& tensor, size_t index) {
  switch (tensor.dtype) {
    case DType::F16:
      return halfToFloat(element<uint16_t>(tensor.bytes, index));
    case DType::F32:
      return element<float>(tensor.bytes, index);
    case DType::F64:
      return element<double>(tensor.bytes, index);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

void checkFinite(const TensorView& tensor, const std::string& fileName) {
  const std::optional<size_t> found = firstNotFinite(tensor.bytes, tensor.dtype);
  if (!found) return;
  const double value = elementAsDouble(tensor, *found);
  const char* actual = std::isnan(value) ? "NaN" : value > 0 ? "infinity" : "-infinity";
  throw Error(Problem{
      "value-not-finite", tensorWhere(fileName, tensor.name), "finite numbers",
      std::string(actual) + " at index " + std::to_string(*found) + " of " + std::to_string(tensor.count()),
      "The training may have diverged: take an earlier checkpoint."});
}

void checkDigest(const RawBundle& raw, const std::string& fileName) {
  const std::string& declared = raw.metadata.find("digest")->second;
  const std::string computed = contentDigest(raw);
  if (computed == declared) return;
  throw Error(Problem{"digest-mismatch", fileName, "the content that its digest " + declared + " belongs to",
                      computed, "The file is damaged, or was edited: download or convert it again."});
}

RawBundle read(std::span<const std::byte> file, const std::string& fileName) {
  constexpr char kBundle[] = "a charglow bundle (.safetensors or .json)";
  if (file.empty()) {
    throw Error(Problem{"empty-file", fileName, kBundle, "an empty file", "Download or convert it again."});
  }
  const FileKind kind = fileKind(file);
  if (kind.form == FileKind::Form::Json) {
    return readJsonForm({reinterpret_cast<const char*>(file.data()), file.size()}, fileName);
  }
  if (kind.form == FileKind::Form::Foreign) {
    throw Error(Problem{"not-a-bundle", fileName, kBundle, kind.looksLike, kind.hint});
  }
  return readBinaryForm(file, fileName);
}

}  // namespace

size_t TensorView::count() const { return bytes.size() / elementBytes(dtype); }

void TensorView::copyTo(std::span<float> out) const {
  const size_t elements = count();
  if (dtype == DType::F32) {
    if (elements > 0) std::memcpy(out.data(), bytes.data(), bytes.size());
    return;
  }
  for (size_t i = 0; i < elements; ++i) {
    const double value = elementAsDouble(*this, i);
    if (std::abs(value) > std::numeric_limits<float>::max()) {
      throw Error(Problem{"value-range", "tensor " + name, "numbers in the range of float32",
                          shownNumber(value) + " at index " + std::to_string(i),
                          "The model was made with float64 and does not fit the engine's float32."});
    }
    out[i] = static_cast<float>(value);
  }
}

std::string TensorView::shapeText() const { return charglow::shapeText(shape); }

std::string shapeText(std::span<const int64_t> shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

Bundle Bundle::open(std::vector<std::byte> bytes, std::string fileName) {
  RawBundle raw = read(bytes, fileName);
  checkMetadataKeys(raw, fileName);
  checkDigest(raw, fileName);  // first: where it differs, whatever else is wrong comes of the damage
  std::string layout = checkMetadataValues(raw, fileName);
  const std::vector<LayerEntry> layers = readLayers(raw, fileName);
  checkLayersNameTensors(layers, raw.entries, fileName);
  checkTensorOrder(layers, raw.entries, fileName);

  Bundle bundle;
  bundle.layout_ = std::move(layout);
  bundle.fileSize_ = bytes.size();
  std::unordered_map<std::string_view, size_t> index;
  for (TensorEntry& entry : raw.entries) {
    const auto view =
        raw.payload.subspan(static_cast<size_t>(entry.begin), static_cast<size_t>(entry.end - entry.begin));
    bundle.tensors_.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape), view});
    checkFinite(bundle.tensors_.back(), fileName);
  }
  for (size_t i = 0; i < bundle.tensors_.size(); ++i) index.emplace(bundle.tensors_[i].name, i);
  for (const LayerEntry& layer : layers) {
    LayerWeights& weights =
        bundle.layers_.emplace_back(LayerWeights{layer.name, {}, layer.kerasName, layer.leftOut});
    for (const std::string& name : layer.weights) weights.tensors.push_back(&bundle.tensors_[index.at(name)]);
  }
  bundle.fileName_ = std::move(fileName);
  bundle.metadata_ = std::move(raw.metadata);
  // The views stay valid: moving a vector moves the ownership of its elements, not the elements.
  bundle.bytes_ = raw.data.empty() ? std::move(bytes) : std::move(raw.data);
  return bundle;
}

std::optional<std::string_view> Bundle::metadata(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  return found->second;
}

}  // namespace charglow
