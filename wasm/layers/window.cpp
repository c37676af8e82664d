#include "layers/window.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace charglow {
namespace {

/// Strides and offsets multiply from layer to layer; beyond the largest tensor they mean nothing.
int clamped(int64_t value) {
  return static_cast<int>(std::clamp<int64_t>(value, -int64_t{kMaxElements}, kMaxElements));
}

/// `steps` after leaving out `front` of the timesteps and then taking every `stride`-th, each standing for
/// `width` of them.
Steps narrowed(const Steps& steps, int64_t front, int stride, int width) {
  Steps to = steps;
  to.offset = clamped(steps.offset + front * steps.stride);
  to.stride = clamped(int64_t{steps.stride} * stride);
  to.width = clamped(int64_t{width - 1} * steps.stride + steps.width);
  return to;
}

}  // namespace

int Window::count(int steps) const {
  if (padding != Padding::Valid) return (steps - 1) / stride + 1;
  return steps < size ? 0 : (steps - size) / stride + 1;
}

int Window::before(int steps) const {
  switch (padding) {
    case Padding::Valid:
      return 0;
    case Padding::Causal:
      return size - 1;
    case Padding::Same:
      break;
  }
  if (paddedFront) return *paddedFront;
  const int64_t missing = int64_t{count(steps) - 1} * stride + size - steps;
  return static_cast<int>(std::max<int64_t>(missing, 0) / 2);
}

int Window::lengthOf(const Dim& dim) const {
  if (dim.known()) return dim.size;
  return padding == Padding::Valid ? size : clamped(int64_t{size} * stride);
}

int readSpatial(ConfigReader& config, const char* key, int absent) {
  if (!config.has(key)) return absent;
  const std::vector<int> values = config.integers(key);
  if (values.size() == 1 && values[0] >= 1 && values[0] <= ConfigReader::kMaxSize) return values[0];
  config.refuse(key, "one whole number of at least 1", config.raw(key).dump());
  return 1;
}

Window::Padding readPadding(ConfigReader& config, bool causal) {
  const std::string name = config.text("padding", "valid");
  if (name == "same") return Window::Padding::Same;
  if (name == "causal" && causal) return Window::Padding::Causal;
  if (name != "valid") config.refuse("padding", causal ? "valid, same or causal" : "valid or same", name);
  return Window::Padding::Valid;
}

Window readConvolution(ConfigReader& config, int taps, int dilation) {
  const int64_t size = int64_t{taps - 1} * dilation + 1;
  if (size > ConfigReader::kMaxSize) {
    config.refuse("kernel_size",
                  "a kernel of at most " + std::to_string(ConfigReader::kMaxSize) + " timesteps",
                  std::to_string(size));
  }
  Window window;
  window.size = static_cast<int>(std::min<int64_t>(size, ConfigReader::kMaxSize));
  window.stride = readSpatial(config, "strides", 1);
  window.padding = readPadding(config, true);
  if (config.dialect().theano) window.paddedFront = window.size / 2;
  return window;
}

std::string windowText(const Window& window) {
  constexpr std::array<const char*, 3> kPadding = {"valid", "same", "causal"};
  std::string text = kPadding[static_cast<size_t>(window.padding)];
  if (window.stride > 1) text += ", strides " + std::to_string(window.stride);
  return text;
}

Dim windowed(const Dim& dim, const Window& window, int from, int width) {
  Dim places = dim;
  if (dim.known()) places.size = window.count(dim.size);
  if (!dim.isTime()) return places;
  const int steps = window.lengthOf(dim);
  int64_t front = int64_t{from} - window.before(steps);
  if (dim.along == Along::ReversedTime) {
    // Steps are counted in the text's order, in which the last place comes first.
    const int64_t last = int64_t{window.count(steps) - 1} * window.stride - window.before(steps);
    front = steps - last - from - width;
  }
  places.steps = narrowed(dim.steps, front, window.stride, width);
  return places;
}

Dim convolved(const Dim& dim, const Window& window) {
  const int width = std::min(window.stride, window.size);
  const int others = window.size - width;
  int from = others / 2;
  if (window.padding == Window::Padding::Causal) from = others;
  if (window.padding == Window::Padding::Same) from = std::min(others, window.before(window.lengthOf(dim)));
  return windowed(dim, window, from, width);
}

Dim cropped(const Dim& dim, int front, int back) {
  Dim left = dim;
  if (dim.known()) left.size = clamped(int64_t{dim.size} - front - back);
  left.steps = narrowed(dim.steps, dim.along == Along::ReversedTime ? back : front, 1, 1);
  return left;
}

Dim repeated(const Dim& dim, int times) {
  Dim more = dim;
  if (dim.known()) more.size = clamped(int64_t{dim.size} * times);
  if (dim.steps.stride % times == 0) {
    more.steps.stride = dim.steps.stride / times;
    more.steps.width = std::max(1, dim.steps.width / times);
  } else if (times > 1) {
    more.along = Along::Other;  // several steps for one character: no such map
  }
  return more;
}

}  // namespace charglow
