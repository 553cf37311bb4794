#include <voters/tally.hpp>

#include <gtest/gtest.h>

namespace ashlar::voters {
namespace {

using namespace std::chrono_literals;

const Time begin{std::chrono::seconds(1790000000)};

TEST(Tally, TheFirstIsWrittenAndThenOneAnHour) {
    Tally tally;
    EXPECT_EQ(tally.count("a", begin)->left_out, 0U);
    for (int i = 1; i < 1000; ++i) EXPECT_FALSE(tally.count("a", begin + std::chrono::seconds(i)));
    EXPECT_TRUE(tally.count("b", begin + 1s));
    EXPECT_EQ(tally.count("a", begin + 1h)->left_out, 999U);
    EXPECT_FALSE(tally.count("a", begin + 1h + 1s));
}

TEST(Tally, HoweverManyKindsThereAre) {
    Tally tally;
    int written = 0;
    for (int i = 0; i < 10'000; ++i) written += tally.count(std::to_string(i), begin) ? 1 : 0;
    EXPECT_EQ(written, static_cast<int>(Tally::most_kinds) + 1);
    // An hour later there is room again.
    EXPECT_FALSE(tally.count("new", begin + 1h)->is_of_others);
}

TEST(Tally, AClockThatIsPutBackSilencesNothing) {
    Tally tally;
    (void)tally.count("a", begin + 24h * 365);
    EXPECT_TRUE(tally.count("a", begin));
}

TEST(Ration, IsSoManyInAnHour) {
    Ration ration;
    for (std::size_t i = 0; i < Ration::most; ++i) EXPECT_TRUE(ration.take("anna", begin));
    EXPECT_FALSE(ration.take("anna", begin + 59min));
    EXPECT_TRUE(ration.take("ben", begin));
    EXPECT_TRUE(ration.take("anna", begin + 1h));
}

} // namespace
} // namespace ashlar::voters
