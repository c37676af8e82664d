#pragma once

#include <optional>
#include <string>

#include "keras/config_reader.h"
#include "tensor.h"

namespace charglow {

/// A window that slides along the timesteps: that of a convolution or of a pooling.
struct Window {
  enum class Padding { Valid, Same, Causal };

  int size = 1;  ///< timesteps from its first to its last
  int stride = 1;
  Padding padding = Padding::Valid;
  /// Padding "same": timesteps in front of the first. TensorFlow and JAX divide what is missing in halves,
  /// the smaller one in front, which depends on the length
  /// (tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2); Theano pads every length alike.
  std::optional<int> paddedFront = std::nullopt;

  /// How many places it takes along `steps` timesteps; 0 where it does not fit.
  [[nodiscard]] int count(int steps) const;
  /// How many timesteps in front of the first the first place starts.
  [[nodiscard]] int before(int steps) const;
  /// The length of `dim`; where it is not known yet, one that places fit into.
  [[nodiscard]] int lengthOf(const Dim& dim) const;
};

/// An option that Keras writes once for each spatial axis, of which there is one: 3 or [3]. At least 1.
int readSpatial(ConfigReader& config, const char* key, int absent);

/// Reads `padding`; `causal` where the layer knows that.
Window::Padding readPadding(ConfigReader& config, bool causal);

/// The window of a convolution whose kernel has `taps` timesteps, `dilation` apart: reads `strides` and
/// `padding`.
Window readConvolution(ConfigReader& config, int taps, int dilation);

/// What a window is called by its options: "same, strides 2".
std::string windowText(const Window& window);

/// The axis of the windows' places along `dim`. A place stands for `width` of the window's timesteps, those
/// from `from` on.
Dim windowed(const Dim& dim, const Window& window, int from, int width);

/// The axis of a convolution's places along `dim`. A place stands for as many timesteps as its kernel moves
/// on by, so that places lie side by side in the text: with padding "same" for those from place · stride on,
/// otherwise for the middle of what the kernel sees, and with a causal kernel for the last of it.
Dim convolved(const Dim& dim, const Window& window);

/// `dim` without its first `front` and last `back` timesteps (negative: with as many more that stand for
/// none of the input).
Dim cropped(const Dim& dim, int front, int back);

/// `dim` with every timestep `times` times.
Dim repeated(const Dim& dim, int times);

}  // namespace charglow
