#include "syntax.hpp"

#include "place.hpp"

#include <formation/expression.hpp>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace ashlar::formation::syntax {

namespace {

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
constexpr std::string_view digits = "0123456789";

struct Token {
    enum class Kind { end, word, text, number, sign } kind = Kind::end;
    std::string_view text; // of a text: without its quotation marks
    std::size_t offset = 0, size = 0;
    [[nodiscard]] bool is(std::string_view what) const { return (kind == Kind::word || kind == Kind::sign) && text == what; }
};

// What people write who know another language.
struct Habit {
    std::string_view wrong, remedy;
};
constexpr std::array habits{Habit{"&&", "write 'and'"},
                            Habit{"||", "write 'or'"},
                            Habit{">=", "write 'not … < …'"},
                            Habit{"<=", "write 'not', and turn the sides around: only '<' is known"},
                            Habit{">", "turn the sides around: only '<' is known"},
                            Habit{"=", "write '=='"},
                            Habit{"!", "write 'not'"}};

struct Failure {
    std::size_t offset, size;
    std::string message, remedy;
};

class Tokens {
public:
    Tokens(std::string_view text, std::size_t offset, std::size_t end) : text_(text), at_(offset), end_(end) { advance(); }

    [[nodiscard]] const Token& peek() const { return token_; }
    Token take() {
        const Token taken = token_;
        advance();
        return taken;
    }
    bool accept(std::string_view what) {
        if (!token_.is(what)) return false;
        advance();
        return true;
    }
    // Where the last token ended.
    [[nodiscard]] std::size_t last_end() const { return last_end_; }

private:
    void advance() {
        last_end_ = token_.offset + token_.size;
        while (at_ < end_ && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
        token_ = at_ == end_ ? Token{Token::Kind::end, {}, end_, 0} : next();
        at_ = token_.offset + token_.size;
    }

    Token next() {
        const char c = text_[at_];
        if (letters.find(c) != std::string_view::npos) return run(Token::Kind::word, [](char d) { return letters.find(d) != letters.npos || digits.find(d) != digits.npos || d == '.' || d == '-'; });
        if (digits.find(c) != std::string_view::npos || c == '-') return run(Token::Kind::number, [](char d) { return digits.find(d) != digits.npos || d == '-'; });
        if (c == '\'' || c == '"') return quoted(c);
        for (const std::string_view sign : {"==", "!="})
            if (rest().starts_with(sign)) return sign_of(sign.size());
        for (const auto& habit : habits)
            if (rest().starts_with(habit.wrong)) throw Failure{at_, habit.wrong.size(), fmt::format("'{}' is no word of a condition", habit.wrong), std::string(habit.remedy)};
        if (std::string_view("<()[],").find(c) != std::string_view::npos) return sign_of(1);
        throw Failure{at_, 1, fmt::format("{} is no word of a condition", toml::quote(rest().substr(0, 1))), {}};
    }

    template <typename Belongs> Token run(Token::Kind kind, Belongs belongs) const {
        std::size_t end = at_;
        while (end < end_ && belongs(text_[end])) ++end;
        return {kind, text_.substr(at_, end - at_), at_, end - at_};
    }

    Token quoted(char mark) const {
        const std::size_t close = text_.substr(0, end_).find(mark, at_ + 1);
        if (close == std::string_view::npos) throw Failure{at_, end_ - at_, "a text without its end", fmt::format("close it with {}", mark)};
        return {Token::Kind::text, text_.substr(at_ + 1, close - at_ - 1), at_, close + 1 - at_};
    }

    [[nodiscard]] Token sign_of(std::size_t size) const { return {Token::Kind::sign, text_.substr(at_, size), at_, size}; }
    [[nodiscard]] std::string_view rest() const { return text_.substr(at_, end_ - at_); }

    std::string_view text_;
    std::size_t at_, end_, last_end_ = 0;
    Token token_;
};

constexpr std::array reserved{"and", "or", "not", "in", "has", "true", "false"};

// disjunction = conjunction { "or" conjunction }
// conjunction = negation { "and" negation }
// negation    = "not" negation | comparison
// comparison  = operand [ ( "==" | "!=" | "<" | "in" ) operand ]
// operand     = "(" disjunction ")" | "has" name | name | literal
// literal     = "true" | "false" | number | text | "[" [ text { "," text } ] "]"
class Parser {
public:
    explicit Parser(Tokens tokens) : tokens_(std::move(tokens)) {}

    Node parse() {
        Node node = disjunction();
        if (const Token& rest = tokens_.peek(); rest.kind != Token::Kind::end)
            throw Failure{rest.offset, rest.size, fmt::format("the condition goes on where it should end, with {}", toml::quote(rest.text)), "join conditions with 'and' or 'or'"};
        return node;
    }

private:
    Node disjunction() {
        return chain(Node::Kind::disjunction, "or", [this] { return chain(Node::Kind::conjunction, "and", [this] { return negation(); }); });
    }

