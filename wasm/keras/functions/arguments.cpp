#include "keras/functions/arguments.h"

#include <algorithm>

namespace charglow {
namespace {

struct Parameter {
  std::vector<std::string_view> names;
  bool byName = false;
};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(at), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// A truth value that says no, which is what most options say where they are left out.
bool saysNothing(const Term& term) {
  return term.isNone() || (term.kind == Term::Kind::Constant &&
                           term.value->kind == python::Value::Kind::Bool && !term.value->truth);
}

}  // namespace

Arguments::Arguments(std::string_view parameters, const CallTerms& call) {
  std::vector<Parameter> known;
  bool byName = false;
  bool rest = false;
  for (std::string_view written : split(parameters, ' ')) {
    if (written.starts_with('*')) {
      byName = true;
      written.remove_prefix(1);
    }
    if (written.ends_with("…")) {
      rest = true;
    } else {
      known.push_back({split(written, '|'), byName});
    }
  }
  for (size_t i = 0; i < call.places.size(); ++i) {
    if (i < known.size() && !known[i].byName) {
      given_.push_back({std::string(known[i].names[0]), call.places[i]});
    } else if (rest) {
      rest_.push_back(call.places[i]);
    } else {
      throw NotUnderstood{"gives more arguments by place than are known"};
    }
  }
  for (const auto& given : call.names) {
    const std::string& name = given.first;
    const Term& term = given.second;
    if (name == "name") continue;  // labels TensorFlow's graph, changes no number
    const auto parameter = std::find_if(known.begin(), known.end(), [&](const Parameter& each) {
      return std::find(each.names.begin(), each.names.end(), name) != each.names.end();
    });
    if (parameter == known.end()) {
      if (saysNothing(term)) continue;
      throw NotUnderstood{"has the option \"" + name + "\", which is not known"};
    }
    if (find(parameter->names[0]) != nullptr) {
      // Keras 3 gives some arguments both to the operation and to its call.
      throw NotUnderstood{"gives the option \"" + name + "\" twice"};
    }
    given_.push_back({std::string(parameter->names[0]), term});
  }
}

Arguments::Given* Arguments::find(std::string_view parameter) {
  const auto found = std::find_if(given_.begin(), given_.end(),
                                  [&](const Given& each) { return each.parameter == parameter; });
  return found == given_.end() ? nullptr : &*found;
}

bool Arguments::has(std::string_view parameter) const {
  return std::any_of(given_.begin(), given_.end(),
                     [&](const Given& each) { return each.parameter == parameter && !each.term.isNone(); });
}

const Term& Arguments::get(std::string_view parameter) {
  Given* given = find(parameter);
  if (given == nullptr) throw NotUnderstood{"has no \"" + std::string(parameter) + "\""};
  given->read = true;
  return given->term;
}

const std::vector<Term>& Arguments::rest() { return rest_; }

int Arguments::whole(std::string_view parameter) {
  const Term& term = get(parameter);
  const std::optional<int> number = term.whole();
  if (!number) {
    throw NotUnderstood{"has " + describe(term) + " for its " + std::string(parameter) +
                        ", which is not a whole number in its code"};
  }
  return *number;
}

int Arguments::whole(std::string_view parameter, int absent) {
  return has(parameter) ? whole(parameter) : absent;
}

nlohmann::json Arguments::wholes(std::string_view parameter) {
  if (!has(parameter) || get(parameter).kind != Term::Kind::Sequence) return whole(parameter);
  nlohmann::json numbers = nlohmann::json::array();
  for (const Term& item : get(parameter).items) {
    const std::optional<int> number = item.whole();
    if (!number) {
      throw NotUnderstood{"has " + describe(item) + " in its " + std::string(parameter) +
                          ", which is not a whole number in its code"};
    }
    numbers.push_back(*number);
  }
  if (numbers.empty()) throw NotUnderstood{"has an empty list for its " + std::string(parameter)};
  return numbers;
}

double Arguments::number(std::string_view parameter, double absent) {
  if (!has(parameter)) return absent;
  const Term& term = get(parameter);
  if (!term.isNumber())
    throw NotUnderstood{"has a " + std::string(parameter) + " that is not a number in its code"};
  return term.number();
}

bool Arguments::truth(std::string_view parameter, bool absent) {
  if (!has(parameter)) return absent;
  const Term& term = get(parameter);
  if (term.kind != Term::Kind::Constant || term.value->kind != python::Value::Kind::Bool) {
    throw NotUnderstood{"has a " + std::string(parameter) + " that is neither True nor False in its code"};
  }
  return term.value->truth;
}

std::string Arguments::text(std::string_view parameter, const std::string& absent) {
  if (!has(parameter)) return absent;
  const Term& term = get(parameter);
  if (!term.isText()) throw NotUnderstood{"has a " + std::string(parameter) + " that is no text in its code"};
  return term.value->text;
}

const std::vector<Term>& Arguments::list(std::string_view parameter) {
  const Term& term = get(parameter);
  if (term.kind != Term::Kind::Sequence)
    throw NotUnderstood{"has " + describe(term) + " for its " + std::string(parameter) +
                        ", which is no list"};
  return term.items;
}

/// A dtype that no handler reads goes with functions that compute the same in all of them: this engine
/// computes in float32, which holds the whole numbers that models count with.
void Arguments::finish() const {
  for (const Given& given : given_) {
    if (given.read || saysNothing(given.term) || given.parameter == "dtype") continue;
    throw NotUnderstood{"has " + describe(given.term) + " for its " + given.parameter +
                        ", which cannot be computed here"};
  }
}

}  // namespace charglow
