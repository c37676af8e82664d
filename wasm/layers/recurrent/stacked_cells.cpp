#include <algorithm>
#include <numeric>
#include <utility>

#include "layers/recurrent/cell.h"

namespace charglow {
namespace {

/// Cells one upon the other within a timestep: each reads the output of the one below.
/// keras/layers/rnn/stacked_rnn_cells.py (2.15). States are those of the cells, lowest first.
class StackedCells : public Cell {
 public:
  explicit StackedCells(std::vector<std::unique_ptr<Cell>> cells) : cells_(std::move(cells)) {}

  int units() const override { return cells_.back()->units(); }
  std::vector<int> stateSizes() const override {
    std::vector<int> sizes;
    for (const auto& cell : cells_) {
      for (const int size : cell->stateSizes()) sizes.push_back(size);
    }
    return sizes;
  }
  int projectedSize() const override { return cells_.front()->projectedSize(); }
  int scratchSize() const override {
    int largest = 0;
    for (const auto& cell : cells_)
      largest = std::max(largest, cell->units() + cell->projectedSize() + cell->scratchSize());
    return 2 * largest;  // what a cell works in, and the output of the one below
  }

  void build(int features, WeightReader& weights) override {
    for (const auto& cell : cells_) {
      cell->build(features, weights);
      features = cell->units();
    }
  }

  void project(const float* x, int rows, float* projected) const override {
    cells_.front()->project(x, rows, projected);
  }

  int gateSize() const override {
    int size = 0;
    for (const auto& cell : cells_) size += cell->gateSize();
    return size;
  }
  std::vector<CellSignal> signals() const override {
    std::vector<CellSignal> all;
    int gates = 0;
    int states = gateSize();
    for (size_t i = 0; i < cells_.size(); ++i) {
      const Cell& cell = *cells_[i];
      for (CellSignal& signal : cell.signals()) {
        signal.name = std::to_string(i) + "/" + signal.name;
        signal.at += signal.at < cell.gateSize() ? gates : states - cell.gateSize();
        all.push_back(std::move(signal));
      }
      gates += cell.gateSize();
      for (const int size : cell.stateSizes()) states += size;
    }
    return all;
  }

  void step(int rows, float* projected, float* states, float* output, float* scratch,
            float* gates) const override {
    const std::vector<int> sizes = stateSizes();
    const int stateSize = std::accumulate(sizes.begin(), sizes.end(), 0);
    for (int row = 0; row < rows; ++row) {
      stepOne(projected, states, output, scratch, gates);
      projected += projectedSize();
      states += stateSize;
      output += units();
      if (gates != nullptr) gates += gateSize();
    }
  }

  std::string detail() const override {
    std::string text;
    for (const auto& cell : cells_)
      text += (text.empty() ? "" : " | ") + std::to_string(cell->units()) + " " + cell->detail();
    return text;
  }

 private:
  void stepOne(float* projected, float* states, float* output, float* scratch, float* gates) const {
    float* below = scratch;
    float* work = scratch + scratchSize() / 2;
    for (size_t i = 0; i < cells_.size(); ++i) {
      const Cell& cell = *cells_[i];
      float* x = projected;
      if (i > 0) {
        x = work + cell.scratchSize();
        cell.project(below, 1, x);
      }
      cell.step(1, x, states, i + 1 == cells_.size() ? output : below, work, gates);
      if (gates != nullptr) gates += cell.gateSize();
      for (const int size : cell.stateSizes()) states += size;
    }
  }

  std::vector<std::unique_ptr<Cell>> cells_;
};

}  // namespace

std::unique_ptr<Cell> makeStackedCells(ConfigReader& config) {
  const nlohmann::json& list = config.raw("cells");
  // Newest states first was Keras 2.0's order; it changes what the states mean, not the output.
  config.require("reverse_state_order", false);
  std::vector<std::unique_ptr<Cell>> cells;
  if (list.is_array()) {
    for (const nlohmann::json& entry : list) {
      if (std::unique_ptr<Cell> cell = makeCellOf(entry, config, "cells")) cells.push_back(std::move(cell));
    }
  }
  if (cells.empty()) {
    config.refuse("cells", "a list of cells", list.is_array() ? "none that is known" : list.type_name());
    return nullptr;
  }
  return std::make_unique<StackedCells>(std::move(cells));
}

}  // namespace charglow