    template <typename Part> Node chain(Node::Kind kind, std::string_view word, Part part) {
        Node first = part();
        if (!tokens_.peek().is(word)) return first;
        Node node{kind, {}, {}, {}, first.offset, 0};
        node.operands.push_back(std::move(first));
        while (tokens_.accept(word)) node.operands.push_back(part());
        return closed(std::move(node));
    }

    Node negation() {
        const Token token = tokens_.peek();
        if (!tokens_.accept("not")) return comparison();
        const Level level(*this, token);
        Node node{Node::Kind::negation, {}, {}, {}, token.offset, 0};
        node.operands.push_back(negation());
        return closed(std::move(node));
    }

    Node comparison() {
        Node left = operand();
        struct Sign {
            std::string_view text;
            Node::Kind kind;
        };
        for (const auto& [text, kind] : {Sign{"==", Node::Kind::equal}, Sign{"!=", Node::Kind::unequal}, Sign{"<", Node::Kind::less}, Sign{"in", Node::Kind::in}})
            if (tokens_.accept(text)) {
                Node node{kind, {}, {}, {}, left.offset, 0};
                node.operands.push_back(std::move(left));
                node.operands.push_back(operand());
                return closed(std::move(node));
            }
        return left;
    }

    Node operand() {
        const Token token = tokens_.take();
        if (token.is("(")) return parenthesis(token);
        if (token.is("[")) return list(token);
        if (token.is("has")) return has(token);
        if (token.is("true") || token.is("false")) return literal(token, token.is("true"));
        if (token.kind == Token::Kind::text) return literal(token, std::string(token.text));
        if (token.kind == Token::Kind::number) return literal(token, number(token));
        if (is_name(token)) return {Node::Kind::name, {}, std::string(token.text), {}, token.offset, token.size};
        throw expected("a name, a literal or '('", token);
    }

    Node parenthesis(const Token& open) {
        const Level level(*this, open);
        Node node = disjunction();
        expect(")");
        return node;
    }

    Node has(const Token& word) {
        const Token token = tokens_.take();
        if (!is_name(token)) throw expected("a name behind 'has'", token);
        return closed({Node::Kind::has, {}, std::string(token.text), {}, word.offset, 0});
    }

    Node list(const Token& open) {
        Json texts = Json::array();
        while (!tokens_.peek().is("]")) {
            if (!texts.empty()) expect(",");
            const Token token = tokens_.take();
            if (token.kind != Token::Kind::text) throw expected("a text, as a list holds no other literals", token);
            texts.push_back(std::string(token.text));
        }
        expect("]");
        return closed({Node::Kind::literal, std::move(texts), {}, {}, open.offset, 0});
    }

    static Node literal(const Token& token, Json value) { return {Node::Kind::literal, std::move(value), {}, {}, token.offset, token.size}; }

    static std::int64_t number(const Token& token) {
        std::int64_t value = 0;
        const auto [end, failure] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
        if (failure != std::errc() || end != token.text.data() + token.text.size()) throw Failure{token.offset, token.size, fmt::format("{} is no whole number", toml::quote(token.text)), {}};
        return value;
    }

    static bool is_name(const Token& token) { return token.kind == Token::Kind::word && std::ranges::find(reserved, token.text) == reserved.end(); }

    void expect(std::string_view sign) {
        if (const Token token = tokens_.take(); !token.is(sign)) throw expected(fmt::format("'{}'", sign), token);
    }

    static Failure expected(std::string_view what, const Token& token) {
        const std::string found = token.kind == Token::Kind::end ? "the condition ends" : fmt::format("there is {}", toml::quote(token.text));
        return {token.offset, token.size, fmt::format("{} where {} should be", found, what), {}};
    }

    Node closed(Node node) const {
        node.size = tokens_.last_end() - node.offset;
        return node;
    }

    // Counts nesting for as long as it lives: what is read must not exhaust the stack.
    class Level {
    public:
        Level(Parser& parser, const Token& at) : parser_(parser) {
            if (++parser_.levels_ > Expression::most_levels) throw Failure{at.offset, at.size, fmt::format("the condition is nested deeper than {} levels", Expression::most_levels), {}};
        }
        ~Level() { --parser_.levels_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

    private:
        Parser& parser_;
    };

    Tokens tokens_;
    std::size_t levels_ = 0;
};

} // namespace

std::optional<Node> parse(const toml::Text& text, std::size_t offset, std::size_t size, toml::Problems& problems) {
    try {
        if (size > Expression::longest) throw Failure{offset, 1, fmt::format("a condition of more than {} bytes", Expression::longest), {}};
        return Parser(Tokens(text.value, offset, offset + size)).parse();
    } catch (Failure& failure) {
        problems.add(place_in(text, failure.offset, failure.size), std::move(failure.message), std::move(failure.remedy));
        return std::nullopt;
    }
}

} // namespace ashlar::formation::syntax
