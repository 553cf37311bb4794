#include <bootmenu/version.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <array>

using ashlar::bootmenu::compare_releases;

namespace {

TEST(Releases, SortAsTheBootLoaderSortsThem) {
    // Each is older than the one behind it. `systemd-analyze compare-versions` agrees.
    constexpr std::array<std::string_view, 15> order{"R",      "R0",      "R0.0",    "R0.1",    "R0.9",  "R0.10", "R0.10.1", "R1~rc1",
                                                     "R1",     "R1-1",    "R1^p1",   "R1.0~a",  "R1.0",  "R1.2",  "R10"};
    for (std::size_t i = 0; i < order.size(); ++i)
        for (std::size_t j = 0; j < order.size(); ++j)
            EXPECT_EQ(compare_releases(order[i], order[j]), i <=> j) << order[i] << ' ' << order[j];
}

TEST(Releases, AreEqualWhereOnlyZerosAndOtherSignsDiffer) {
    EXPECT_EQ(compare_releases("R0.1", "R0.01"), std::strong_ordering::equal);
    EXPECT_EQ(compare_releases("R0_1", "R01"), std::strong_ordering::less); // "0" against "01"
}

} // namespace
