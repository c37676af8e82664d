#include "keras/python_text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "error.h"
#include "keras/python_interpreter.h"

namespace charglow::python {

namespace {

constexpr size_t kMaxText = 4000;

struct Token {
  enum class Kind { Name, Number, Text, Sign, End };
  Kind kind = Kind::End;
  std::string text;  ///< of a Text: what it stands for
  size_t at = 0;     ///< where it starts
};

/// Stops the reading at a place of the text.
struct Mistake {
  std::string what;
  size_t at;
};

std::vector<Token> tokensOf(const std::string& text) {
  constexpr std::array<std::string_view, 8> kLong = {"...", "**", "//", "<=", ">=", "==", "!=", "->"};
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::vector<Token> tokens;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at;
      continue;
    }
    Token token{Token::Kind::Sign, std::string(1, c), at};
    size_t end = at + 1;
    const auto sign = std::find_if(kLong.begin(), kLong.end(), [&](std::string_view each) {
      return text.compare(at, each.size(), each) == 0;
    });
    if (sign != kLong.end()) {
      end = at + sign->size();
      token.text = *sign;
    } else if (digit(c) || (c == '.' && end < text.size() && digit(text[end]))) {
      const auto part = [&](char before, char here) {
        return digit(here) || here == '.' || here == '_' || here == 'e' || here == 'E' ||
               ((here == '+' || here == '-') && (before == 'e' || before == 'E'));
      };
      while (end < text.size() && part(text[end - 1], text[end])) ++end;
      token.kind = Token::Kind::Number;
      token.text = text.substr(at, end - at);
      std::erase(token.text, '_');
    } else if (isName(token.text)) {
      while (end < text.size() && isName(text.substr(end, 1))) ++end;
      token.kind = Token::Kind::Name;
      token.text = text.substr(at, end - at);
      if (!isName(token.text)) throw Mistake{"a name that is too long", at};
    } else if (c == '\'' || c == '"') {
      token.kind = Token::Kind::Text;
      token.text.clear();
      while (end < text.size() && text[end] != c) {
        if (text[end] == '\\' && end + 1 < text.size()) ++end;
        token.text += text[end++];
      }
      if (end >= text.size()) throw Mistake{"a text without its closing quote", at};
      ++end;
    }
    tokens.push_back(std::move(token));
    at = end;
  }
  tokens.push_back({Token::Kind::End, "", text.size()});
  return tokens;
}

struct BinarySign {
  std::string_view text;
  int tightness;
  Operator sign;
};

/// In Python's order of precedence; the signs of one line of its grammar have the same number.
constexpr BinarySign kBinary[] = {
    {"<", 1, Operator::Less},       {"<=", 1, Operator::LessEqual},   {"==", 1, Operator::Equal},
    {"!=", 1, Operator::NotEqual},  {">", 1, Operator::Greater},      {">=", 1, Operator::GreaterEqual},
    {"|", 2, Operator::Or},         {"^", 3, Operator::Xor},          {"&", 4, Operator::And},
    {"+", 5, Operator::Add},        {"-", 5, Operator::Subtract},     {"*", 6, Operator::Multiply},
    {"/", 6, Operator::TrueDivide}, {"//", 6, Operator::FloorDivide}, {"%", 6, Operator::Modulo},
    {"@", 6, Operator::MatMultiply}};
constexpr int kComparison = 1;
constexpr int kTightest = 6;

/// Python's words that are no names.
constexpr std::array<std::string_view, 14> kKeywords = {"if",     "else", "for",    "in",   "is",
                                                        "and",    "or",   "not",    "def",  "lambda",
                                                        "import", "from", "return", "yield"};

class Parser {
 public:
  explicit Parser(const std::string& text) : tokens_(tokensOf(text)) {}

  Function function() {
    Function function;
    function.name = "<lambda>";
    const bool lambda = takeName("lambda");
    if (lambda) {
      do {
        function.arguments.push_back(name());
      } while (take(","));
      expect(":");
      arguments_ = function.arguments;
      function.result = expression();
    } else {
      function.arguments = arguments_ = {"x"};
      function.result = expression();
    }
    if (here().kind != Token::Kind::End) refuse("\"" + here().text + "\", where it could end");
    if (!lambda) function.result = withInput(function.result);
    return function;
  }

 private:
  [[nodiscard]] const Token& here() const { return tokens_[next_]; }
  [[noreturn]] void refuse(const std::string& what) const { throw Mistake{what, here().at}; }

