// Functions that move, repeat, join and take apart values without changing them.

#include <algorithm>

#include "bundle/strict_json.h"
#include "keras/functions/handlers.h"

namespace charglow::functions {
namespace {

using nlohmann::json;
using python::Value;

/// A size for Reshape and Repeat: a number, or the length of an axis of a tensor, which becomes one more of
/// `inputs`.
json lengthOf(const Term& term, std::vector<size_t>& inputs) {
  if (const std::optional<int> number = term.whole()) return *number;
  if (term.isNone()) return -1;
  if (term.kind == Term::Kind::SizeOf) {
    const auto known = std::find(inputs.begin(), inputs.end(), term.tensor);
    const auto place = known - inputs.begin();
    if (known == inputs.end()) inputs.push_back(term.tensor);
    return {{"input", place}, {"axis", term.axis}};
  }
  throw NotUnderstood{"has " + describe(term) + " where the length of an axis belongs"};
}

json lengthsOf(const std::vector<Term>& terms, std::vector<size_t>& inputs) {
  json lengths = json::array();
  for (const Term& term : terms) lengths.push_back(lengthOf(term, inputs));
  return lengths;
}

bool isEllipsis(const Term& term) {
  return term.kind == Term::Kind::Constant && term.value->kind == Value::Kind::Ellipsis;
}

/// One item between brackets, as the operation Slice takes it.
json itemOf(const Term& term) {
  if (term.isNone() || (term.kind == Term::Kind::Name && term.name.ends_with(".newaxis"))) return nullptr;
  if (isEllipsis(term)) return "...";
  if (const std::optional<int> place = term.whole()) return *place;
  if (term.kind != Term::Kind::Range) throw NotUnderstood{"takes " + describe(term) + " between brackets"};
  json bounds = json::object();
  constexpr const char* kKeys[] = {"start", "stop", "step"};
  for (size_t i = 0; i < term.items.size(); ++i) {
    if (term.items[i].isNone()) continue;
    const std::optional<int> bound = term.items[i].whole();
    if (!bound) throw NotUnderstood{"has " + describe(term.items[i]) + " for a bound of a slice"};
    bounds[kKeys[i]] = *bound;
  }
  return bounds;
}

/// The items that take `item` on one axis and all of the others.
json onAxis(int axis, json item) {
  json items = json::array();
  if (axis < 0) {
    items.push_back("...");
    items.push_back(std::move(item));
    for (int i = -1; i > axis; --i) items.push_back(json::object());
  } else {
    for (int i = 0; i < axis; ++i) items.push_back(json::object());
    items.push_back(std::move(item));
  }
  return items;
}

/// An item of a list, or a part of one.
Term ofList(const std::vector<Term>& list, const Term& index) {
  const int size = static_cast<int>(list.size());
  if (const std::optional<int> place = index.whole()) {
    const int at = *place < 0 ? *place + size : *place;
    if (at < 0 || at >= size) {
      throw NotUnderstood{"takes item " + std::to_string(*place) + " of a list of " + std::to_string(size)};
    }
    return list[static_cast<size_t>(at)];
  }
  const json bounds = itemOf(index);
  if (!bounds.is_object() || bounds.value("step", 1) != 1)
    throw NotUnderstood{"takes " + describe(index) + " of a list"};
  const auto bound = [&](const char* key, int absent) {
    const int given = bounds.value(key, absent);
    return std::clamp(given < 0 ? given + size : given, 0, size);
  };
  const int start = bound("start", 0);
  const int stop = std::max(start, bound("stop", size));
  return sequenceTerm({list.begin() + start, list.begin() + stop});
}

}  // namespace

Term subscript(Operations& operations, const Term& x, const Term& index) {
  if (x.kind == Term::Kind::Sequence) return ofList(x.items, index);
  if (x.kind == Term::Kind::ShapeOf) {
    const std::optional<int> axis = index.whole();
    if (!axis) throw NotUnderstood{"takes a part of a shape"};
    Term size = x;
    size.kind = Term::Kind::SizeOf;
    size.axis = *axis;
    return size;
  }
  json items = json::array();
  for (const Term& item : index.kind == Term::Kind::Sequence ? index.items : std::vector<Term>{index}) {
    items.push_back(itemOf(item));
  }
  if (items.empty()) throw NotUnderstood{"has nothing between brackets"};
  if (items[0].is_number() && x.isTensor()) {
    throw NotUnderstood{"takes one text of the batch, x[" + std::to_string(items[0].get<int>()) + ", …]"};
  }
  return operations.slice(x, std::move(items));
}

/// tf.__operators__.getitem(x, slice_spec), keras.ops' GetItem.
Term item(Operations& operations, Arguments& arguments, std::string_view) {
  return subscript(operations, arguments.get("x"), arguments.get("index"));
}

Term expandDims(Operations& operations, Arguments& arguments, std::string_view) {
  Term x = arguments.get("x");
  const json axes = arguments.has("axis") ? arguments.wholes("axis") : json(-1);
  for (const json& axis : axes.is_array() ? axes : json::array({axes})) {
    x = operations.expandDims(x, axis.get<int>());
  }
  return x;
}

Term squeeze(Operations& operations, Arguments& arguments, std::string_view) {
  json config = json::object();
  if (arguments.has("axis")) config["axis"] = arguments.wholes("axis");
  return operations.add("Squeeze", config, {operations.tensor(arguments.get("x"))});
}

Term transpose(Operations& operations, Arguments& arguments, std::string_view) {
  if (!arguments.has("perm")) throw NotUnderstood{"transposes all axes, and so moves the texts of a batch"};
  return operations.add("Transpose", {{"perm", arguments.wholes("perm")}},
                        {operations.tensor(arguments.get("x"))});
}

Term swapAxes(Operations& operations, Arguments& arguments, std::string_view) {
  const json axes = json::array({arguments.whole("axis1", -2), arguments.whole("axis2", -1)});
  return operations.add("Transpose", {{"swap", axes}}, {operations.tensor(arguments.get("x"))});
}

Term moveAxis(Operations& operations, Arguments& arguments, std::string_view) {
  const json axes = json::array({arguments.whole("source"), arguments.whole("destination")});
  return operations.add("Transpose", {{"move", axes}}, {operations.tensor(arguments.get("x"))});
}

Term reshape(Operations& operations, Arguments& arguments, std::string_view) {
  std::vector<size_t> inputs = {operations.tensor(arguments.get("x"))};
  const json lengths = lengthsOf(arguments.list("shape"), inputs);
  return operations.add("Reshape", {{"shape", lengths}}, std::move(inputs));
}

/// K.batch_flatten: everything but the batch in one axis.
Term flatten(Operations& operations, Arguments& arguments, std::string_view) {
  return operations.add("Flatten", json::object(), {operations.tensor(arguments.get("x"))});
}

Term repeatElements(Operations& operations, Arguments& arguments, std::string_view) {
  if (!arguments.has("axis")) throw NotUnderstood{"repeats all elements in one row, the batch's included"};
  std::vector<size_t> inputs = {operations.tensor(arguments.get("x"))};
  json times = lengthOf(arguments.get("times"), inputs);
  return operations.add("Repeat", {{"axis", arguments.whole("axis")}, {"times", times}, {"elements", true}},
                        std::move(inputs));
}

/// K.repeat: (batch, features) → (batch, n, features).
Term repeatVector(Operations& operations, Arguments& arguments, std::string_view) {
  const Term row = operations.expandDims(arguments.get("x"), 1);
  std::vector<size_t> inputs = {row.tensor};
  json times = lengthOf(arguments.get("n"), inputs);
  return operations.add("Repeat", {{"axis", 1}, {"times", times}}, std::move(inputs));
}

Term tile(Operations& operations, Arguments& arguments, std::string_view) {
  std::vector<size_t> inputs = {operations.tensor(arguments.get("x"))};
  json times = lengthsOf(arguments.list("times"), inputs);
  return operations.add("Repeat", {{"times", times}}, std::move(inputs));
}

Term concatenate(Operations& operations, Arguments& arguments, std::string_view absent) {
  if (absent.empty() && !arguments.has("axis")) throw NotUnderstood{"joins the texts of several batches"};
  return operations.concatenate(arguments.list("x"), arguments.whole("axis", -1));
}

Term stack(Operations& operations, Arguments& arguments, std::string_view) {
  const int axis = arguments.whole("axis", 0);
  if (axis == 0) throw NotUnderstood{"puts an axis before the batch's"};
  std::vector<Term> rows;
  for (const Term& each : arguments.list("x")) rows.push_back(operations.expandDims(each, axis));
  return operations.concatenate(rows, axis);
}

/// In n equal parts, or at the sizes (tf.split) or places (keras.ops.split) of a list.
Term split(Operations& operations, Arguments& arguments, std::string_view places) {
  const Term& x = arguments.get("x");
  const Term& sections = arguments.get("sections");
  const int axis = arguments.whole("axis", 0);
  std::vector<Term> parts;
  if (sections.kind != Term::Kind::Sequence) {
    const int count = arguments.whole("sections");
    constexpr int kMost = 100;
    if (count < 1 || count > kMost) throw NotUnderstood{"splits a tensor in " + std::to_string(count)};
    for (int i = 0; i < count; ++i) {
      parts.push_back(operations.slice(x, onAxis(axis, {{"part", i}, {"of", count}})));
    }
    return sequenceTerm(std::move(parts));
  }
  const json numbers = arguments.wholes("sections");
  int start = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const int stop = places == "places" ? numbers[i].get<int>() : start + numbers[i].get<int>();
    parts.push_back(operations.slice(x, onAxis(axis, {{"start", start}, {"stop", stop}})));
    start = stop;
  }
  if (places == "places") parts.push_back(operations.slice(x, onAxis(axis, {{"start", start}})));
  return sequenceTerm(std::move(parts));
}

