#include "keras/tidy_operations.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace charglow {
namespace {

using nlohmann::json;

class Tidier {
 public:
  explicit Tidier(GraphSpec& spec) : spec_(spec) {
    for (LayerSpec& layer : spec.layers) layers_.emplace(layer.name, &layer);
  }

  void tidy() {
    for (LayerSpec& layer : spec_.layers) {
      if (isElementwise(layer, "divide")) joinNormalisation(layer);
      if (layer.className == "Embedding") skipCast(layer);
    }
    dropUnread();
  }

 private:
  /// The operation that a tensor comes from; nullptr where it comes from a layer.
  [[nodiscard]] const LayerSpec* operationOf(const TensorRef& ref) const {
    const auto found = layers_.find(ref.layer);
    return found != layers_.end() && found->second->operation ? found->second : nullptr;
  }

  static bool isElementwise(const LayerSpec& layer, const char* function) {
    return layer.operation && layer.className == "Elementwise" && layer.config["op"]["function"] == function;
  }

  static const TensorRef* inputOf(const LayerSpec& layer, const TensorRef& ref, size_t which) {
    const auto node = static_cast<size_t>(ref.node);
    if (ref.node < 0 || node >= layer.calls.size() || which >= layer.calls[node].inputs.size())
      return nullptr;
    return &layer.calls[node].inputs[which];
  }

  /// A number for each different tensor: operations of one kind on the same tensors give the same one.
  size_t identity(const TensorRef& ref) {
    const std::string place = ref.layer + " " + std::to_string(ref.node) + " " + std::to_string(ref.tensor);
    if (const auto known = identities_.find(place); known != identities_.end()) return known->second;
    std::string key = place;
    if (const LayerSpec* layer = operationOf(ref)) {
      key = layer->className + layer->config["op"].dump(-1, ' ', false, json::error_handler_t::replace) +
            std::to_string(ref.tensor);
      identities_[place] = identities_.size();  // a circle, which is refused later, ends here
      for (size_t i = 0; inputOf(*layer, ref, i) != nullptr; ++i)
        key += " " + std::to_string(identity(*inputOf(*layer, ref, i)));
    }
    const size_t number = numbers_.emplace(key, numbers_.size()).first->second;
    identities_[place] = number;
    return number;
  }

  /// What a sum is over, where a tensor is a sum that fits what it was summed from again.
  struct Sum {
    TensorRef of;
    int axis;
  };
  [[nodiscard]] std::optional<Sum> sumOf(const TensorRef& ref) const {
    const LayerSpec* layer = operationOf(ref);
    if (layer == nullptr || inputOf(*layer, ref, 0) == nullptr) return std::nullopt;
    const json& options = layer->config["op"];
    if (layer->className == "ExpandDims") {
      const TensorRef& inner = *inputOf(*layer, ref, 0);
      const std::optional<Sum> sum = reduced(inner, false);
      return sum && sum->axis == options["axis"] ? sum : std::nullopt;
    }
    if (layer->className == "Slice") {  // [:, None]
      const json& items = options["items"];
      const auto added = std::find(items.begin(), items.end(), json());
      const bool others = std::all_of(items.begin(), items.end(), [](const json& item) {
        return item.is_null() || item == json::object();
      });
      const std::optional<Sum> sum = reduced(*inputOf(*layer, ref, 0), false);
      const bool fits = others && std::count(items.begin(), items.end(), json()) == 1 && sum;
      return fits && sum->axis == added - items.begin() ? sum : std::nullopt;
    }
    return reduced(ref, true);
  }

  [[nodiscard]] std::optional<Sum> reduced(const TensorRef& ref, bool keepDims) const {
    const LayerSpec* layer = operationOf(ref);
    if (layer == nullptr || layer->className != "Reduce" || inputOf(*layer, ref, 0) == nullptr)
      return std::nullopt;
    const json& options = layer->config["op"];
    const json& axis =
        options["axis"].is_array() && options["axis"].size() == 1 ? options["axis"][0] : options["axis"];
    if (options["kind"] != "sum" || options["keepdims"] != keepDims || !axis.is_number_integer())
      return std::nullopt;
    return Sum{*inputOf(*layer, ref, 0), axis.get<int>()};
  }

  void joinNormalisation(LayerSpec& layer) {
    if (layer.config["op"]["operands"] != json::array({{{"tensor", 0}}, {{"tensor", 1}}})) return;
    std::optional<std::pair<int, double>> common;  // axis and what is added to the sum, alike in all calls
    for (const CallSpec& call : layer.calls) {
      double added = 0;
      const std::optional<Sum> sum = sumOf(withoutNumber(call.inputs[1], added));
      if (!sum || identity(sum->of) != identity(call.inputs[0])) return;
      const std::pair<int, double> found{sum->axis, added};
      if (common && *common != found) return;
      common = found;
    }
    if (!common) return;
    layer.className = "Normalise";
    layer.config["op"] = {{"axis", common->first}, {"epsilon", common->second}};
    for (CallSpec& call : layer.calls) call = CallSpec::of({call.inputs[0]});
  }

  /// The tensor that a number is added to.
  TensorRef withoutNumber(const TensorRef& ref, double& number) const {
    const LayerSpec* layer = operationOf(ref);
    if (layer == nullptr || !isElementwise(*layer, "add") || inputOf(*layer, ref, 0) == nullptr) return ref;
    const json& operands = layer->config["op"]["operands"];
    for (size_t i = 0; i < 2; ++i) {
      if (!operands[i].is_number()) continue;
      number = operands[i].get<double>();
      return *inputOf(*layer, ref, 0);
    }
    return ref;
  }

  void skipCast(LayerSpec& embedding) {
    for (CallSpec& call : embedding.calls) {
      for (TensorRef& ref : call.inputs) {
        const LayerSpec* cast = operationOf(ref);
        if (cast != nullptr && isElementwise(*cast, "trunc") && inputOf(*cast, ref, 0) != nullptr)
          ref = *inputOf(*cast, ref, 0);
      }
    }
  }

  void dropUnread() {
    std::set<std::string> read;
    const auto note = [&](const TensorRef& ref) { return read.insert(ref.layer).second; };
    for (const TensorRef& output : spec_.outputs) note(output);
    for (const auto& [name, output] : spec_.models) note(output);
    const auto noteInputs = [&](const LayerSpec& layer) {
      bool more = false;
      for (const CallSpec& call : layer.calls) {
        for (const TensorRef& ref : call.inputs) more = note(ref) || more;
        for (const auto& mask : call.masks) more = (mask && note(*mask)) || more;
      }
      return more;
    };
    for (const LayerSpec& layer : spec_.layers) {
      if (!layer.operation) noteInputs(layer);
    }
    // From the last operation on, again for what reads one that comes later in the file.
    for (bool more = true; more;) {
      more = false;
      for (auto layer = spec_.layers.rbegin(); layer != spec_.layers.rend(); ++layer) {
        if (layer->operation && read.contains(layer->name)) more = noteInputs(*layer) || more;
      }
    }
    std::erase_if(spec_.layers,
                  [&](const LayerSpec& layer) { return layer.operation && !read.contains(layer.name); });
  }

  GraphSpec& spec_;
  std::map<std::string, LayerSpec*, std::less<>> layers_;
  std::map<std::string, size_t> identities_;  ///< of tensors by their place
  std::map<std::string, size_t> numbers_;     ///< of tensors by what they are
};

}  // namespace

void tidyOperations(GraphSpec& spec) { Tidier(spec).tidy(); }

}  // namespace charglow
