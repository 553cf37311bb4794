#include <toml/reader.hpp>

#include <gtest/gtest.h>

#include <array>

using namespace ashlar;

namespace {

// What errors a small strict reader gives for `text`; empty when none.
std::string errors_of(std::string text) {
    static constexpr std::array<std::string_view, 2> kinds{"node", "tools"};
    try {
        (void)toml::read(toml::source_from_text("recipes/roles/compute.toml", std::move(text)), [](toml::Table& root) {
            (void)root.text("summary");
            (void)root.texts("packages");
            (void)root.integer("count");
            (void)root.boolean("strict");
            (void)root.choice("kind", kinds);
            (void)root.pairs("providers");
            if (toml::Table* kernel = root.table("kernel")) (void)kernel->required_text("package");
            for (toml::Table* state : root.tables("state")) (void)state->required_text("path");
            return 0;
        });
        return {};
    } catch (const toml::SourceError& error) {
        return error.message();
    }
}

} // namespace

TEST(StrictReader, TakesWhatItKnows) {
    EXPECT_EQ(errors_of("summary = 'x'\npackages = ['a', 'b']\ncount = 3\nstrict = true\nkind = 'node'\n"
                        "providers = { mta = 'exim4' }\n[kernel]\npackage = 'linux'\n[[state]]\npath = '/a'\n"),
              "");
}

TEST(StrictReader, PointsAtAnUnknownKey) {
    EXPECT_EQ(errors_of("summary = \"x\"\n\npakages = [\"a\"]\n"),
              R"(recipes/roles/compute.toml:3:1: unknown key 'pakages'
  3 | pakages = ["a"]
    | ^~~~~~~
did you mean 'packages'?)");
}

TEST(StrictReader, ListsTheKnownKeysWhenNoneIsNear) {
    EXPECT_EQ(errors_of("[kernel]\npackage = 'linux'\nfrobnicate = 1\n"),
              R"(recipes/roles/compute.toml:3:1: unknown key 'frobnicate'
  3 | frobnicate = 1
    | ^~~~~~~~~~
known here: package)");
}

TEST(StrictReader, ReportsAllProblemsOfAFileInTheirOrder) {
    EXPECT_EQ(errors_of("packages = ['a', 3]\nsummary = 1979-05-27\n[kernel]\n[[state]]\npath = 1.5\n[[state]]\n"),
              R"(recipes/roles/compute.toml:1:18: 'packages' must hold only strings, not a whole number
  1 | packages = ['a', 3]
    |                  ^

recipes/roles/compute.toml:2:11: 'summary' must be a string, not a date
  2 | summary = 1979-05-27
    |           ^~~~~~~~~~

recipes/roles/compute.toml:3:1: missing key 'package'
  3 | [kernel]
    | ^~~~~~~~

recipes/roles/compute.toml:5:8: 'path' must be a string, not a number with a fraction
  5 | path = 1.5
    |        ^~~

recipes/roles/compute.toml:6:1: missing key 'path'
  6 | [[state]]
    | ^~~~~~~~~)");
}

TEST(StrictReader, NamesTheTypeItWanted) {
    EXPECT_EQ(errors_of("packages = 'a'"),
              R"(recipes/roles/compute.toml:1:12: 'packages' must be a list of strings, not a string
  1 | packages = 'a'
    |            ^~~)");
    EXPECT_EQ(errors_of("kernel = true"), R"(recipes/roles/compute.toml:1:10: 'kernel' must be a table, not a boolean
  1 | kernel = true
    |          ^~~~)");
    EXPECT_EQ(errors_of("[state]\nx = 1"),
              R"(recipes/roles/compute.toml:1:1: 'state' must be a list of tables, not a table
  1 | [state]
    | ^~~~~~~)");
    EXPECT_EQ(errors_of("strict = 'yes'"),
              R"(recipes/roles/compute.toml:1:10: 'strict' must be true or false, not a string
  1 | strict = 'yes'
    |          ^~~~~)");
    EXPECT_EQ(errors_of("providers = { a = [] }"),
              R"(recipes/roles/compute.toml:1:19: 'providers' must hold only strings, not a list
  1 | providers = { a = [] }
    |                   ^~)");
}

TEST(StrictReader, OffersTheWordsOfAClosedSet) {
    EXPECT_EQ(errors_of("kind = 'nodes'"), R"(recipes/roles/compute.toml:1:8: unknown kind 'nodes'
  1 | kind = 'nodes'
    |        ^~~~~~~
did you mean 'node'?)");
    EXPECT_EQ(errors_of("kind = 'vm'"), R"(recipes/roles/compute.toml:1:8: unknown kind 'vm'
  1 | kind = 'vm'
    |        ^~~~
known: node, tools)");
}

TEST(StrictReader, AMissingKeyOfTheFileNamesTheFile) {
    try {
        (void)toml::read(toml::source_from_text("site.toml", "\n"),
                         [](toml::Table& root) { return root.required_text("name"); });
        FAIL();
    } catch (const toml::SourceError& error) {
        EXPECT_EQ(error.message(), "site.toml: missing key 'name'");
    }
}

TEST(StrictReader, AnEmptyListDoesNotSatisfyARequiredOne) {
    try {
        (void)toml::read(toml::source_from_text("site.toml", "keys = []\n"),
                         [](toml::Table& root) { return root.required_texts("keys"); });
        FAIL();
    } catch (const toml::SourceError& error) {
        EXPECT_EQ(error.message(),
                  "site.toml:1:8: 'keys' must hold at least one string\n  1 | keys = []\n    |        ^~");
    }
}

TEST(StrictReader, ManyProblemsAreCut) {
    std::string text;
    for (int i = 0; i < 27; ++i) text += "zzz" + std::to_string(i) + " = 1\n";
    const std::string errors = errors_of(text);
    EXPECT_TRUE(errors.ends_with("\n\nand 17 more problems")) << errors;
}
