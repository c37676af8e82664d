#include "keras/dialect.h"

#include <charconv>

namespace charglow {

Dialect Dialect::parse(std::string_view version) {
  Dialect dialect;
  dialect.version = version;
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

}  // namespace charglow
