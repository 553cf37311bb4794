#include <base/error.hpp>
#include <base/json.hpp>

#include <gtest/gtest.h>

using namespace ashlar;

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

TEST(Json, ANumberThatNoDoubleHoldsIsRefused) {
    try {
        (void)parse_json("[1e999]", "a");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot parse 'a': [json.exception.out_of_range.406] number overflow parsing '1e999'");
    }
}

} // namespace
