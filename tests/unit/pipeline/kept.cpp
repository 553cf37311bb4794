#include <pipeline/kept.hpp>

#include <gmock/gmock.h>

using namespace ashlar::pipeline;

TEST(RootsName, IsOfThePlace) {
    const auto name = roots_name("release-R1.0", "/srv/one");
    EXPECT_THAT(name, testing::MatchesRegex("release-R1\\.0-[0-9a-f]{12}"));
    EXPECT_EQ(roots_name("release-R1.0", "/srv/two/../one"), name);
    EXPECT_NE(roots_name("release-R1.0", "/srv/two"), name);
    EXPECT_NE(roots_name("release-R1.1", "/srv/one"), name);
}
