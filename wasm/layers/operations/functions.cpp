#include "layers/operations/functions.h"

#include <algorithm>
#include <cmath>

namespace charglow {
namespace {

constexpr float truth(bool value) { return value ? 1.0f : 0.0f; }
constexpr float sign(float x) { return truth(x > 0) - truth(x < 0); }

/// numpy's names. Truth is 1 and 0. Where there is no derivative, it is what TensorFlow takes
/// (tensorflow/python/ops/math_grad.py, 2.15).
constexpr Function kFunctions[] = {
    {"identity", 1, [](float x, float, float) { return x; }, {[](float, float, float) { return 1.0f; }}},
    {"negative", 1, [](float x, float, float) { return -x; }, {[](float, float, float) { return -1.0f; }}},
    {"absolute", 1, [](float x, float, float) { return std::abs(x); }, {[](float x, float, float) {
       return sign(x);
     }}},
    {"sign", 1, [](float x, float, float) { return sign(x); }},
    {"square", 1, [](float x, float, float) { return x * x; }, {[](float x, float, float) { return 2 * x; }}},
    {"sqrt", 1, [](float x, float, float) { return std::sqrt(x); }, {[](float x, float, float) {
       return 0.5f / std::sqrt(x);
     }}},
    {"rsqrt", 1, [](float x, float, float) { return 1.0f / std::sqrt(x); }, {[](float x, float, float) {
       return -0.5f / (x * std::sqrt(x));
     }}},
    {"exp", 1, [](float x, float, float) { return std::exp(x); }, {[](float x, float, float) {
       return std::exp(x);
     }}},
    {"expm1", 1, [](float x, float, float) { return std::expm1(x); }, {[](float x, float, float) {
       return std::exp(x);
     }}},
    {"log", 1, [](float x, float, float) { return std::log(x); }, {[](float x, float, float) {
       return 1.0f / x;
     }}},
    {"log1p", 1, [](float x, float, float) { return std::log1p(x); }, {[](float x, float, float) {
       return 1.0f / (1.0f + x);
     }}},
    {"sin", 1, [](float x, float, float) { return std::sin(x); }, {[](float x, float, float) {
       return std::cos(x);
     }}},
    {"cos", 1, [](float x, float, float) { return std::cos(x); }, {[](float x, float, float) {
       return -std::sin(x);
     }}},
    {"tan", 1, [](float x, float, float) { return std::tan(x); }, {[](float x, float, float) {
       return 1.0f / (std::cos(x) * std::cos(x));
     }}},
    {"arctan", 1, [](float x, float, float) { return std::atan(x); }, {[](float x, float, float) {
       return 1.0f / (1.0f + x * x);
     }}},
    {"sinh", 1, [](float x, float, float) { return std::sinh(x); }, {[](float x, float, float) {
       return std::cosh(x);
     }}},
    {"cosh", 1, [](float x, float, float) { return std::cosh(x); }, {[](float x, float, float) {
       return std::sinh(x);
     }}},
    {"erf", 1, [](float x, float, float) { return std::erf(x); }, {[](float x, float, float) {
       return 1.1283791670955126f * std::exp(-x * x);
     }}},
    {"floor", 1, [](float x, float, float) { return std::floor(x); }},
    {"ceil", 1, [](float x, float, float) { return std::ceil(x); }},
    // Halves to the even number.
    {"round", 1, [](float x, float, float) { return std::nearbyint(x); }},
    {"trunc", 1, [](float x, float, float) { return std::trunc(x); }},
    {"not_zero", 1, [](float x, float, float) { return truth(x != 0); }},
    {"logical_not", 1, [](float x, float, float) { return truth(x == 0); }},
    {"add",
     2,
     [](float x, float y, float) { return x + y; },
     {[](float, float, float) { return 1.0f; }, [](float, float, float) { return 1.0f; }}},
    {"subtract",
     2,
     [](float x, float y, float) { return x - y; },
     {[](float, float, float) { return 1.0f; }, [](float, float, float) { return -1.0f; }}},
    {"multiply",
     2,
     [](float x, float y, float) { return x * y; },
     {[](float, float y, float) { return y; }, [](float x, float, float) { return x; }}},
    {"divide",
     2,
     [](float x, float y, float) { return x / y; },
     {[](float, float y, float) { return 1.0f / y; }, [](float x, float y, float) { return -x / (y * y); }}},
    {"divide_no_nan",
     2,
     [](float x, float y, float) { return y == 0 ? 0.0f : x / y; },
     {[](float, float y, float) { return y == 0 ? 0.0f : 1.0f / y; },
      [](float x, float y, float) { return y == 0 ? 0.0f : -x / (y * y); }}},
    {"floor_divide", 2, [](float x, float y, float) { return std::floor(x / y); }},
    {"modulo",
     2,
     [](float x, float y, float) { return x - std::floor(x / y) * y; },
     {[](float, float, float) { return 1.0f; }, [](float x, float y, float) { return -std::floor(x / y); }}},
    {"power",
     2,
     [](float x, float y, float) { return std::pow(x, y); },
     {[](float x, float y, float) { return y == 0 ? 0.0f : y * std::pow(x, y - 1.0f); },
      [](float x, float y, float) { return x > 0 ? std::pow(x, y) * std::log(x) : 0.0f; }}},
    {"maximum",
     2,
     [](float x, float y, float) { return std::max(x, y); },
     {[](float x, float y, float) { return truth(x >= y); },
      [](float x, float y, float) { return truth(x < y); }}},
    {"minimum",
     2,
     [](float x, float y, float) { return std::min(x, y); },
     {[](float x, float y, float) { return truth(x <= y); },
      [](float x, float y, float) { return truth(x > y); }}},
    {"less", 2, [](float x, float y, float) { return truth(x < y); }},
    {"less_equal", 2, [](float x, float y, float) { return truth(x <= y); }},
    {"equal", 2, [](float x, float y, float) { return truth(x == y); }},
    {"not_equal", 2, [](float x, float y, float) { return truth(x != y); }},
    {"greater", 2, [](float x, float y, float) { return truth(x > y); }},
    {"greater_equal", 2, [](float x, float y, float) { return truth(x >= y); }},
    {"logical_and", 2, [](float x, float y, float) { return truth(x != 0 && y != 0); }},
    {"logical_or", 2, [](float x, float y, float) { return truth(x != 0 || y != 0); }},
    {"logical_xor", 2, [](float x, float y, float) { return truth((x != 0) != (y != 0)); }},
    {"clip",
     3,
     [](float x, float low, float high) { return std::min(std::max(x, low), high); },
     {[](float x, float low, float high) { return truth(x >= low && x <= high); },
      [](float x, float low, float) { return truth(x < low); },
      [](float x, float, float high) { return truth(x > high); }}},
    {"where",
     3,
     [](float condition, float x, float y) { return condition != 0 ? x : y; },
     {nullptr, [](float condition, float, float) { return truth(condition != 0); },
      [](float condition, float, float) { return truth(condition == 0); }}},
    // Its condition meets the values from the first axis on.
    {"switch",
     3,
     [](float condition, float x, float y) { return condition != 0 ? x : y; },
     {nullptr, [](float condition, float, float) { return truth(condition != 0); },
      [](float condition, float, float) { return truth(condition == 0); }}}};

}  // namespace

const Function* functionNamed(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                   [&](const Function& each) { return each.name == name; });
  return found == std::end(kFunctions) ? nullptr : found;
}

}  // namespace charglow
