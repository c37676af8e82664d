#include "keras/infer/proposal.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "error.h"
#include "keras/config_reader.h"
#include "keras/infer/options.h"
#include "keras/infer/orders.h"
#include "keras/infer/wiring.h"
#include "keras/weights_tree.h"
#include "text/message.h"

namespace charglow {
namespace {

using nlohmann::json;

/// Layers of a model whose wiring can be searched for.
constexpr size_t kMostLayers = 100;
constexpr size_t kMostShown = 30;
constexpr char kGiveConfig[] =
    "Convert the file together with its architecture: convert.py weights.h5 --config model.json, where "
    "model.json holds "
    "model.to_json().";

class Proposer {
 public:
  Proposer(const Bundle& bundle, const Dialect& dialect, Choices& choices)
      : file_(bundle.fileName()), tree_(isTreeLayout(bundle.layout())), dialect_(dialect), choices_(choices) {
    for (SeenLayer& layer : seenLayers(bundle, dialect_)) {
      if (isInput(layer)) {
        inputs_.push_back(layer.name);
      } else {
        seen_.push_back(std::move(layer));
      }
    }
  }

  GraphSpec propose(std::optional<int64_t> timesteps) {
    check();
    layOut();
    requireForms();
    const std::optional<int64_t> stated = statedTimesteps();
    Wirings wirings = connect(stated ? stated : timesteps);
    choices_.note("architecture",
                  "The file holds weights only: the architecture is a proposal, made of the layers' names "
                  "and the shapes "
                  "of their weights. What it assumes is listed below and can be changed.");
    Wiring wiring = decide(std::move(wirings.found));
    askTimesteps(wiring);
    requireRepeats(wiring);
    return specOf(wiring);
  }

 private:
  [[noreturn]] void refuse(std::string_view expected, std::string_view actual, std::string_view hint) const {
    throw Error({"no-architecture", file_, expected, actual, hint});
  }

  void check() const {
    if (inputs_.size() > 1)
      refuse("a model with one input, for which an architecture can be proposed",
             std::to_string(inputs_.size()) + " inputs", kGiveConfig);
    if (seen_.empty() || seen_.size() > kMostLayers) {
      refuse(
          "from 1 to " + std::to_string(kMostLayers) + " layers, for which an architecture can be proposed",
          std::to_string(seen_.size()), kGiveConfig);
    }
    for (const SeenLayer& layer : seen_) {
      for (const TensorView* tensor : layer.tensors) {
        const auto large = [](int64_t size) { return size > ConfigReader::kMaxSize; };
        if (std::any_of(tensor->shape.begin(), tensor->shape.end(), large))
          refuse("weights of at most " + grouped(ConfigReader::kMaxSize) + " in each axis",
                 tensor->name + " " + tensor->shapeText(), "");
      }
    }
  }

  void layOut() {
    layers_.clear();
    for (const SeenLayer& layer : seen_) layers_.push_back({&layer, formsOf(layer)});
  }

  /// The wirings of the file's order, or of that order of a tree's layers in which they fit best.
  Wirings connect(std::optional<int64_t> timesteps) {
    if (!tree_) {
      Wirings wirings = wire(layers_, timesteps);
      if (wirings.found.empty()) refuseWiring(wirings.reached);
      return wirings;
    }
    Wirings best;
    std::vector<SeenLayer> order = seen_;
    for (std::vector<SeenLayer>& one : likelyOrders(seen_)) {
      seen_ = std::move(one);
      layOut();
      Wirings wirings = wire(layers_, timesteps);
      const bool better =
          !wirings.found.empty() && (best.found.empty() || wirings.found[0].cost < best.found[0].cost);
      if (!better && !(best.found.empty() && wirings.reached > best.reached)) continue;
      best = std::move(wirings);
      order = seen_;
    }
    seen_ = std::move(order);
    layOut();
    if (best.found.empty()) refuseWiring(best.reached);
    choices_.note("architecture.order",
                  "The file does not say in which order layers of different classes follow each other; the "
                  "likeliest order in "
                  "which their widths fit was taken.");
    return best;
  }

  void requireForms() const {
    std::vector<Problem> problems;
    for (const WiredLayer& layer : layers_) {
      if (!layer.forms.empty()) continue;
      problems.push_back({"no-architecture", file_ + ", layer \"" + layer.seen->name + "\"",
                          "weights of a layer that can be told by them", layer.seen->weightsText(),
                          kGiveConfig});
    }
    if (!problems.empty()) throw Error(std::move(problems));
  }

