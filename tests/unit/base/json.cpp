#include <base/error.hpp>
#include <base/json.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using testing::HasSubstr;

namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

// Whoever walks through a value does so by recursion, and it may come from anywhere.
TEST(Json, TooDeepANestIsRefused) {
    EXPECT_NO_THROW((void)parse_json(nested(100), "a"));
    for (const std::size_t depth : {std::size_t{101}, std::size_t{1'000'000}})
        try {
            (void)parse_json(nested(depth), "a");
            FAIL() << depth;
        } catch (const Error& error) {
            EXPECT_EQ(error.render(), "cannot parse 'a': it has more than 100 lists and objects in each other");
        }
}

TEST(Json, BracketsInTextsNestNothing) {
    const std::string text = "[\"" + std::string(200, '[') + "\\\"" + std::string(200, '{') + "\", \"\\\\\"]";
    EXPECT_EQ(parse_json(text, "a").size(), 2U);
}

std::string refusal(std::string_view text) try {
    (void)parse_strict_json(text, "file");
    return "";
} catch (const Error& error) {
    return error.message();
}

TEST(StrictJson, ReadsWhatJsonIs) {
    const std::string_view text = R"( {"a": [1, -2, 9223372036854775807, true, null, "ä\u00e4\"\\", {}], "b": {"a": []}} )";
    EXPECT_EQ(parse_strict_json(text, "file"), parse_json(text, "file"));
    EXPECT_EQ(parse_strict_json("7", "file"), 7);
    EXPECT_EQ(parse_strict_json("-9223372036854775808", "file").dump(), "-9223372036854775808");
}

TEST(StrictJson, RefusesMembersThatStandThereTwice) {
    EXPECT_EQ(refusal(R"({"version": 1, "version": 2})"), "cannot parse 'file': the member 'version' stands there twice");
    EXPECT_EQ(refusal(R"([{"a": {"b": 1, "c": {"b": 2}, "b": 1}}])"), "cannot parse 'file': the member 'b' stands there twice");
    EXPECT_EQ(refusal("{\"a\": 1, \"\\u0061\": 1}"), "cannot parse 'file': the member 'a' stands there twice");
}

TEST(StrictJson, RefusesNumbersThatTwoProgramsMayReadDifferently) {
    EXPECT_EQ(refusal("[1.0]"), "cannot parse 'file': the number 1.0 is no integer of 63 bits");
    EXPECT_EQ(refusal("1e2"), "cannot parse 'file': the number 1e2 is no integer of 63 bits");
    EXPECT_EQ(refusal("9223372036854775808"), "cannot parse 'file': the number 9223372036854775808 needs more than 63 bits");
    EXPECT_EQ(refusal("18446744073709551616"), "cannot parse 'file': the number 18446744073709551616 is no integer of 63 bits");
    EXPECT_EQ(refusal("-9223372036854775809"), "cannot parse 'file': the number -9223372036854775809 is no integer of 63 bits");
    EXPECT_THAT(refusal("1e999"), HasSubstr("cannot parse 'file'"));
    EXPECT_THAT(refusal("01"), HasSubstr("cannot parse 'file'"));
    EXPECT_THAT(refusal("NaN"), HasSubstr("cannot parse 'file'"));
}

TEST(StrictJson, RefusesTextThatIsNoUtf8) {
    for (const std::string_view bytes : {"\"\xc3\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\\ud800\"", "\"\n\""})
        EXPECT_THAT(refusal(bytes), HasSubstr("cannot parse 'file'")) << bytes;
}

TEST(StrictJson, RefusesWhatTheParserSkips) {
    EXPECT_EQ(refusal("\xef\xbb\xbf{}"), "cannot parse 'file': it begins with a byte order mark");
    EXPECT_EQ(refusal(std::string_view("{}\0{}", 5)), "cannot parse 'file': there is a NUL in it");
    for (const std::string_view text : {"", " ", "{} {}", "{}x", "// comment\n{}", "{\"a\":1,}", "[1,]", "'a'"}) EXPECT_THAT(refusal(text), HasSubstr("cannot parse 'file'")) << text;
}

TEST(StrictJson, RefusesWhatIsNestedTooDeep) {
    const std::string open(deepest_json, '['), close(deepest_json, ']');
    EXPECT_EQ(refusal(open + close), "");
    EXPECT_EQ(refusal("[" + open + close + "]"), "cannot parse 'file': it is nested deeper than 64 levels");
    EXPECT_EQ(refusal(std::string(1000000, '[')), "cannot parse 'file': it is nested deeper than 64 levels");
    std::string objects;
    for (unsigned i = 0; i <= deepest_json; ++i) objects += "{\"a\":";
    EXPECT_EQ(refusal(objects), "cannot parse 'file': it is nested deeper than 64 levels");
}

} // namespace
