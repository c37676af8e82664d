#include "kernels/contract.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "kernels/reduce.h"
#include "kernels/strided.h"

namespace charglow {
namespace {

using Labels = std::vector<int>;

bool contains(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

/// Joins the axes of a tensor into the axes by label. False where lengths differ.
bool addAxes(const Labels& labels, const Shape& shape, std::map<int, Dim>& axes) {
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto [known, isNew] = axes.emplace(labels[i], shape[i]);
    Dim& dim = known->second;
    if (isNew || shape[i].size == 1) continue;
    if (dim.size == 1) {
      dim = shape[i];
      continue;
    }
    if (dim.known() && shape[i].known() && dim.size != shape[i].size) return false;
    if (!dim.known()) dim.size = shape[i].size;
    if (!dim.isTime()) dim.follow(shape[i]);
  }
  return true;
}

/// The same contraction in the order in which it is computed: batches, then the axes of one input alone, then
/// what is summed over.
struct Plan {
  std::map<int, Dim> axes;
  Labels batch, ofFirst, ofSecond, summed;

  Plan(const Contraction& contraction, const Shape& first, const Shape& second) {
    addAxes(contraction.first, first, axes);
    addAxes(contraction.second, second, axes);
    for (const int label : contraction.output) {
      const bool inFirst = contains(contraction.first, label);
      const bool inSecond = contains(contraction.second, label);
      (inFirst && inSecond ? batch : inFirst ? ofFirst : ofSecond).push_back(label);
    }
    summed = summedLabels(contraction);
  }

  [[nodiscard]] Shape shapeOf(const Labels& labels) const {
    Shape shape;
    for (const int label : labels) shape.push_back(axes.at(label));
    return shape;
  }
  [[nodiscard]] size_t count(const Labels& labels) const {
    return static_cast<size_t>(elementCount(shapeOf(labels)));
  }
  /// An input as rows of what is summed over: (batch …, own …, summed …).
  [[nodiscard]] Labels rows(const Labels& own) const {
    Labels order = batch;
    order.insert(order.end(), own.begin(), own.end());
    order.insert(order.end(), summed.begin(), summed.end());
    return order;
  }
};

/// How far apart neighbours along each axis of `order` lie in a tensor with these axes; 0 along axes that it
/// lacks or repeats.
std::vector<size_t> strides(const Labels& order, const Labels& labels, const Shape& shape) {
  std::vector<size_t> stride(order.size(), 0);
  size_t step = 1;
  for (size_t i = labels.size(); i-- > 0;) {
    const auto place = static_cast<size_t>(std::find(order.begin(), order.end(), labels[i]) - order.begin());
    if (shape[i].size != 1) stride[place] = step;
    step *= static_cast<size_t>(shape[i].size);
  }
  return stride;
}

/// tf.linalg.l2_normalize divides a row by sqrt(max(Σ x², 1e-12)).
constexpr float kLeastSquares = 1e-12f;

float squaresOf(const float* row, size_t length) { return std::inner_product(row, row + length, row, 0.0f); }

void normaliseRows(float* values, size_t count, size_t length) {
  for (float* row = values; row != values + count; row += length) {
    const float norm = std::sqrt(std::max(squaresOf(row, length), kLeastSquares));
    for (size_t k = 0; k < length; ++k) row[k] /= norm;
  }
}

/// `gradient`, that of the normalised rows of x, becomes that of x: (g - y (g·y)) / |x|, where y = x / |x|. A
/// row that is shorter than the least was divided by a constant.
void normaliseRowsBackward(const float* x, float* gradient, size_t count, size_t length) {
  for (size_t start = 0; start < count; start += length) {
    const float* row = x + start;
    float* g = gradient + start;
    const float squares = std::max(squaresOf(row, length), kLeastSquares);
    const float norm = std::sqrt(squares);
    const bool constant = squaresOf(row, length) < kLeastSquares;
    const float along = constant ? 0.0f : std::inner_product(row, row + length, g, 0.0f) / squares;
    for (size_t k = 0; k < length; ++k) g[k] = (g[k] - along * row[k]) / norm;
  }
}

/// What one input has in the memory that a contraction works in: rows of what is summed over.
struct Operand {
  const Labels& labels;
  const View& view;
  Labels order;  ///< of the axes there
  size_t count;

  Operand(const Plan& plan, const Labels& of, const View& input, const Labels& own)
      : labels(of), view(input), order(plan.rows(own)), count(plan.count(order)) {}