Term unstack(Operations& operations, Arguments& arguments, std::string_view) {
  const Term& x = arguments.get("x");
  if (!arguments.has("num")) throw NotUnderstood{"takes a tensor apart without saying in how many"};
  const int count = arguments.whole("num");
  constexpr int kMost = 100;
  if (count < 1 || count > kMost) throw NotUnderstood{"takes a tensor apart in " + std::to_string(count)};
  std::vector<Term> parts;
  for (int i = 0; i < count; ++i) parts.push_back(operations.slice(x, onAxis(arguments.whole("axis", 0), i)));
  return sequenceTerm(std::move(parts));
}

/// One place of an axis, which disappears, or a list of them.
Term take(Operations& operations, Arguments& arguments, std::string_view) {
  if (!arguments.has("axis")) throw NotUnderstood{"takes texts of the batch"};
  if (arguments.whole("batch_dims", 0) != 0)
    throw NotUnderstood{"takes other places in each text of the batch"};
  const Term& x = arguments.get("x");
  const int axis = arguments.whole("axis");
  const json places = arguments.wholes("indices");
  if (!places.is_array()) return operations.slice(x, onAxis(axis, places));
  std::vector<Term> parts;
  for (const json& place : places) {
    json bounds = {{"start", place}};
    if (place != -1) bounds["stop"] = place.get<int>() + 1;
    parts.push_back(operations.slice(x, onAxis(axis, bounds)));
  }
  return operations.concatenate(parts, axis);
}

