#include "keras/infer/wiring.h"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string>

namespace charglow {
namespace {

/// Steps of the search, and wirings kept: far more than a real model needs.
constexpr size_t kMostSteps = 200000;
constexpr size_t kMostFound = 200;
/// The cost at which the search ends without a result.
constexpr int kUnlikely = 40;
/// How much less likely than the best a wiring may be to be offered.
constexpr int kOffered = 10;

// What makes a wiring less likely.
constexpr int kNotTheLast = 1;    ///< a layer reads another tensor than the one before
constexpr int kReadAgain = 2;     ///< it is one that is read already
constexpr int kSequenceOut = 10;  ///< the output has timesteps
constexpr int kSeveralOut = 20;   ///< another output

bool isOneOf(const std::string& className, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return className == name; });
}

/// Moves or repeats values without weights of its own.
bool rearranges(const LayerForm& form) {
  return isOneOf(form.className, {"Flatten", "Permute", "RepeatVector", "Reshape"});
}

/// Changes values one by one, or not at all.
bool passesOn(const LayerForm& form) {
  return isOneOf(form.className, {"Activation", "Softmax", "Dropout", "SpatialDropout1D"});
}

class Search {
 public:
  Search(std::span<const WiredLayer> layers, std::optional<int64_t> timesteps) : layers_(layers) {
    if (timesteps) now_.unknowns.equal(Size::timesteps(), Size::of(*timesteps));
    embedded_ = std::any_of(layers.begin(), layers.end(), [](const WiredLayer& layer) {
      return !layer.forms.empty() && layer.forms[0].className == "Embedding";
    });
    // Ids, or rows whose width the first layer says.
    Sizes input = {Size::timesteps()};
    if (!embedded_) input.push_back(now_.unknowns.fresh());
    now_.shapes.push_back(input);
    read_.push_back(0);
    // How many tensors the layers from each on can take off those that wait to be read.
    joins_.assign(layers.size() + 1, 0);
    for (size_t i = layers.size(); i-- > 0;) {
      size_t most = 1;
      for (const LayerForm& form : layers[i].forms) most = std::max(most, form.most);
      joins_[i] = joins_[i + 1] + most - 1;
    }
  }

  /// First whether anything likely fits, then less and less likely; and then all that is not much less
  /// likely.
  Wirings run() {
    for (int limit = 0; found_.empty() && limit <= kUnlikely; limit += limit < kOffered ? 2 : kOffered)
      search(limit);
    if (!found_.empty()) {
      const auto best = std::min_element(found_.begin(), found_.end(), cheaper);
      search(best->cost + kOffered);
    }
    std::stable_sort(found_.begin(), found_.end(), cheaper);
    return {std::move(found_), reached_};
  }

 private:
  static bool cheaper(const Wiring& a, const Wiring& b) { return a.cost < b.cost; }

  /// All wirings of at most this cost.
  void search(int limit) {
    limit_ = limit;
    steps_ = 0;
    found_.clear();
    place(0);
  }

  [[nodiscard]] size_t unread() const {
    return static_cast<size_t>(std::count(read_.begin(), read_.end(), 0));
  }

  void place(size_t layer) {
    reached_ = std::max(reached_, layer);
    if (layer == layers_.size()) return finish();
    for (size_t form = 0; form < layers_[layer].forms.size(); ++form) {
      std::vector<size_t> inputs;
      for (size_t count = layers_[layer].forms[form].least; count <= layers_[layer].forms[form].most; ++count)
        choose(layer, form, count, now_.shapes.size(), inputs);
    }
  }

  /// Every set of `count` tensors before `end`, those that came last first.
  void choose(size_t layer, size_t form, size_t count, size_t end, std::vector<size_t>& inputs) {
    if (count == 0) return attach(layer, form, inputs);
    for (size_t tensor = end; tensor-- > 0;) {
      // The ids themselves are for the Embedding.
      if (embedded_ && (tensor == 0) != (layers_[layer].forms[form].className == "Embedding")) continue;
      inputs.insert(inputs.begin(), tensor);
      choose(layer, form, count - 1, tensor, inputs);
      inputs.erase(inputs.begin());
    }
  }

  void attach(size_t layer, size_t index, const std::vector<size_t>& inputs) {
    if (++steps_ > kMostSteps || found_.size() >= kMostFound) return;
    const LayerForm& form = layers_[layer].forms[index];
    std::vector<Sizes> shapes;
    for (const size_t input : inputs) shapes.push_back(now_.shapes[input]);
    Unknowns before = now_.unknowns;
    const std::optional<Sizes> shape = joinsItself(inputs) ? std::nullopt : form.shape(shapes, now_.unknowns);
    int cost = form.cost;
    for (const size_t input : inputs) {
      if (inputs.size() > 1) continue;
      if (input + 1 != now_.shapes.size()) cost += kNotTheLast;
      if (read_[input] > 0) cost += kReadAgain;
    }
    if (shape && now_.cost + cost <= limit_) {
      for (const size_t input : inputs) ++read_[input];
      now_.cost += cost;
      now_.shapes.push_back(*shape);
      now_.steps.push_back({index, inputs});
      read_.push_back(0);
      const size_t outputs = 1 + static_cast<size_t>(limit_ / kSeveralOut);
      if (unread() <= outputs + joins_[layer + 1]) place(layer + 1);
      read_.pop_back();
      now_.steps.pop_back();
      now_.shapes.pop_back();
      now_.cost -= cost;
      for (const size_t input : inputs) --read_[input];
    }
    now_.unknowns = std::move(before);
  }

  /// Whether one of the tensors is another one rearranged: nobody multiplies scores by the same scores
  /// repeated, but their widths always fit.
  [[nodiscard]] bool joinsItself(const std::vector<size_t>& inputs) const {
    for (const size_t last : inputs) {
      bool rearranged = false;
      for (size_t tensor = last; tensor > 0;) {
        const Wiring::Step& step = now_.steps[tensor - 1];
        const LayerForm& form = layers_[tensor - 1].forms[step.form];
        if (!rearranges(form) && !passesOn(form)) break;
        rearranged = rearranged || rearranges(form);
        tensor = step.inputs[0];
        if (rearranged && std::find(inputs.begin(), inputs.end(), tensor) != inputs.end()) return true;
      }
    }
    return false;
  }

  void finish() {
    Wiring wiring = now_;
    for (size_t tensor = 0; tensor < read_.size(); ++tensor) {
      if (read_[tensor] == 0) wiring.outputs.push_back(tensor);
    }
    for (const size_t output : wiring.outputs) {
      if (output == 0) return;
      if (wiring.shapes[output].size() > 1) wiring.cost += kSequenceOut;
    }
    wiring.cost += kSeveralOut * static_cast<int>(wiring.outputs.size() - 1);
    if (wiring.cost <= limit_) found_.push_back(std::move(wiring));
  }

  std::span<const WiredLayer> layers_;
  Wiring now_;
  bool embedded_ = false;
  std::vector<int> read_;  ///< how often each tensor is read
  std::vector<size_t> joins_;
  std::vector<Wiring> found_;
  int limit_ = 0;
  size_t steps_ = 0;
  size_t reached_ = 0;
};

}  // namespace

Wirings wire(std::span<const WiredLayer> layers, std::optional<int64_t> timesteps) {
  return Search(layers, timesteps).run();
}

}  // namespace charglow
