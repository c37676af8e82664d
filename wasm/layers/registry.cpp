#include "layers/registry.h"

#include <algorithm>
#include <array>
#include <utility>

#include "layers/layers.h"

namespace charglow {
namespace {

/// The layers the engine runs. Adding one: a pair of files beside this one, a line here, a fixture made by
/// real Keras.
constexpr std::array<std::pair<std::string_view, LayerFactory>, 63> kLayers = {{
    {"InputLayer", makeInput},
    {"Embedding", makeEmbedding},
    {"Masking", makeMasking},
    {"SimpleRNN", makeRecurrentLayer},
    {"GRU", makeRecurrentLayer},
    {"LSTM", makeRecurrentLayer},
    {"CuDNNGRU", makeRecurrentLayer},
    {"CuDNNLSTM", makeRecurrentLayer},
    {"RNN", makeRecurrentLayer},
    {"Bidirectional", makeBidirectional},
    {"Dense", makeDense},
    {"EinsumDense", makeEinsumDense},
    {"TimeDistributed", makeTimeDistributed},
    {"Activation", makeActivation},
    {"Softmax", makeSoftmax},
    {"ReLU", makeReLU},
    {"LeakyReLU", makeLeakyReLU},
    {"ThresholdedReLU", makeThresholdedReLU},
    {"ELU", makeELU},
    {"PReLU", makePReLU},
    {"Conv1D", makeConv1D},
    {"SeparableConv1D", makeSeparableConv1D},
    {"DepthwiseConv1D", makeDepthwiseConv1D},
    {"Conv1DTranspose", makeConv1DTranspose},
    {"MaxPooling1D", makeMaxPooling1D},
    {"AveragePooling1D", makeAveragePooling1D},
    {"ZeroPadding1D", makeZeroPadding1D},
    {"Cropping1D", makeCropping1D},
    {"UpSampling1D", makeUpSampling1D},
    {"LayerNormalization", makeLayerNormalization},
    {"BatchNormalization", makeBatchNormalization},
    {"GroupNormalization", makeGroupNormalization},
    {"UnitNormalization", makeUnitNormalization},
    {"RMSNormalization", makeRMSNormalization},
    {"Rescaling", makeRescaling},
    {"Normalization", makeNormalization},
    {"Flatten", makeFlatten},
    {"Reshape", makeReshape},
    {"RepeatVector", makeRepeatVector},
    {"Permute", makePermute},
    {"Multiply", makeMultiply},
    {"Add", makeAdd},
    {"Average", makeAverage},
    {"Subtract", makeSubtract},
    {"Maximum", makeMaximum},
    {"Minimum", makeMinimum},
    {"Concatenate", makeConcatenate},
    {"Dot", makeDot},
    {"Attention", makeAttention},
    {"AdditiveAttention", makeAdditiveAttention},
    {"MultiHeadAttention", makeMultiHeadAttention},
    {"GroupQueryAttention", makeGroupQueryAttention},
    {"GroupedQueryAttention", makeGroupQueryAttention},  // its class's name, which legacy files hold
    {"Merge", makeMerge},
    {"GlobalAveragePooling1D", makeGlobalAveragePooling1D},
    {"GlobalMaxPooling1D", makeGlobalMaxPooling1D},
    {"Dropout", makeIdentity},
    {"SpatialDropout1D", makeIdentity},
    {"GaussianDropout", makeIdentity},
    {"AlphaDropout", makeIdentity},
    {"GaussianNoise", makeIdentity},
    {"ActivityRegularization", makeIdentity},
    {"Identity", makeIdentity},
}};

constexpr std::array<std::pair<std::string_view, LayerFactory>, 3> kOwnLayers = {
    {{kFold, makeFold}, {kUnfold, makeUnfold}, {kPositions, makePositionEmbedding}}};

}  // namespace

LayerFactory findLayer(std::string_view className) {
  const auto* found = std::find_if(kLayers.begin(), kLayers.end(),
                                   [&](const auto& entry) { return entry.first == className; });
  if (found != kLayers.end()) return found->second;
  for (const auto& [name, factory] : kOwnLayers) {
    if (name == className) return factory;
  }
  return nullptr;
}

std::vector<std::string> layerClasses() {
  std::vector<std::string> names;
  for (const auto& [name, factory] : kLayers) names.emplace_back(name);
  return names;
}

std::unique_ptr<Layer> makeLayer(const std::string& name, const std::string& className,
                                 const nlohmann::json& config, const Dialect& dialect,
                                 std::vector<Problem>& problems) {
  const LayerFactory factory = findLayer(className);
  if (factory == nullptr) {
    problems.push_back({"unsupported-layer", "layer \"" + name + "\"", "a class of layer the engine runs",
                        className, "The README lists those it runs."});
    return nullptr;
  }
  const size_t before = problems.size();
  ConfigReader reader(config, name, className, dialect, problems);
  std::unique_ptr<Layer> layer = factory(reader);
  reader.finish();
  if (problems.size() > before) return nullptr;
  return layer;
}

}  // namespace charglow