/// tf.slice(x, begin, size), where -1 is all that is left.
Term part(Operations& operations, Arguments& arguments, std::string_view) {
  const json begin = arguments.wholes("begin");
  const json size = arguments.wholes("size");
  if (!begin.is_array() || !size.is_array() || begin.size() != size.size())
    throw NotUnderstood{"takes a part without a start and a size for each axis"};
  json items = json::array();
  for (size_t i = 0; i < begin.size(); ++i) {
    json bounds = {{"start", begin[i]}};
    if (size[i] != -1) bounds["stop"] = begin[i].get<int>() + size[i].get<int>();
    items.push_back(std::move(bounds));
  }
  return operations.slice(arguments.get("x"), std::move(items));
}

/// tf.strided_slice, with a bit for each axis in its masks.
Term stridedSlice(Operations& operations, Arguments& arguments, std::string_view) {
  const json begin = arguments.wholes("begin");
  const json end = arguments.wholes("end");
  if (!begin.is_array() || !end.is_array() || begin.size() != end.size())
    throw NotUnderstood{"takes a part without a start and an end for each axis"};
  json strides = json::array();
  if (arguments.has("strides")) strides = arguments.wholes("strides");
  const auto masked = [&](const char* mask, size_t axis) {
    return axis < 31 && (arguments.whole(mask, 0) >> axis & 1) != 0;
  };
  json items = json::array();
  for (size_t i = 0; i < begin.size(); ++i) {
    if (masked("ellipsis_mask", i)) {
      items.push_back("...");
    } else if (masked("new_axis_mask", i)) {
      items.push_back(nullptr);
    } else if (masked("shrink_axis_mask", i)) {
      items.push_back(begin[i]);
    } else {
      json bounds = json::object();
      if (!masked("begin_mask", i)) bounds["start"] = begin[i];
      if (!masked("end_mask", i)) bounds["stop"] = end[i];
      if (i < strides.size() && strides[i] != 1) bounds["step"] = strides[i];
      items.push_back(std::move(bounds));
    }
  }
  return operations.slice(arguments.get("x"), std::move(items));
}

Term flip(Operations& operations, Arguments& arguments, std::string_view) {
  Term x = arguments.get("x");
  if (!arguments.has("axis")) throw NotUnderstood{"turns all axes, the batch's included"};
  const json axes = arguments.wholes("axis");
  for (const json& axis : axes.is_array() ? axes : json::array({axes})) {
    x = operations.slice(x, onAxis(axis.get<int>(), {{"step", -1}}));
  }
  return x;
}

/// Ids, which need not be cast to whole numbers first.
Term oneHot(Operations& operations, Arguments& arguments, std::string_view) {
  size_t x = operations.tensor(arguments.get("x"));
  const Operation* operation = operations.of(x);
  if (operation != nullptr && operation->className == "Elementwise" &&
      operation->config["function"] == "trunc")
    x = operation->inputs[0];
  if (arguments.whole("axis", -1) != -1)
    throw NotUnderstood{"puts the classes on an axis that is not the last"};
  return operations.add("OneHot", {{"depth", arguments.whole("depth")}}, {x});
}

Term shapeOf(Operations& operations, Arguments& arguments, std::string_view) {
  Term shape = tensorTerm(operations.tensor(arguments.get("x")));
  shape.kind = Term::Kind::ShapeOf;
  return shape;
}

}  // namespace charglow::functions
