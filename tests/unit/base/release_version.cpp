#include <base/day.hpp>
#include <base/release_version.hpp>

#include <gtest/gtest.h>

using namespace ashlar;

namespace {

ReleaseVersion version(std::string_view text) { return parse_release_version(text).value(); }

TEST(ReleaseVersion, NumbersAreComparedAsNumbers) {
    EXPECT_LT(version("R0.3"), version("R0.10"));
    EXPECT_LT(version("R0.10"), version("R1.0"));
    EXPECT_LT(version("R9.0"), version("R10.0"));
    EXPECT_LT(version("Q10.0"), version("R0.0"));
    EXPECT_EQ(version("R1.2"), version("R1.2"));
}

TEST(ReleaseVersion, HasOneText) {
    for (const char* text : {"", "R", "R1", "1.0", "r1.0", "R1.", "R.1", "R01.0", "R1.00", "R1.0 ", "R1.0.0", "R1.1234567", "R1234567890.0", "R-1.0", "R1.+1"})
        EXPECT_FALSE(parse_release_version(text)) << text;
    EXPECT_EQ(to_text(version("R12.345678")), "R12.345678");
}

TEST(ReleaseOrigin, IsAReleaseOrAWholeTrain) {
    const auto train = parse_release_origin("R1").value(), release = parse_release_origin("R1.3").value();
    EXPECT_TRUE(train.holds(version("R1.0")));
    EXPECT_FALSE(train.holds(version("R10.0")));
    EXPECT_TRUE(release.holds(version("R1.3")));
    EXPECT_FALSE(release.holds(version("R1.4")));
    EXPECT_LT(train, release);
    EXPECT_EQ(to_text(train), "R1");
    EXPECT_EQ(to_text(release), "R1.3");
    EXPECT_FALSE(parse_release_origin("R1.x"));
}

TEST(Day, IsADayOfTheCalendar) {
    EXPECT_EQ(to_text(parse_day("2028-02-29").value()), "2028-02-29");
    EXPECT_LT(parse_day("2028-06-30").value(), parse_day("2028-07-01").value());
    for (const char* text : {"", "2028", "2027-02-29", "2028-13-01", "2028-00-01", "1969-12-31", "2028-6-30", "2028/06/30", "2028-06-30T", "20280630", "+028-06-30"})
        EXPECT_FALSE(parse_day(text)) << text;
}

TEST(Day, ReadsWhatItWrites) {
    for (Day day = parse_day("1970-01-01").value(); day < parse_day("2072-01-01").value(); day += std::chrono::days(1))
        ASSERT_EQ(parse_day(to_text(day)), day) << to_text(day);
    EXPECT_EQ(to_text(parse_day("9999-12-31").value()), "9999-12-31");
}

} // namespace
