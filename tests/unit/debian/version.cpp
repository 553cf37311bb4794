#include <debian/package.hpp>

#include <base/process.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <random>

using namespace ashlar;
using namespace ashlar::debian;

namespace {

int sign(std::weak_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

int compare(std::string_view a, std::string_view b) { return sign(compare_versions(a, b)); }

// Few characters, so that equal beginnings are common.
rc::Gen<std::string> versions() {
    return rc::gen::container<std::string>(rc::gen::elementOf(std::string("0019az~+.-:")));
}

} // namespace

TEST(Version, FollowsPolicy) {
    EXPECT_EQ(compare("1.0", "1.0"), 0);
    EXPECT_EQ(compare("1.0", "1.1"), -1);
    EXPECT_EQ(compare("1.10", "1.9"), 1);
    EXPECT_EQ(compare("1:0.1", "9"), 1);
    EXPECT_EQ(compare("1.0~rc1", "1.0"), -1);
    EXPECT_EQ(compare("1.0~~", "1.0~"), -1);
    EXPECT_EQ(compare("1.0+b1", "1.0"), 1);
    EXPECT_EQ(compare("1.0a", "1.0+"), -1); // letters before the rest
    EXPECT_EQ(compare("1.0-1", "1.0-1+deb13u1"), -1);
    EXPECT_EQ(compare("1-2-3", "1-2-4"), -1);
    EXPECT_EQ(compare("1.00", "1.0"), 0);
    EXPECT_EQ(compare("0:1.0-0", "1.0"), 0);
    EXPECT_EQ(compare("2.41-12", "2.41-12~deb13u1"), 1);
    EXPECT_EQ(compare("1.99999999999999999999999", "1.100000000000000000000000"), -1);
}

TEST(Version, KnowsWhatIsOne) {
    for (const char* good : {"1", "0", "1.0-1", "1:2.3-4+deb13u1~bpo12+1", "2025.01.01", "1-2-3", "1:2:3-1"})
        EXPECT_TRUE(is_version(good)) << good;
    for (const char* bad : {"", "a", "1_0", "1 0", ":1", "x:1", "1:", "1-", "-1", "1:a", "1.0-1:2"})
        EXPECT_FALSE(is_version(bad)) << bad;
}

RC_GTEST_PROP(VersionOrder, IsTotal, ()) {
    const auto a = *versions(), b = *versions(), c = *versions();
    RC_ASSERT(compare(a, a) == 0);
    RC_ASSERT(compare(a, b) == -compare(b, a));
    if (compare(a, b) <= 0 && compare(b, c) <= 0) RC_ASSERT(compare(a, c) <= 0);
    // What is equal to each other stands to a third the same way.
    if (compare(a, b) == 0) RC_ASSERT(compare(a, c) == compare(b, c));
}

RC_GTEST_PROP(VersionOrder, ATildeComesBeforeTheEnd, ()) {
    const auto a = *versions();
    RC_PRE(a.find('-') == std::string::npos);
    RC_ASSERT(compare("1" + a + "~", "1" + a) == -1);
}

// dpkg is the judge: all pairs, in one process.
TEST(VersionOrder, IsThatOfDpkg) {
    std::mt19937 random(20250809); // NOLINT: the same pairs each time
    const auto pick = [&](std::string_view from) { return from[random() % from.size()]; };
    std::vector<std::string> all{"1.0", "1.0-1", "0:1.0-1", "1.0-0", "1.0-1.1", "1.0~rc1-1", "1.0+dfsg-1", "1:0.9"};
    while (all.size() < 24) {
        std::string version(1, pick("0123"));
        for (std::size_t length = random() % 7; length > 0; --length) version += pick("0019az~+.");
        if (random() % 2 == 0) version += std::string("-") + pick("019z~") + pick("01a+");
        if (random() % 4 == 0) version = std::string(1, pick("012")) + ":" + version;
        if (is_version(version)) all.push_back(version);
    }
    std::string script, expected;
    for (const auto& a : all)
        for (const auto& b : all) {
            script += "dpkg --compare-versions '" + a + "' lt '" + b + "' && echo lt || echo ge\n";
            expected += compare(a, b) < 0 ? "lt\n" : "ge\n";
        }
    EXPECT_EQ(run_checked({.argv = {"sh"}, .input = script}), expected);
}
