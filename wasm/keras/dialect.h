#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace charglow {

/// Which generation of Keras wrote a file: the same configuration means different numbers in different
/// generations.
struct Dialect {
  std::string version;  ///< as the file says it ("2.2.4-tf"), or "" where it says nothing
  int major = 2;        ///< 1, 2 or 3
  int minor = 0;
  bool tensorflow = false;  ///< tf.keras, whose 2.2.4-tf to 2.15 are one line
  bool theano = false;      ///< the backend: its convolutions turn kernels round and pad in another way

  /// Reads the attributes keras_version and backend. A missing version is taken as Keras 2, which the caller
  /// must tell the user.
  static Dialect parse(std::string_view version, std::string_view backend);

  /// The version for a file that states none, from its architecture: what a `to_json()` of Keras 1 and 2 says
  /// itself, "1" where its options are named as in Keras 1, or "3" where InputLayers have a `batch_shape`, as
  /// only Keras 3 writes it. "" where neither tells.
  static std::string versionOf(const nlohmann::json& modelConfig);

  /// hard_sigmoid is clip(0.2x + 0.5, 0, 1) up to Keras 2.15 (keras/backend.py) and clip(x/6 + 0.5, 0, 1) in
  /// Keras 3 (keras/src/activations/activations.py, as jax.nn.hard_sigmoid).
  [[nodiscard]] bool hardSigmoidOfKeras3() const { return major >= 3; }
  /// The Softmax layer ignored masks in multi-backend Keras (keras/layers/advanced_activations.py 2.2.4).
  [[nodiscard]] bool softmaxLayerUsesMask() const { return major >= 3 || (tensorflow && minor >= 3); }
  /// Multiply, Maximum and Minimum leave masked steps out (keras/src/layers/merging/base_merge.py from 3.4
  /// on).
  [[nodiscard]] bool mergesOnlyKeptValues() const { return major > 3 || (major == 3 && minor >= 4); }
  /// A slip of the pen in tf.keras up to TensorFlow 2.1 (advanced_activations.py, "support_masking").
  [[nodiscard]] bool reluLayerDropsMask() const { return major == 2 && tensorflow && minor < 3; }
  /// == and != of tensors compare their elements from TensorFlow 2 on; a file of tf.keras "2.2.4-tf" may come
  /// from either.
  [[nodiscard]] bool comparesElements() const { return major >= 3 || (tensorflow && minor >= 3); }
};

}  // namespace charglow