  std::string seenText() const {
    std::string text;
    for (size_t i = 0; i < std::min(seen_.size(), kMostShown); ++i) {
      const SeenLayer& layer = seen_[i];
      text += (i == 0 ? "" : "; ") + layer.name + (layer.tensors.empty() ? "" : ": " + layer.weightsText());
    }
    if (seen_.size() > kMostShown) text += "; " + std::to_string(seen_.size() - kMostShown) + " more layers";
    return text;
  }

  [[noreturn]] void refuseWiring(size_t reached) const {
    const std::string end = reached < seen_.size() ? "no way to go on to \"" + seen_[reached].name + "\""
                                                   : "layers that nothing reads";
    refuse("layers whose widths fit together, so that an architecture can be proposed",
           end + ", among " + seenText(), kGiveConfig);
  }

  /// What the user says of the input's length.
  std::optional<int64_t> statedTimesteps() {
    const std::optional<std::string> given = choices_.given(kTimesteps);
    if (!given || *given == kAny) return std::nullopt;
    const bool digits =
        !given->empty() && given->size() < 8 && given->find_first_not_of("0123456789") == std::string::npos;
    const int64_t steps = digits ? std::stoi(*given) : 0;
    if (steps > 0) return steps;
    throw Error({"choice-value", "assumption \"timesteps\"", "\"any\" or a whole number from 1",
                 inQuotes(*given), ""});
  }

  void askTimesteps(Wiring& wiring) {
    const std::optional<int64_t> known = wiring.unknowns.timesteps();
    if (known && !choices_.given(kTimesteps)) return;  // the weights or the text encoding say it
    choices_.choose(kTimesteps,
                    "The file does not say how many timesteps the model reads. Texts are read at their own "
                    "length unless it "
                    "is given, although the model may have been trained on padded ones.",
                    {{kAny, "as many as the text has"}}, known ? std::to_string(*known) : kAny, true);
  }

  void requireRepeats(const Wiring& wiring) const {
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (layers_[i].forms[wiring.steps[i].form].className != "RepeatVector") continue;
      if (wiring.unknowns.number(wiring.shapes[i + 1][0])) continue;
      throw Error({"no-architecture", file_ + ", layer \"" + seen_[i].name + "\" (RepeatVector)",
                   "to know how often it repeats",
                   "as often as there are timesteps, which the file does not say",
                   "Say how many: --assume timesteps=N."});
    }
  }

  std::string nameOf(size_t tensor) const { return tensor == 0 ? inputName() : seen_[tensor - 1].name; }

  std::string inputName() const { return inputs_.empty() ? seen_[0].name + "_input" : inputs_[0]; }

  /// "embedding,rnn_1"
  std::string listOf(const std::vector<size_t>& tensors) const {
    std::string list;
    for (const size_t tensor : tensors) list += (list.empty() ? "" : ",") + nameOf(tensor);
    return list;
  }

  /// The one wiring that the user's choices leave, or else the likeliest.
  Wiring decide(std::vector<Wiring> wirings) {
    for (size_t layer = 0; layer < layers_.size(); ++layer) {
      const auto formIn = [&](const Wiring& wiring) -> const LayerForm& {
        return layers_[layer].forms[wiring.steps[layer].form];
      };
      std::set<std::string> options;
      for (const Wiring& wiring : wirings) {
        for (const auto& [option, value] : formIn(wiring).decisions) options.insert(option);
      }
      for (const std::string& option : options) {
        keep(wirings, layer, option, [&](const Wiring& wiring) {
          for (const auto& [own, value] : formIn(wiring).decisions) {
            if (own == option) return value;
          }
          return std::string("none");
        });
      }
      keep(wirings, layer, "inputs",
           [&](const Wiring& wiring) { return listOf(wiring.steps[layer].inputs); });
    }
    for (size_t layer = 0; layer < layers_.size(); ++layer) order(wirings[0], layer);
    return std::move(wirings[0]);
  }

