#pragma once

#include <memory>

#include "keras/config_reader.h"
#include "layers/layer.h"

/// The factories behind the registry's table: each reads its class's options and nothing else.
namespace charglow {

std::unique_ptr<Layer> makeInput(ConfigReader& config);
std::unique_ptr<Layer> makeEmbedding(ConfigReader& config);
std::unique_ptr<Layer> makeMasking(ConfigReader& config);
/// SimpleRNN, GRU, LSTM, their CuDNN twins, and RNN(cell).
std::unique_ptr<Layer> makeRecurrentLayer(ConfigReader& config);
std::unique_ptr<Layer> makeBidirectional(ConfigReader& config);
std::unique_ptr<Layer> makeDense(ConfigReader& config);
std::unique_ptr<Layer> makeTimeDistributed(ConfigReader& config);
std::unique_ptr<Layer> makeActivation(ConfigReader& config);
std::unique_ptr<Layer> makeSoftmax(ConfigReader& config);
std::unique_ptr<Layer> makeFlatten(ConfigReader& config);
std::unique_ptr<Layer> makeReshape(ConfigReader& config);
std::unique_ptr<Layer> makeRepeatVector(ConfigReader& config);
std::unique_ptr<Layer> makePermute(ConfigReader& config);
std::unique_ptr<Layer> makeMultiply(ConfigReader& config);
std::unique_ptr<Layer> makeAdd(ConfigReader& config);
std::unique_ptr<Layer> makeConcatenate(ConfigReader& config);
std::unique_ptr<Layer> makeDot(ConfigReader& config);
std::unique_ptr<Layer> makeGlobalAveragePooling1D(ConfigReader& config);
std::unique_ptr<Layer> makeGlobalMaxPooling1D(ConfigReader& config);
std::unique_ptr<Layer> makeLambda(ConfigReader& config);
/// Dropout and noise layers, which do nothing at inference.
std::unique_ptr<Layer> makeIdentity(ConfigReader& config);

}  // namespace charglow
