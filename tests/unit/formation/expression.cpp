// Conditions: what they say, and the whole text of what is wrong with them.

#include <formation/expression.hpp>
#include <formation/template.hpp>

#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::formation;

namespace {

Scope scope() {
    Scope scope;
    scope.add("observation.running", {Type::boolean});
    scope.add("observation.members", {Type::texts});
    scope.add("observation.size", {Type::number, Symbol::Presence::sometimes});
    scope.add("observation.cluster", {Type::text, Symbol::Presence::sometimes});
    scope.add("node.id", {Type::text});
    scope.allow_foreign("facts", Reference::Kind::fact);
    return scope;
}

const Names names = Json::parse(R"({"observation": {"running": true, "members": ["n1", "n2"], "size": 3, "cluster": "c7"}, "node": {"id": "n1"}})");

bool holds(const std::string& text, const Names& values = names) {
    toml::Problems problems;
    const auto expression = Expression::read({text, {}}, scope(), Type::boolean, problems);
    problems.raise();
    return expression->holds(values);
}

// Of `when = "<text>"`.
std::string what_is_wrong(const std::string& text, char quote = '"') {
    const std::string line = std::string("when = ") + quote + text + quote;
    const auto source = toml::source_from_text("a.toml", line);
    toml::Problems problems;
    const toml::Text placed{text, {source, 1, 8, text.size() + 2}};
    EXPECT_FALSE(Expression::read(placed, scope(), Type::boolean, problems));
    try {
        problems.raise();
    } catch (const toml::SourceError& error) {
        return error.message();
    }
    return "nothing";
}

} // namespace

TEST(Expression, Holds) {
    EXPECT_TRUE(holds("observation.running"));
    EXPECT_TRUE(holds("not (not observation.running)"));
    EXPECT_TRUE(holds("false or observation.running and true"));
    EXPECT_FALSE(holds("(true or true) and false"));
    EXPECT_TRUE(holds("true or true and false")) << "'and' binds closer";
    EXPECT_TRUE(holds("node.id in observation.members"));
    EXPECT_FALSE(holds("node.id in []"));
    EXPECT_TRUE(holds("node.id in ['n1', 'n9']"));
    EXPECT_TRUE(holds("observation.size < 4"));
    EXPECT_FALSE(holds("observation.size < 3"));
    EXPECT_TRUE(holds("-1 < observation.size"));
    EXPECT_TRUE(holds("observation.cluster == 'c7'"));
    EXPECT_TRUE(holds("not observation.cluster != 'c7'"));
    EXPECT_TRUE(holds("has observation.cluster"));
    EXPECT_TRUE(holds("observation.members == ['n1', 'n2']"));
}

TEST(Expression, IsTotalWhereNothingIsThere) {
    const Names nothing = Json::object();
    EXPECT_FALSE(holds("observation.running", nothing));
    EXPECT_FALSE(holds("has observation.cluster", nothing));
    EXPECT_FALSE(holds("observation.cluster == observation.cluster", nothing)) << "what is absent equals nothing";
    EXPECT_TRUE(holds("observation.cluster != 'c7'", nothing));
    EXPECT_FALSE(holds("observation.size < 3 or 3 < observation.size", nothing));
    EXPECT_FALSE(holds("node.id in observation.members", nothing));
}

TEST(Expression, RefersToWhatOthersMake) {
    toml::Problems problems;
    const auto expression = Expression::read({"facts.mariadb.cluster == 'x'", {}}, scope(), Type::boolean, problems);
    ASSERT_TRUE(expression);
    ASSERT_EQ(expression->references().size(), 1u);
    EXPECT_EQ(expression->references()[0].formation, "mariadb");
    EXPECT_EQ(expression->references()[0].name, "cluster");
    EXPECT_TRUE(expression->holds(Json::parse(R"({"facts": {"mariadb": {"cluster": "x"}}})")));
}

TEST(Expression, ShowsWhatIsWrongAndWhere) {
    EXPECT_EQ(what_is_wrong("observation.runing"), R"(a.toml:1:9: unknown name 'observation.runing'
  1 | when = "observation.runing"
    |         ^~~~~~~~~~~~~~~~~~
did you mean 'observation.running'?)");
    EXPECT_EQ(what_is_wrong("true && false"), R"(a.toml:1:14: '&&' is no word of a condition
  1 | when = "true && false"
    |              ^~
write 'and')");
    EXPECT_EQ(what_is_wrong("observation.size > 3"), R"(a.toml:1:26: '>' is no word of a condition
  1 | when = "observation.size > 3"
    |                          ^
turn the sides around: only '<' is known)");
    EXPECT_EQ(what_is_wrong("node.id"), R"(a.toml:1:9: this is a text, where true or false should be
  1 | when = "node.id"
    |         ^~~~~~~)");
    EXPECT_EQ(what_is_wrong("node.id == 3"), R"(a.toml:1:9: a text and a number are never the same
  1 | when = "node.id == 3"
    |         ^~~~~~~~~~~~)");
    EXPECT_EQ(what_is_wrong("has node.id"), R"(a.toml:1:9: 'node.id' is always there
  1 | when = "has node.id"
    |         ^~~~~~~~~~~
leave 'has' out, or compare it with something)");
    EXPECT_EQ(what_is_wrong("true false"), R"(a.toml:1:14: the condition goes on where it should end, with 'false'
  1 | when = "true false"
    |              ^~~~~
join conditions with 'and' or 'or')");
    EXPECT_EQ(what_is_wrong("not"), R"(a.toml:1:12: the condition ends where a name, a literal or '(' should be
  1 | when = "not"
    |            ^)");
    EXPECT_EQ(what_is_wrong("node"), R"(a.toml:1:9: 'node' is not a value
  1 | when = "node"
    |         ^~~~
it has: node.id)");
}

TEST(Expression, IsNotNestedForEver) {
    EXPECT_NE(what_is_wrong(std::string(40, '(') + "true" + std::string(40, ')')).find("nested deeper than 32 levels"), std::string::npos);
    std::string nots;
    for (int i = 0; i < 40; ++i) nots += "not ";
    EXPECT_NE(what_is_wrong(nots + "true").find("nested deeper"), std::string::npos);
    EXPECT_NE(what_is_wrong(std::string(3000, ' ') + "true").find("more than 2000 bytes"), std::string::npos);
}

TEST(Template, IsFilledIn) {
    toml::Problems problems;
    const auto text = Template::read({"id=${node.id} $HOME $${x} size=${observation.size}.", {}}, scope(), problems);
    ASSERT_TRUE(text);
    EXPECT_EQ(std::get<std::string>(text->fill(names)), "id=n1 $HOME ${x} size=3.");
    EXPECT_EQ(std::get<Absent>(text->fill(Json::parse(R"({"node": {"id": "n1"}})"))), Absent{"observation.size"});
}

TEST(Template, ShowsThePlaceInAMultiLineText) {
    const std::string value = "first\nname = ${node.ib}\n";
    const auto source = toml::source_from_text("a.toml", "text = \"\"\"\n" + value + "\"\"\"\n");
    toml::Problems problems;
    EXPECT_FALSE(Template::read({value, {source, 1, 8, 3}}, scope(), problems));
    try {
        problems.raise();
        FAIL();
    } catch (const toml::SourceError& error) {
        EXPECT_EQ(error.message(), R"(a.toml:3:10: unknown name 'node.ib'
  3 | name = ${node.ib}
    |          ^~~~~~~
did you mean 'node.id'?)");
    }
}