  [[nodiscard]] StridedWalk walk(const Plan& plan) const {
    return {plan.shapeOf(order), strides(order, labels, view.shape)};
  }
};

/// Calls visit(element of the output, row of the first, row of the second) for all elements.
template <class Visit>
void eachElement(const Plan& plan, const Labels& labels, const Shape& output, Visit visit) {
  Labels order = plan.batch;
  order.insert(order.end(), plan.ofFirst.begin(), plan.ofFirst.end());
  order.insert(order.end(), plan.ofSecond.begin(), plan.ofSecond.end());
  const size_t rows = plan.count(plan.ofFirst);
  const size_t columns = plan.count(plan.ofSecond);
  size_t element = 0;  // of (batch, rows, columns)
  StridedWalk(plan.shapeOf(order), strides(order, labels, output)).elements([&](size_t to) {
    const size_t row = element / columns;  // batch · rows + row
    visit(to, row, row / rows * columns + element % columns);
    ++element;
  });
}

void gatherRows(const Contraction& contraction, const Plan& plan, const Operand& operand, float* to) {
  gather(operand.walk(plan), operand.view.data.data(), to);
  if (contraction.normalise) normaliseRows(to, operand.count, plan.count(plan.summed));
}

}  // namespace

std::vector<int> summedLabels(const Contraction& contraction) {
  Labels summed;
  for (const int label : contraction.first) {
    if (contains(contraction.second, label) && !contains(contraction.output, label)) summed.push_back(label);
  }
  return summed;
}

Contraction batchDot(size_t firstRank, size_t firstAxis, size_t secondRank, size_t secondAxis) {
  Contraction contraction;
  int label = 0;
  for (size_t i = 0; i < firstRank; ++i) contraction.first.push_back(label++);
  for (size_t i = 0; i < secondRank; ++i) contraction.second.push_back(label++);
  const int batch = contraction.second[0] = contraction.first[0];
  const int summed = contraction.second[secondAxis] = contraction.first[firstAxis];
  contraction.output = {batch};
  for (const Labels* labels : {&contraction.first, &contraction.second}) {
    for (const int each : *labels) {
      if (each != batch && each != summed) contraction.output.push_back(each);
    }
  }
  return contraction;
}

std::optional<Shape> contractedShape(const Contraction& contraction, const Shape& first,
                                     const Shape& second) {
  std::map<int, Dim> axes;
  if (!addAxes(contraction.first, first, axes) || !addAxes(contraction.second, second, axes)) {
    return std::nullopt;
  }
  const auto axisOf = [](const Labels& labels, int label) {
    return static_cast<size_t>(std::find(labels.begin(), labels.end(), label) - labels.begin());
  };
  for (const int label : summedLabels(contraction)) {
    const Dim& one = first[axisOf(contraction.first, label)];
    const Dim& other = second[axisOf(contraction.second, label)];
    if (one.known() && other.known() && one.size != other.size) return std::nullopt;
  }
  Shape shape;
  for (const int label : contraction.output) shape.push_back(axes.at(label));
  return shape;
}

size_t contractionRoom(const Contraction& contraction, const Shape& first, const Shape& second) {
  const Plan plan(contraction, first, second);
  return plan.count(plan.rows(plan.ofFirst)) + plan.count(plan.rows(plan.ofSecond));
}

void contract(const Contraction& contraction, const View& first, const View& second, const Output& output,
              float* room) {
  const Plan plan(contraction, first.shape, second.shape);
  const size_t length = plan.count(plan.summed);
  const Operand x(plan, contraction.first, first, plan.ofFirst);
  const Operand y(plan, contraction.second, second, plan.ofSecond);
  gatherRows(contraction, plan, x, room);
  gatherRows(contraction, plan, y, room + x.count);
  eachElement(plan, contraction.output, output.shape, [&](size_t to, size_t row, size_t column) {
    const float* a = room + row * length;
    const float* b = room + x.count + column * length;
    float sum = 0;
    for (size_t k = 0; k < length; ++k) sum += a[k] * b[k];
    output.data[to] = sum;
  });
}

void contractBackward(const Contraction& contraction, const View& first, const View& second,
                      const Shape& output, std::span<const float> gradient, std::span<float> firstGradient,
                      std::span<float> secondGradient, float* room) {
  const Plan plan(contraction, first.shape, second.shape);
  const size_t length = plan.count(plan.summed);
  const Operand x(plan, contraction.first, first, plan.ofFirst);
  const Operand y(plan, contraction.second, second, plan.ofSecond);
  gatherRows(contraction, plan, x, room);
  gatherRows(contraction, plan, y, room + x.count);
  float* inner = room + x.count + y.count;  // the rows' gradients
  std::fill_n(inner, x.count + y.count, 0.0f);
  eachElement(plan, contraction.output, output, [&](size_t from, size_t row, size_t column) {
    const float* a = room + row * length;
    const float* b = room + x.count + column * length;
    float* toA = inner + row * length;
    float* toB = inner + x.count + column * length;
    for (size_t k = 0; k < length; ++k) {
      toA[k] += gradient[from] * b[k];
      toB[k] += gradient[from] * a[k];
    }
  });
  const auto add = [&](const Operand& operand, float* rows, std::span<float> to) {
    if (to.empty()) return;
    if (contraction.normalise) {
      gather(operand.walk(plan), operand.view.data.data(), room);
      normaliseRowsBackward(room, rows, operand.count, length);
    }
    addStrided(operand.walk(plan), rows, to.data());
  };
  add(x, inner, firstGradient);
  add(y, inner + x.count, secondGradient);
}

}  // namespace charglow