  template <class ValueOf>
  void keep(std::vector<Wiring>& wirings, size_t layer, const std::string& option, ValueOf valueOf) {
    std::vector<Assumption::Option> values;
    for (const Wiring& wiring : wirings) {
      const std::string value = valueOf(wiring);
      const bool known =
          std::any_of(values.begin(), values.end(), [&](const auto& one) { return one.value == value; });
      if (!known) values.push_back({value, ""});
    }
    if (values.size() < 2) return;
    const std::string value = choices_.choose(seen_[layer].name + "." + option, sentence(layer, option),
                                              values, valueOf(wirings[0]));
    std::erase_if(wirings, [&](const Wiring& wiring) { return valueOf(wiring) != value; });
  }

  std::string sentence(size_t layer, const std::string& option) const {
    const std::string about = "Layer \"" + seen_[layer].name + "\": ";
    if (option == "return_sequences")
      return about + "whether it puts out all timesteps or the last one only.";
    if (option == "merge_mode") return about + "how its two directions become one.";
    if (option == "class") return about + "which class it is of; it has no weights that would tell.";
    return about + "what it reads; several layers fit.";
  }

  /// The order of the tensors that a layer joins, which their widths do not tell.
  void order(Wiring& wiring, size_t layer) {
    std::vector<size_t>& inputs = wiring.steps[layer].inputs;
    if (layers_[layer].forms[wiring.steps[layer].form].className != "Concatenate") return;
    const std::vector<size_t> listed = inputs;
    std::vector<size_t> likely = listed;
    if (isDeepMoji(layers_)) std::reverse(likely.begin(), likely.end());
    std::vector<Assumption::Option> options;
    std::vector<std::vector<size_t>> orders;
    std::vector<size_t> permuted = listed;
    do {
      orders.push_back(permuted);
      options.push_back({listOf(permuted), ""});
    } while (std::next_permutation(permuted.begin(), permuted.end()));
    const std::string value =
        choices_.choose(seen_[layer].name + ".order",
                        "Layer \"" + seen_[layer].name + "\": in which order it joins what it reads.",
                        options, listOf(likely));
    for (const std::vector<size_t>& one : orders) {
      if (listOf(one) == value) inputs = one;
    }
  }

  GraphSpec specOf(const Wiring& wiring) {
    GraphSpec spec;
    LayerSpec input;
    input.name = inputName();
    input.className = "InputLayer";
    json shape = {nullptr};
    for (const Size& size : wiring.shapes[0]) {
      const std::optional<int64_t> number = wiring.unknowns.number(size);
      shape.push_back(number ? json(*number) : json());
    }
    input.config = {{"name", input.name}, {"batch_input_shape", shape}};
    input.calls = {CallSpec{}};
    spec.layers.push_back(std::move(input));
    OptionChooser options(layers_, wiring, dialect_, choices_);
    for (size_t i = 0; i < layers_.size(); ++i) {
      LayerForm form = options.complete(i);
      LayerSpec layer;
      layer.name = seen_[i].name;
      layer.className = form.className;
      layer.operation = form.operation;
      layer.config = std::move(form.config);
      layer.config["name"] = layer.name;
      if (!layer.operation) layer.config["trainable"] = true;  // tells Keras 3's layers from its operations
      if (tree_) layer.place = {{.className = seen_[i].groupClass(), .ordinal = seen_[i].groupNumber()}};
      std::vector<TensorRef> inputs;
      for (const size_t tensor : wiring.steps[i].inputs) inputs.push_back({nameOf(tensor), 0, 0});
      layer.calls = {CallSpec::of(std::move(inputs))};
      spec.layers.push_back(std::move(layer));
    }
    spec.inputs = {{inputName(), 0, 0}};
    for (const size_t output : wiring.outputs) spec.outputs.push_back({nameOf(output), 0, 0});
    return spec;
  }

  static constexpr const char* kTimesteps = "timesteps";
  static constexpr const char* kAny = "any";

  std::string file_;
  bool tree_;
  const Dialect& dialect_;
  Choices& choices_;
  std::vector<std::string> inputs_;  ///< names of the file's input layers
  std::vector<SeenLayer> seen_;      ///< all others
  std::vector<WiredLayer> layers_;
};

}  // namespace

GraphSpec proposeArchitecture(const Bundle& bundle, const Dialect& dialect, std::optional<int64_t> timesteps,
                              Choices& choices) {
  return Proposer(bundle, dialect, choices).propose(timesteps);
}

}  // namespace charglow
