#pragma once

#include <map>
#include <string>
#include <vector>

#include "bundle/raw_bundle.h"

namespace charglow {

/// One entry of the `layers` metadata.
struct LayerEntry {
  std::string name;
  std::string kerasName;             ///< where `name` is a path in the source; "" where it is silent
  std::vector<std::string> weights;  ///< names of tensors
  std::map<std::string, std::string> leftOut;  ///< arrays that are no weights: name in the source, kind
};

/// All keys known, all required ones there (FORMAT.md section 3). Throws Error with every key that is wrong.
void checkMetadataKeys(const RawBundle& raw, const std::string& fileName);

/// The values that are small JSON of their own are what section 3 says: `source`, `assets`, `choices`,
/// `labels`, `examples`. Returns the layout that `source` names. The contents of `model_config`, `text` and
/// `parity` are checked by those who read them. Throws Error.
std::string checkMetadataValues(const RawBundle& raw, const std::string& fileName);

/// The `layers` metadata. Layer names are unique, as they are in Keras. Throws Error.
std::vector<LayerEntry> readLayers(const RawBundle& raw, const std::string& fileName);

/// Every tensor is named once in `layers`, every name there is a tensor. Throws Error with all that are not.
void checkLayersNameTensors(const std::vector<LayerEntry>& layers, const std::vector<TensorEntry>& entries,
                            const std::string& fileName);

/// Tensors are stored by falling dtype size and, within a size, in the order of `layers`. Throws Error.
void checkTensorOrder(const std::vector<LayerEntry>& layers, const std::vector<TensorEntry>& entries,
                      const std::string& fileName);

}  // namespace charglow
