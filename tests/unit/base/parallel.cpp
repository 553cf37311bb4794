#include <base/parallel.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

using namespace ashlar;

TEST(InParallel, DoesEachOnce) {
    std::vector<std::atomic<int>> done(1000);
    in_parallel(done.size(), [&](std::size_t i) { ++done[i]; });
    for (const auto& one : done) EXPECT_EQ(one, 1);
}

TEST(InParallel, NothingIsDoneAtOnce) {
    in_parallel(0, [](std::size_t) { FAIL(); });
}

TEST(InParallel, EachThreadHasItsOwnState) {
    std::atomic<std::size_t> states{0}, sum{0};
    in_parallel(
        1000, [&] { return std::vector<std::size_t>(1, states++); },
        [&](std::size_t i, std::vector<std::size_t>& mine) {
            mine.push_back(i);
            sum += i;
        });
    EXPECT_EQ(sum, 999U * 1000 / 2);
    EXPECT_GE(states, 1U);
    EXPECT_LE(states, std::max(1U, std::thread::hardware_concurrency()));
}

TEST(InParallel, TheFirstFailureStopsTheRestAndLeaves) {
    std::atomic<std::size_t> done{0};
    const auto body = [&](std::size_t i) {
        if (i == 3) throw std::runtime_error("three");
        ++done;
    };
    EXPECT_THROW(in_parallel(1'000'000'000'000, body), std::runtime_error);
    EXPECT_LT(done, 1'000'000'000'000U);
    EXPECT_THROW(in_parallel(10, []() -> int { throw std::runtime_error("no state"); }, [](std::size_t, int) {}), std::runtime_error);
}
