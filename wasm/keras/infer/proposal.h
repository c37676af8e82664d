#pragma once

#include <cstdint>
#include <optional>

#include "bundle/bundle.h"
#include "keras/choices.h"
#include "keras/dialect.h"
#include "keras/graph_spec.h"

namespace charglow {

/// Proposes an architecture for a file that holds weights only: the classes of its layers from their weights
/// and names, how they are connected from the widths that must fit, and everything else from what such models
/// mostly are. Whatever the file does not say is an assumption in `choices`, which can be changed.
/// `timesteps` is the length of the model's input, where the text encoding says it. Throws Error
/// "no-architecture", listing what was seen, where nothing fits.
GraphSpec proposeArchitecture(const Bundle& bundle, const Dialect& dialect, std::optional<int64_t> timesteps,
                              Choices& choices);

}  // namespace charglow
