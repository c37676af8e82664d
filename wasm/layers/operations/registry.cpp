#include "layers/operations/registry.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "layers/layers.h"
#include "layers/operations/operations.h"
#include "layers/registry.h"

namespace charglow {
namespace {

struct Entry {
  std::string_view className;
  LayerFactory factory;
  bool seesMask = false;
};

constexpr std::array<Entry, 21> kOperations = {
    {{"Elementwise", makeElementwise}, {"Activation", makeActivation},
     {"Softmax", makeSoftmax},         {"Normalise", makeNormalise},
     {"Reduce", makeReduce},           {"Argument", makeArgument},
     {"Cumulate", makeCumulate},       {"Slice", makeSlice},
     {"ExpandDims", makeExpandDims},   {"Squeeze", makeSqueeze},
     {"Reshape", makeReshapeTo},       {"Flatten", makeFlatten},
     {"Transpose", makeTranspose},     {"Repeat", makeRepeat},
     {"Concatenate", makeConcatenate}, {"Contract", makeContract},
     {"OneHot", makeOneHot},           {"Size", makeSize},
     {"MaskOf", makeMaskOf, true},     {"Fill", makeFill},
     {"Outputs", makeOutputs}}};

/// What all operations have in common: the masks that they do not see, the shape that the file states, and
/// how they are shown.
class OperationLayer : public Layer {
 public:
  OperationLayer(ConfigReader& config, std::unique_ptr<Layer> inner, bool seesMask)
      : Layer(config.layer(), config.text("of", config.className())),
        inner_(std::move(inner)),
        seesMask_(seesMask),
        source_(config.text("source", "")) {
    if (!config.has("output_shape")) return;
    stated_.emplace(1);
    for (const nlohmann::json& size : config.raw("output_shape"))
      stated_->push_back({size.is_null() ? kUnknown : size.get<int>()});
  }

  bool takesInputs(size_t count) const override { return inner_->takesInputs(count); }
  size_t outputCount() const override { return inner_->outputCount(); }
  Shape outputShape(std::span<const Shape> inputs) const override { return outputShapes(inputs)[0]; }
  std::vector<Shape> outputShapes(std::span<const Shape> inputs) const override {
    std::vector<Shape> shapes = inner_->outputShapes(inputs);
    if (stated_) compare(shapes[0]);
    return shapes;
  }

  void forward(std::span<const View> inputs, Output output, Scratch& scratch) const override {
    forwardAll(inputs, {&output, 1}, scratch);
  }
  void forwardAll(std::span<const View> inputs, std::span<const Output> outputs,
                  Scratch& scratch) const override {
    inner_->forwardAll(seesMask_ ? std::vector<View>(inputs.begin(), inputs.end()) : bare(inputs), outputs,
                       scratch);
    for (const Output& output : outputs) output.mask.clear();
  }

  void backward(const Backward& call, Scratch& scratch) const override {
    const std::vector<View> inputs = bare(call.inputs);
    inner_->backward({inputs, call.outputs, call.outputGradients, call.inputGradients}, scratch);
  }

  std::optional<int> idCount() const override { return inner_->idCount(); }
  std::string detail() const override { return source_.empty() ? inner_->detail() : source_; }
  std::string activation() const override { return inner_->activation(); }
  Part part() const override { return inner_->part(); }
  std::optional<size_t> softmaxAxis(const Shape& output) const override {
    return inner_->softmaxAxis(output);
  }
  std::optional<size_t> inputAxis(size_t axis, const Shape& input) const override {
    return inner_->inputAxis(axis, input);
  }
  size_t contractedAxis(size_t which, std::span<const Shape> inputs) const override {
    return inner_->contractedAxis(which, inputs);
  }

 private:
  /// Inputs without their masks.
  static std::vector<View> bare(std::span<const View> inputs) {
    std::vector<View> views;
    for (const View& input : inputs) views.push_back({input.shape, input.data, {}});
    return views;
  }

  void compare(const Shape& shape) const {
    const auto agrees = [](const Dim& a, const Dim& b) {
      return !a.known() || !b.known() || a.size == b.size;
    };
    const bool same = stated_->size() == shape.size() &&
                      std::equal(stated_->begin() + 1, stated_->end(), shape.begin() + 1, agrees);
    if (same) return;
    throw Error({"lambda-shape", "layer \"" + name() + "\" (" + className() + "), output_shape",
                 shapeText(*stated_) + ", as the file says", shapeText(shape) + " for \"" + source_ + "\"",
                 "What the layer computes was not understood, or the file is wrong about it.",
                 lambdaChoice(name())});
  }

  std::unique_ptr<Layer> inner_;
  bool seesMask_;
  std::string source_;
  std::optional<Shape> stated_;  ///< batch included, unknown
};

}  // namespace

std::string lambdaChoice(const std::string& layer) { return "lambda:" + layer; }

std::unique_ptr<Layer> makeOperation(const std::string& name, const std::string& className,
                                     const nlohmann::json& config, const Dialect& dialect,
                                     std::vector<Problem>& problems) {
  const auto* known = std::find_if(kOperations.begin(), kOperations.end(),
                                   [&](const Entry& each) { return each.className == className; });
  if (known == kOperations.end()) {
    problems.push_back({"unsupported-layer", "layer \"" + name + "\"", "a known operation", className, ""});
    return nullptr;
  }
  const size_t before = problems.size();
  const std::string shown = config.value("of", className);
  ConfigReader own(config["op"], name, shown, dialect, problems);
  std::unique_ptr<Layer> inner = known->factory(own);
  own.finish();
  ConfigReader outer(config, name, shown, dialect, problems);
  outer.ignore("op");
  auto layer = std::make_unique<OperationLayer>(outer, std::move(inner), known->seesMask);
  outer.finish();
  if (problems.size() > before) return nullptr;
  return layer;
}

}  // namespace charglow
