#include <debian/control.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::debian;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

std::string error_of(std::string_view text) {
    try {
        ControlReader reader(text, "Packages");
        for (Paragraph paragraph; reader.next(paragraph);) {
        }
    } catch (const Error& error) {
        return error.render();
    }
    return "no error";
}

} // namespace

TEST(Control, ReadsParagraphsOneAfterTheOther) {
    ControlReader reader("\n \nPackage: a\nVersion: 1\n\n\t\nPackage: b\n", "Packages");
    Paragraph paragraph;
    ASSERT_TRUE(reader.next(paragraph));
    EXPECT_EQ(paragraph.get("Package"), "a");
    EXPECT_EQ(paragraph.get("Version"), "1");
    EXPECT_EQ(paragraph.line(), 3u);
    EXPECT_EQ(paragraph.text(), "Package: a\nVersion: 1");
    ASSERT_TRUE(reader.next(paragraph));
    EXPECT_EQ(paragraph.get("Package"), "b");
    EXPECT_EQ(paragraph.get("Version"), std::nullopt);
    EXPECT_EQ(paragraph.line(), 7u);
    EXPECT_FALSE(reader.next(paragraph));
}

TEST(Control, NamesCompareWithoutRegardToCase) {
    const auto paragraph = parse_control("PACKAGE: a\nempty:\n", "control");
    EXPECT_EQ(paragraph.get("Package"), "a");
    EXPECT_EQ(paragraph.get("Empty"), "");
    EXPECT_EQ(paragraph.get("absent"), std::nullopt);
}

TEST(Control, KeepsBlanksAndColonsInsideAValue) {
    EXPECT_EQ(parse_control("Homepage: \t https://example.org/a: b \t\r\n", "control").get("Homepage"),
              "https://example.org/a: b");
}

TEST(Control, AFoldedFieldReachesOverItsLinesAndComments) {
    const auto paragraph = parse_control("Depends: a,\n b (>= 1),\n# not now: c,\n\td\nSection: x\n", "control");
    EXPECT_EQ(paragraph.get("Depends"), "a,\n b (>= 1),\n# not now: c,\n\td");
    EXPECT_EQ(fold_lines(*paragraph.get("Depends")), "a, b (>= 1), d");
    EXPECT_THAT(field_lines(*paragraph.get("Depends")), ElementsAre("a,", "b (>= 1),", "d"));
    EXPECT_EQ(paragraph.get("Section"), "x");
}

TEST(Control, AListBelowItsNameHasNoFirstLine) {
    const auto paragraph = parse_control("SHA256:\n abc 1 x\n def 2 y\n", "Release");
    EXPECT_THAT(field_lines(*paragraph.get("SHA256")), ElementsAre("abc 1 x", "def 2 y"));
    EXPECT_THAT(field_lines(""), IsEmpty());
}

TEST(Control, CommentsBelongToNoField) {
    const auto paragraph = parse_control("# first\nA: 1\n# between\nB: 2\n", "control");
    EXPECT_EQ(paragraph.get("A"), "1");
    EXPECT_EQ(paragraph.get("B"), "2");
    EXPECT_EQ(paragraph.fields()[1].line, 4u);
}

TEST(Control, ErrorsNameTheLine) {
    EXPECT_EQ(error_of("A: 1\nnonsense\n"), "cannot parse 'Packages:2': expected 'Name: value', found 'nonsense'");
    EXPECT_EQ(error_of("\n continued\n"), "cannot parse 'Packages:2': the line 'continued' continues no field");
    EXPECT_EQ(error_of("A: 1\nB: 2\na: 3\n"), "cannot parse 'Packages:3': field 'a' is here twice, first in line 1");
    EXPECT_EQ(error_of("two words: 1\n"), "cannot parse 'Packages:1': 'two words' is not the name of a field");
    EXPECT_EQ(error_of("-A: 1\n"), "cannot parse 'Packages:1': '-A' is not the name of a field");
    EXPECT_EQ(error_of(": 1\n"), "cannot parse 'Packages:1': '' is not the name of a field");
    EXPECT_EQ(error_of(std::string_view("A: 1\n\nB: \0\n", 10)),
              "cannot parse 'Packages:3': there is a NUL byte in this paragraph");
    EXPECT_EQ(error_of(std::string(300, 'x')),
              "cannot parse 'Packages:1': expected 'Name: value', found '" + std::string(40, 'x') + "…'");
}

TEST(Control, AControlFileIsOneParagraph) {
    const auto error = [](std::string_view text) {
        try {
            (void)parse_control(text, "control");
        } catch (const Error& e) {
            return e.render();
        }
        return std::string("no error");
    };
    EXPECT_EQ(error("\n# nothing\n"), "cannot parse 'control': there is no field in it");
    EXPECT_EQ(error("A: 1\n\nB: 2\n"), "cannot parse 'control:3': expected one paragraph, here begins another");
}