  bool take(std::string_view sign) {
    if (here().kind != Token::Kind::Sign || here().text != sign) return false;
    ++next_;
    return true;
  }
  bool takeName(std::string_view name) {
    if (here().kind != Token::Kind::Name || here().text != name) return false;
    ++next_;
    return true;
  }
  void expect(std::string_view sign) {
    if (!take(sign)) refuse(found() + ", where \"" + std::string(sign) + "\" belongs");
  }
  [[nodiscard]] std::string found() const {
    return here().kind == Token::Kind::End ? "its end" : "\"" + here().text + "\"";
  }
  std::string name() {
    const bool keyword = std::find(kKeywords.begin(), kKeywords.end(), here().text) != kKeywords.end();
    if (here().kind != Token::Kind::Name || keyword) refuse(found() + ", where a name belongs");
    return tokens_[next_++].text;
  }

  /// The expression as it is where it uses the input; a call that does not gets the input, a name is called.
  ExpressionPtr withInput(const ExpressionPtr& written) {
    if (usesInput_) return written;
    const ExpressionPtr input = variable(Expression::Kind::Argument, "x", 0);
    if (written->kind == Expression::Kind::Global || written->kind == Expression::Kind::Attribute) {
      return call(written, {input}, {});
    }
    if (written->kind != Expression::Kind::Call) throw Mistake{"nothing that uses the input, x", 0};
    std::vector<ExpressionPtr> operands(written->operands.begin() + 1, written->operands.end());
    operands.insert(operands.begin(), input);
    return call(written->operands[0], std::move(operands), written->keywords);
  }

  ExpressionPtr expression() {
    if (++depth_ > kMaxExpressionDepth) refuse("an expression nested too deep");
    ExpressionPtr result = binary(kComparison);
    --depth_;
    return result;
  }

  ExpressionPtr binary(int tightness) {
    if (tightness > kTightest) return unary();
    ExpressionPtr left = binary(tightness + 1);
    for (bool compared = false;; compared = true) {
      const auto* sign = std::find_if(std::begin(kBinary), std::end(kBinary), [&](const BinarySign& each) {
        return each.tightness == tightness && here().kind == Token::Kind::Sign && here().text == each.text;
      });
      if (sign == std::end(kBinary)) return left;
      if (compared && tightness == kComparison) refuse("a comparison of a comparison");
      ++next_;
      left = built(Expression::Kind::Binary, {left, binary(tightness + 1)}, sign->sign);
    }
  }

  ExpressionPtr unary() {
    if (++depth_ > kMaxExpressionDepth) refuse("an expression nested too deep");
    ExpressionPtr result;
    if (take("-")) {
      result = negative(unary());
    } else if (take("+")) {
      result = unary();
    } else if (take("~")) {
      result = built(Expression::Kind::Unary, {unary()}, Operator::Invert);
    } else {
      result = power();
    }
    --depth_;
    return result;
  }

  /// A negative number is a constant, as Python's compiler makes it one.
  static ExpressionPtr negative(const ExpressionPtr& operand) {
    if (operand->kind == Expression::Kind::Constant) {
      Value value = *operand->value;
      const bool number = value.kind == Value::Kind::Int || value.kind == Value::Kind::Float;
      value.integer = -value.integer;
      value.real = -value.real;
      if (number) return constant(std::make_shared<const Value>(std::move(value)));
    }
    return built(Expression::Kind::Unary, {operand}, Operator::Negative);
  }

  ExpressionPtr power() {
    ExpressionPtr base = primary();
    if (!take("**")) return base;
    return built(Expression::Kind::Binary, {std::move(base), unary()}, Operator::Power);
  }

  ExpressionPtr primary() {
    ExpressionPtr result = atom();
    while (true) {
      if (take(".")) {
        result = named(Expression::Kind::Attribute, name(), {std::move(result)});
      } else if (take("(")) {
        result = callOf(std::move(result));
      } else if (take("[")) {
        result = built(Expression::Kind::Subscript, {std::move(result), index()});
      } else {
        return result;
      }
    }
  }

  ExpressionPtr callOf(ExpressionPtr callee) {
    std::vector<ExpressionPtr> arguments;
    std::vector<std::string> keywords;
    while (!take(")")) {
      const Token& following = tokens_[std::min(next_ + 1, tokens_.size() - 1)];
      if (here().kind == Token::Kind::Name && following.kind == Token::Kind::Sign && following.text == "=") {
        keywords.push_back(name());
        ++next_;
      } else if (!keywords.empty()) {
        refuse("an argument by place behind one by name");
      }
      arguments.push_back(expression());
      if (!take(",") && !(here().kind == Token::Kind::Sign && here().text == ")"))
        refuse(found() + ", where \",\" or \")\" belongs");
    }
    return call(std::move(callee), std::move(arguments), std::move(keywords));
  }

