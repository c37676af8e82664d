#include "keras/dialect.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "keras/keras_1.h"

namespace charglow {

Dialect Dialect::parse(std::string_view version, std::string_view backend) {
  Dialect dialect;
  dialect.version = version;
  dialect.theano = backend == "theano";
  dialect.tensorflow = version.ends_with("-tf");
  const char* end = version.data() + version.size();
  const auto [afterMajor, majorError] = std::from_chars(version.data(), end, dialect.major);
  if (majorError == std::errc{} && afterMajor != end && *afterMajor == '.') {
    std::from_chars(afterMajor + 1, end, dialect.minor);
  }
  // From 2.4 on there is only tf.keras; multi-backend Keras ended with 2.3.1.
  if (dialect.major == 2 && dialect.minor >= 4) dialect.tensorflow = true;
  return dialect;
}

std::string Dialect::versionOf(const nlohmann::json& modelConfig) {
  if (!modelConfig.is_object()) return "";
  if (const auto stated = modelConfig.find("keras_version");
      stated != modelConfig.end() && stated->is_string())
    return stated->get<std::string>();
  if (speaksKeras1(modelConfig)) return "1";
  // Models hold models: whichever InputLayer is found first tells.
  std::vector<const nlohmann::json*> models{&modelConfig};
  while (!models.empty()) {
    const nlohmann::json& model = *models.back();
    models.pop_back();
    if (!model.is_object() || !model.contains("config") || !model["config"].is_object()) continue;
    const nlohmann::json& config = model["config"];
    if (model.value("class_name", nlohmann::json()) == "InputLayer")
      return config.contains("batch_shape") ? "3" : "";
    if (!config.contains("layers") || !config["layers"].is_array()) continue;
    for (const nlohmann::json& layer : config["layers"]) models.push_back(&layer);
  }
  return "";
}

}  // namespace charglow
