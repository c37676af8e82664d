#include "corpus.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "error.h"
#include "session.h"

namespace charglow {
namespace {

/// Floats of all values of a batch together, 64 MB.
constexpr size_t kBatchFloats = size_t{1} << 24;
/// More rows than this gain nothing: what is read of the weights is shared enough.
constexpr size_t kMostRows = 64;

using Ids = std::vector<int32_t>;

/// The errors of a text, with its number.
[[noreturn]] void throwOf(size_t text, size_t count, const Error& error) {
  std::vector<Problem> problems = error.problems();
  for (Problem& problem : problems) {
    problem.where =
        "text " + std::to_string(text + 1) + " of " + std::to_string(count) + ", " + problem.where;
  }
  throw Error(std::move(problems));
}

int compare(const Ids& a, const Ids& b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() || y == b.end()) return y == b.end() ? (x == a.end() ? 0 : 1) : -1;
  return *x < *y ? -1 : 1;
}

/// How many texts of so many timesteps make a batch.
size_t rowsOf(const Model& model, size_t input, size_t steps) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < model.inputs().size(); ++i) {
    Shape& shape = shapes.emplace_back(model.inputShape(i));
    if (i == input) shape[1].size = static_cast<int>(steps);
    for (Dim& dim : shape) {
      if (!dim.known()) dim.size = 1;
    }
  }
  size_t floats = 0;
  for (const Shape& shape : model.graph().inferShapes(shapes))
    floats += static_cast<size_t>(elementCount(shape));
  return std::clamp(kBatchFloats / std::max(floats, size_t{1}), size_t{1}, kMostRows);
}

/// Puts the rows of a batch's output where those of its texts are.
void place(const Value& from, std::span<const size_t> texts, size_t count, Value& to) {
  Shape shape = from.shape;
  shape[0].size = static_cast<int>(count);
  if (to.shape.empty()) to.reshape(shape);
  if (to.shape != shape) {
    throw Error({"corpus-shape", "the model's output", shapeText(to.shape), shapeText(shape),
                 "It has a step for each of the text's: run texts of one length together."});
  }
  const size_t width = from.data.size() / texts.size();
  for (size_t i = 0; i < texts.size(); ++i)
    std::copy_n(from.data.data() + i * width, width, to.data.data() + texts[i] * width);
}

}  // namespace

std::vector<Value> runTexts(const std::shared_ptr<const Model>& model, std::span<const SourceText> texts,
                            size_t input) {
  Session session(model);
  std::vector<Ids> ids;
  ids.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    try {
      session.feedText(texts[i], input);
    } catch (const Error& error) {
      throwOf(i, texts.size(), error);
    }
    ids.push_back(session.encoded().ids);
  }

  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (ids[a].size() != ids[b].size()) return ids[a].size() < ids[b].size();
    const int compared = compare(ids[a], ids[b]);
    return compared != 0 ? compared < 0 : a < b;
  });

  std::vector<Value> outputs(model->graph().outputs.size());
  Ids together;
  for (size_t done = 0; done < order.size();) {
    const size_t steps = ids[order[done]].size();
    const size_t most = std::min(order.size() - done, rowsOf(*model, input, steps));
    size_t rows = 0;
    together.clear();
    for (; rows < most && ids[order[done + rows]].size() == steps; ++rows)
      together.insert(together.end(), ids[order[done + rows]].begin(), ids[order[done + rows]].end());
    const std::span<const size_t> batch = std::span(order).subspan(done, rows);
    try {
      session.setIds(together, static_cast<int>(rows), input);
    } catch (const Error& error) {
      throwOf(batch[0], texts.size(), error);
    }
    for (size_t k = 0; k < outputs.size(); ++k)
      place(session.value(model->graph().outputs[k]), batch, texts.size(), outputs[k]);
    done += rows;
  }
  return outputs;
}

}  // namespace charglow
