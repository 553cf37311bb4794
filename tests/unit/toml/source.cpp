#include <toml/value.hpp>

#include <gtest/gtest.h>

#include <base/file.hpp>

using namespace ashlar;

namespace {

std::string syntax_error(std::string text) {
    try {
        (void)toml::parse(toml::source_from_text("x.toml", std::move(text)));
        return {};
    } catch (const toml::SourceError& error) {
        return error.message();
    }
}

std::string place(std::string text, std::size_t line, std::size_t column, std::size_t length) {
    return toml::render({{toml::source_from_text("x", std::move(text)), line, column, length}, "m", "", {}});
}

} // namespace

TEST(Syntax, ErrorsHaveTheSameShape) {
    EXPECT_EQ(syntax_error("a =\n"), "x.toml:1:4: not TOML: expected value, saw '\\n'\n  1 | a =\n    |    ^");
    EXPECT_EQ(syntax_error("a = [1,\n"),
              "x.toml:1:8: not TOML: encountered end-of-file\n  1 | a = [1,\n    |        ^");
    EXPECT_EQ(syntax_error("a = 1 b = 2"),
              "x.toml:1:7: not TOML: expected a comment or whitespace, saw 'b'\n  1 | a = 1 b = 2\n    |       ^");
}

TEST(Syntax, AnUnterminatedStringIsCalledThat) {
    EXPECT_EQ(syntax_error("a = \"x\nb = 1\n"),
              "x.toml:1:7: not TOML: the string has no end on this line\n  1 | a = \"x\n    |       ^");
}

TEST(Syntax, CharactersOutsideAsciiBelongInStrings) {
    EXPECT_EQ(syntax_error("größe = 1\n"),
              "x.toml:1:3: not TOML: expected '=', saw '\u00F6'\n  1 | größe = 1\n    |   ^");
    EXPECT_EQ(syntax_error("a = 1 \u2028 b\n"), "x.toml:1:7: not TOML: expected a comment or whitespace, saw "
                                                "'\\xe2\\x80\\xa8'\n  1 | a = 1 ? b\n    |       ^");
    EXPECT_EQ(syntax_error("\"größe\" = \"\"\"\\\n  ähnlich\"\"\" # später\n"), "");
}

TEST(Syntax, AKeyWrittenTwiceIsShownItself) {
    EXPECT_EQ(syntax_error("[t]\nabc = 1\n\tabc = 2\n"),
              "x.toml:3:2: not TOML: cannot redefine existing integer 'abc'\n  3 | \tabc = 2\n    | \t^~~");
    EXPECT_EQ(syntax_error("[t]\n[t]\n"),
              "x.toml:2:2: not TOML: cannot redefine existing table 't'\n  2 | [t]\n    |  ^");
}

TEST(Syntax, ADeepKeyIsRefusedBeforeItIsRead) {
    std::string deep = "b = 'a.b.c' # a.b.c\n\"q\"";
    for (int i = 0; i < 200'000; ++i) deep += ".a";
    EXPECT_TRUE(syntax_error(deep + " = 1\n").starts_with("x.toml:2:66: a key has more than 32 parts\n"));
    EXPECT_EQ(syntax_error("a = \"\"\"\n........................................\n\"\"\"\n"), "");
    EXPECT_EQ(syntax_error("a = [1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,"
                           "1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1,1.1]\n"),
              "");
}

TEST(Syntax, DeepBracketsAreRefused) { EXPECT_NE(syntax_error("a = " + std::string(200'000, '[')), ""); }

TEST(Parse, KeepsTheWrittenOrderAndThePlaces) {
    const auto root = toml::parse(toml::source_from_text("x", "zebra = [\"ä\", \"öü\"] # c\r\napple.pie = 1\r\n"));
    const auto& entries = std::get<toml::Entries>(root.data);
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].key, "zebra");
    const auto& list = std::get<toml::List>(entries[0].value.data);
    EXPECT_EQ(list[1].position.text(), "x:1:15");
    EXPECT_EQ(list[1].position.length, 4u);
    EXPECT_EQ(entries[1].position.file_and_line(), "x:2");
    EXPECT_EQ(root.position.text(), "x");
}

TEST(Parse, AByteOrderMarkIsNoColumn) {
    const auto root = toml::parse(toml::source_from_text("x", "\xEF\xBB\xBF"
                                                              "a = 1\n"));
    EXPECT_EQ(std::get<toml::Entries>(root.data)[0].position.text(), "x:1:1");
}

TEST(Render, CountsCodePointsAndKeepsTabs) {
    EXPECT_EQ(place("\tä = \"ö\" # c\r\n", 1, 6, 3), "x:1:6: m\n  1 | \tä = \"ö\" # c\n    | \t    ^~~");
}

TEST(Render, ShowsNothingThatSteersTheTerminal) {
    EXPECT_EQ(place("a\x1b[31m\xff\xe2\x80\xae", 1, 2, 1), "x:1:2: m\n  1 | a?[31m??\n    |  ^");
    EXPECT_EQ(toml::quote("a\x1b\xff'"), "'a\\x1b\\xff''");
    EXPECT_EQ(toml::quote(std::string(1000, 'a')), "'" + std::string(60, 'a') + "…'");
}

TEST(Render, CutsALongLineAroundThePlace) {
    const std::string text = place(std::string(500, 'a') + "B" + std::string(500, 'c'), 1, 501, 5);
    EXPECT_EQ(text, "x:1:501: m\n  1 | …" + std::string(40, 'a') + "B" + std::string(79, 'c') + "…\n    |  " +
                        std::string(40, ' ') + "^~~~~");
}

TEST(Render, ALineNumberOfTwoDigitsMovesTheGutter) {
    EXPECT_EQ(place("\n\n\n\n\n\n\n\n\nabc\n", 10, 1, 3), "x:10:1: m\n  10 | abc\n     | ^~~");
}

TEST(Render, APlaceBehindTheTextIsHarmless) {
    EXPECT_EQ(place("ab", 1, 9, 4), "x:1:9: m\n  1 | ab\n    |   ^");
    EXPECT_EQ(place("ab", 7, 1, 1), "x:7:1: m\n  7 | \n    | ^");
    EXPECT_EQ(toml::render({{}, "m", "", {}}), "(unknown): m");
}

TEST(Render, NotesStandBetweenThePlaceAndTheRemedy) {
    const auto source = toml::source_from_text("x", "a\nb\n");
    toml::Diagnostic diagnostic{{source, 1, 1, 1}, "first", "do this", {}};
    diagnostic.notes.push_back({{source, 2, 1, 1}, "second"});
    EXPECT_EQ(toml::render(diagnostic), "x:1:1: first\n  1 | a\n    | ^\nx:2:1: second\n  2 | b\n    | ^\ndo this");
}

TEST(SourceFile, AHugeFileIsAMistakeInThePath) {
    TemporaryDirectory dir("/tmp");
    write_file(dir.path() / "big", std::string((1 << 20) + 1, '#'));
    try {
        (void)toml::source_from_file(dir.path() / "big", "big");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(),
                  "cannot read 'big': it has 1048577 bytes, more than the 1048576 that such a file may have");
    }
}
