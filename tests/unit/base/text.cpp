#include <base/text.hpp>

#include <gtest/gtest.h>

using namespace ashlar;

TEST(DidYouMean, FindsTheNearWordOnly) {
    const std::vector<std::string> keys{"packages", "services", "kernel"};
    EXPECT_EQ(did_you_mean("pakages", keys), "packages");
    EXPECT_EQ(did_you_mean("kernle", keys), "kernel");
    EXPECT_EQ(did_you_mean("frobnicate", keys), std::nullopt);
}

TEST(Hex, RoundTrips) {
    EXPECT_EQ(to_hex(*from_hex("00ff7A")), "00ff7a");
    EXPECT_FALSE(from_hex("0"));
    EXPECT_FALSE(from_hex("zz"));
}

TEST(HumanBytes, UsesPowersOfAThousand) {
    EXPECT_EQ(human_bytes(999), "999 B");
    EXPECT_EQ(human_bytes(103'400'000), "103.4 MB");
    EXPECT_EQ(human_bytes(999'990), "1.0 MB");
}
