#pragma once

#include <memory>

#include "keras/config_reader.h"
#include "layers/layer.h"

/// The factories behind the registry's table: each reads its class's options and nothing else.
namespace charglow {

std::unique_ptr<Layer> makeInput(ConfigReader& config);
std::unique_ptr<Layer> makeEmbedding(ConfigReader& config);
/// What keras/blocks/position_embedding.cpp adds to embedded ids.
std::unique_ptr<Layer> makePositionEmbedding(ConfigReader& config);
std::unique_ptr<Layer> makeMasking(ConfigReader& config);
/// SimpleRNN, GRU, LSTM, their CuDNN twins, and RNN(cell).
std::unique_ptr<Layer> makeRecurrentLayer(ConfigReader& config);
std::unique_ptr<Layer> makeBidirectional(ConfigReader& config);
std::unique_ptr<Layer> makeDense(ConfigReader& config);
std::unique_ptr<Layer> makeEinsumDense(ConfigReader& config);
std::unique_ptr<Layer> makeTimeDistributed(ConfigReader& config);
/// What TimeDistributed does before and after its layer, keras/nested_models.cpp.
std::unique_ptr<Layer> makeFold(ConfigReader& config);
std::unique_ptr<Layer> makeUnfold(ConfigReader& config);
std::unique_ptr<Layer> makeActivation(ConfigReader& config);
std::unique_ptr<Layer> makeSoftmax(ConfigReader& config);
std::unique_ptr<Layer> makeReLU(ConfigReader& config);
std::unique_ptr<Layer> makeLeakyReLU(ConfigReader& config);
std::unique_ptr<Layer> makeThresholdedReLU(ConfigReader& config);
std::unique_ptr<Layer> makeELU(ConfigReader& config);
std::unique_ptr<Layer> makePReLU(ConfigReader& config);
std::unique_ptr<Layer> makeFlatten(ConfigReader& config);
std::unique_ptr<Layer> makeReshape(ConfigReader& config);
std::unique_ptr<Layer> makeRepeatVector(ConfigReader& config);
std::unique_ptr<Layer> makePermute(ConfigReader& config);
std::unique_ptr<Layer> makeMultiply(ConfigReader& config);
std::unique_ptr<Layer> makeAdd(ConfigReader& config);
std::unique_ptr<Layer> makeAverage(ConfigReader& config);
std::unique_ptr<Layer> makeSubtract(ConfigReader& config);
std::unique_ptr<Layer> makeMaximum(ConfigReader& config);
std::unique_ptr<Layer> makeMinimum(ConfigReader& config);
std::unique_ptr<Layer> makeConcatenate(ConfigReader& config);
std::unique_ptr<Layer> makeDot(ConfigReader& config);
std::unique_ptr<Layer> makeMerge(ConfigReader& config);
std::unique_ptr<Layer> makeConv1D(ConfigReader& config);
std::unique_ptr<Layer> makeDepthwiseConv1D(ConfigReader& config);
std::unique_ptr<Layer> makeSeparableConv1D(ConfigReader& config);
std::unique_ptr<Layer> makeConv1DTranspose(ConfigReader& config);
std::unique_ptr<Layer> makeMaxPooling1D(ConfigReader& config);
std::unique_ptr<Layer> makeAveragePooling1D(ConfigReader& config);
std::unique_ptr<Layer> makeAttention(ConfigReader& config);
std::unique_ptr<Layer> makeAdditiveAttention(ConfigReader& config);
std::unique_ptr<Layer> makeMultiHeadAttention(ConfigReader& config);
std::unique_ptr<Layer> makeGroupQueryAttention(ConfigReader& config);
std::unique_ptr<Layer> makeGlobalAveragePooling1D(ConfigReader& config);
std::unique_ptr<Layer> makeGlobalMaxPooling1D(ConfigReader& config);
std::unique_ptr<Layer> makeZeroPadding1D(ConfigReader& config);
std::unique_ptr<Layer> makeCropping1D(ConfigReader& config);
std::unique_ptr<Layer> makeUpSampling1D(ConfigReader& config);
std::unique_ptr<Layer> makeLayerNormalization(ConfigReader& config);
std::unique_ptr<Layer> makeBatchNormalization(ConfigReader& config);
std::unique_ptr<Layer> makeGroupNormalization(ConfigReader& config);
std::unique_ptr<Layer> makeUnitNormalization(ConfigReader& config);
std::unique_ptr<Layer> makeRMSNormalization(ConfigReader& config);
std::unique_ptr<Layer> makeRescaling(ConfigReader& config);
std::unique_ptr<Layer> makeNormalization(ConfigReader& config);
/// Dropout, noise and regularisation layers, which do nothing at inference.
std::unique_ptr<Layer> makeIdentity(ConfigReader& config);

}  // namespace charglow