  ExpressionPtr index() {
    std::vector<ExpressionPtr> items;
    bool several = false;
    while (!take("]")) {
      items.push_back(indexItem());
      if (take(",")) {
        several = true;
      } else if (!(here().kind == Token::Kind::Sign && here().text == "]")) {
        refuse(found() + ", where \",\" or \"]\" belongs");
      }
    }
    if (items.empty()) refuse("nothing between brackets");
    return several ? built(Expression::Kind::Tuple, std::move(items)) : items[0];
  }

  ExpressionPtr indexItem() {
    const auto bound = [&] {
      const bool absent = here().kind == Token::Kind::Sign &&
                          (here().text == ":" || here().text == "," || here().text == "]");
      return absent ? none() : expression();
    };
    const bool sliceFirst = here().kind == Token::Kind::Sign && here().text == ":";
    ExpressionPtr first = sliceFirst ? none() : expression();
    if (!take(":")) return first;
    std::vector<ExpressionPtr> bounds = {std::move(first), bound()};
    if (take(":")) bounds.push_back(bound());
    return built(Expression::Kind::Slice, std::move(bounds));
  }

  ExpressionPtr atom() {
    const Token token = here();
    switch (token.kind) {
      case Token::Kind::Number:
        ++next_;
        return number(token);
      case Token::Kind::Text: {
        ++next_;
        Value value;
        value.kind = Value::Kind::Text;
        value.text = token.text;
        return constant(std::make_shared<const Value>(std::move(value)));
      }
      case Token::Kind::Name:
        return namedAtom();
      default:
        break;
    }
    if (take("...")) {
      Value value;
      value.kind = Value::Kind::Ellipsis;
      return constant(std::make_shared<const Value>(std::move(value)));
    }
    if (take("(")) return sequence(Expression::Kind::Tuple, ")");
    if (take("[")) return sequence(Expression::Kind::List, "]");
    refuse(found() + ", where a value belongs");
  }

  ExpressionPtr sequence(Expression::Kind kind, std::string_view end) {
    std::vector<ExpressionPtr> items;
    bool comma = false;
    while (!take(end)) {
      items.push_back(expression());
      if (take(",")) {
        comma = true;
      } else if (!(here().kind == Token::Kind::Sign && here().text == end)) {
        refuse(found() + ", where \",\" or \"" + std::string(end) + "\" belongs");
      }
    }
    if (kind == Expression::Kind::Tuple && items.size() == 1 && !comma) return items[0];
    return built(kind, std::move(items));
  }

  ExpressionPtr number(const Token& token) const {
    Value value;
    char* end = nullptr;
    errno = 0;
    if (token.text.find_first_of(".eE") == std::string::npos) {
      value.kind = Value::Kind::Int;
      value.integer = std::strtoll(token.text.c_str(), &end, 10);
    } else {
      value.kind = Value::Kind::Float;
      value.real = std::strtod(token.text.c_str(), &end);
    }
    if (end != token.text.c_str() + token.text.size() || errno == ERANGE)
      throw Mistake{"a number that is none, \"" + token.text + "\"", token.at};
    return constant(std::make_shared<const Value>(std::move(value)));
  }

  ExpressionPtr namedAtom() {
    const std::string word = name();
    Value value;
    if (word == "None") return none();
    if (word == "True" || word == "False") {
      value.kind = Value::Kind::Bool;
      value.truth = word == "True";
      return constant(std::make_shared<const Value>(std::move(value)));
    }
    const auto argument = std::find(arguments_.begin(), arguments_.end(), word);
    if (argument == arguments_.end()) return named(Expression::Kind::Global, word);
    usesInput_ = true;
    return variable(Expression::Kind::Argument, word, static_cast<size_t>(argument - arguments_.begin()));
  }

  std::vector<Token> tokens_;
  size_t next_ = 0;
  size_t depth_ = 0;
  std::vector<std::string> arguments_;
  bool usesInput_ = false;
};

}  // namespace

Function parseFunction(const std::string& text, const std::string& where) {
  const auto refuse = [&](const std::string& actual) {
    throw Error({"lambda-text", where, "what the layer computes, such as \"sum(axis=1)\" or \"x[:, -1, :]\"",
                 actual, ""});
  };
  if (text.size() > kMaxText) refuse("a text of " + std::to_string(text.size()) + " bytes");
  try {
    return Parser(text).function();
  } catch (const Mistake& mistake) {
    refuse(mistake.what + " at character " + std::to_string(mistake.at + 1) + " of \"" + shortened(text) +
           "\"");
  } catch (const Fault& fault) {
    refuse(fault.what + ", \"" + shortened(text) + "\"");
  }
  return {};
}

}  // namespace charglow::python
