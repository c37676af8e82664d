#include <algorithm>
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
  int outputAt() const override {
    return stateSize() - cells_.back()->stateSize() + cells_.back()->outputAt();
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

  /// Those of the cells, lowest first.
  int traceSize() const override {
    int size = 0;
    for (const auto& cell : cells_) size += cell->traceSize();
    return size;
  }
  std::vector<CellSignal> signals() const override {
    std::vector<CellSignal> all;
    int traces = 0;
    int states = traceSize();
    for (size_t i = 0; i < cells_.size(); ++i) {
      const Cell& cell = *cells_[i];
      for (CellSignal& signal : cell.signals()) {
        signal.name = std::to_string(i) + "/" + signal.name;
        signal.at += signal.at < cell.traceSize() ? traces : states - cell.traceSize();
        all.push_back(std::move(signal));
      }
      traces += cell.traceSize();
      states += cell.stateSize();
    }
    return all;
  }

  void step(int rows, float* projected, float* states, float* output, float* scratch,
            float* trace) const override {
    for (int row = 0; row < rows; ++row) {
      stepOne(projected, states, output, scratch, trace);
      projected += projectedSize();
      states += stateSize();
      output += units();
      if (trace != nullptr) trace += traceSize();
    }
  }

  void stepBackward(int rows, const float* before, const float* after, const float* trace, float* gradient,
                    float* projected, float* scratch) const override {
    for (int row = 0; row < rows; ++row) {
      stepBackwardOne(before, after, trace, gradient, projected, scratch);
      before += stateSize();
      after += stateSize();
      trace += traceSize();
      gradient += stateSize();
      projected += projectedSize();
    }
  }

  void projectBackward(const float* projected, int rows, float* x) const override {
    cells_.front()->projectBackward(projected, rows, x);
  }

  std::string detail() const override {
    std::string text;
    for (const auto& cell : cells_)
      text += (text.empty() ? "" : " | ") + std::to_string(cell->units()) + " " + cell->detail();
    return text;
  }

 private:
  void stepOne(float* projected, float* states, float* output, float* scratch, float* trace) const {
    float* below = scratch;
    float* work = scratch + scratchSize() / 2;
    for (size_t i = 0; i < cells_.size(); ++i) {
      const Cell& cell = *cells_[i];
      float* x = projected;
      if (i > 0) {
        x = work + cell.scratchSize();
        cell.project(below, 1, x);
      }
      cell.step(1, x, states, i + 1 == cells_.size() ? output : below, work, trace);
      if (trace != nullptr) trace += cell.traceSize();
      states += cell.stateSize();
    }
  }

  /// From the highest cell down: each adds to the gradient of the one below, whose output it projected.
  void stepBackwardOne(const float* before, const float* after, const float* trace, float* gradient,
                       float* projected, float* scratch) const {
    int states = stateSize();
    int traces = traceSize();
    for (size_t i = cells_.size(); i-- > 0;) {
      const Cell& cell = *cells_[i];
      states -= cell.stateSize();
      traces -= cell.traceSize();
      float* x = i == 0 ? projected : scratch + cell.scratchSize();
      cell.stepBackward(1, before + states, after + states, trace + traces, gradient + states, x, scratch);
      if (i == 0) return;
      const Cell& below = *cells_[i - 1];
      cell.projectBackward(x, 1, gradient + states - below.stateSize() + below.outputAt());
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
