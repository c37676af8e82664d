#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "bundle/raw_bundle.h"
#include "bundle/strict_json.h"

namespace charglow {

/// Reads the table of tensors and the metadata out of the header of the binary form, or the whole of the JSON
/// form:
///
///   binary:  {"__metadata__": {key: text, …}, name: {"dtype", "shape", "data_offsets": [begin, end]}, …}
///   JSON:    {"__metadata__": {key: text, …}, "tensors": {name: {"dtype", "shape", "data": [number, …]}, …}}
///
/// Anything else in them is refused where it stands, so that no tree of a hostile header is ever built.
/// Checked here: structure, types, duplicate keys, numbers, rank and dimensions, the bundle's version; in the
/// JSON form also that data and shape agree and every number fits its dtype.
class TableReader final : public JsonEvents {
 public:
  enum class Form { Binary, Json };

  /// `where` opens the messages about the table itself.
  TableReader(Form form, std::string fileName, std::string where);

  void startObject() override;
  void key(std::string& name) override;
  void endObject() override;
  void startArray() override;
  void endArray() override;
  void value(nlohmann::json& scalar) override;

  /// The content, once the text has been read.
  RawBundle take();

 private:
  /// What the text holds at this place: the inside of an object or array, or what is to come after a key.
  enum class At {
    Begin,
    Top,
    WantMetadata,
    Metadata,
    WantMetadataText,
    WantTensors,
    Tensors,
    WantEntry,
    Entry,
    WantDtype,
    WantShape,
    Shape,
    WantOffsets,
    Offsets,
    WantData,
    Data,
    End,
  };

  void topKey(std::string& name);
  void beginTensor(std::string& name);
  void entryKey(const std::string& name);
  void endMetadata();
  void endEntry();
  void readDimension(const nlohmann::json& scalar);
  void readOffset(const nlohmann::json& scalar);
  void appendData(const TensorEntry& entry);
  [[nodiscard]] std::string place() const;
  [[noreturn]] void wrongType(const std::string& actual) const;
  [[noreturn]] void fail(const char* code, std::string_view where, std::string_view expected,
                         std::string_view actual, std::string_view hint = {}) const;

  Form form_;
  std::string fileName_;
  std::string where_;
  At at_ = At::Begin;
  RawBundle raw_;
  bool hasMetadata_ = false;
  bool hasTensors_ = false;
  std::unordered_set<std::string> names_;  ///< of the tensors so far
  std::string metadataKey_;
  uint64_t metadataBytes_ = 0;

  // The entry being read.
  TensorEntry entry_;
  bool hasDtype_ = false;
  bool hasShape_ = false;
  bool hasData_ = false;  ///< data_offsets or data
  std::vector<uint64_t> offsets_;
  std::vector<double> numbers_;
};

/// Refuses what is not a bundle of the version this reader knows. `metadata` may be incomplete in any other
/// way.
void checkFormat(const std::map<std::string, std::string, std::less<>>& metadata, const std::string& where);

}  // namespace charglow
