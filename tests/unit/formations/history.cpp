#include <formations/history.hpp>

#include <base/file.hpp>
#include <timeline/timeline.hpp>

#include <gmock/gmock.h>

namespace ashlar::formations {
namespace {

namespace fs = std::filesystem;
using forming::Standing;

class HistoryTest : public testing::Test {
protected:
    const TemporaryDirectory directory_{fs::temp_directory_path(), "ashlar-history-"};
    const fs::path file_ = directory_.path() / "history";
    const Standing waiting_{"etcd", Standing::State::waiting, "waits for 'time'", {}}, working_{"etcd", Standing::State::working, "starts etcd", "start"}, settled_{"etcd", Standing::State::settled, "is as it should be", {}};
    static std::vector<timeline::Row> rows(const History& history) { return timeline::rows_of({history.json("n1", {9000, 0})}); }
};

TEST_F(HistoryTest, KeepsWhatBecameAnother) {
    History history(file_);
    history.note(waiting_, 1000);
    history.note(waiting_, 2000);
    history.note(working_, 3000);
    history.note(settled_, 4000);
    const auto all = rows(history);
    ASSERT_EQ(all.size(), 1U);
    ASSERT_EQ(all[0].spans.size(), 3U);
    EXPECT_EQ(all[0].spans[0].to, 3);
    EXPECT_EQ(all[0].spans[1].step, "start");
    EXPECT_EQ(all[0].settled_at, 4);
}

TEST_F(HistoryTest, GoesOnWhereTheLastDaemonEnded) {
    {
        History history(file_);
        history.note(waiting_, 1000);
        history.note(settled_, 2000);
    }
    History history(file_);
    history.note(settled_, 5000);
    EXPECT_EQ(rows(history).at(0).spans.size(), 2U);
    EXPECT_EQ(rows(history).at(0).settled_at, 2);
}

TEST_F(HistoryTest, WhatCannotBeReadIsBegunAnew) {
    write_file(file_, "{\"at\": 1}\nnot JSON\n");
    History history(file_);
    EXPECT_TRUE(rows(history).empty());
    history.note(settled_, 1000);
    EXPECT_EQ(rows(History(file_)).size(), 1U);
}

TEST_F(HistoryTest, IsBounded) {
    History history(file_);
    for (std::size_t i = 0; i < History::most_events * 2; ++i) history.note(i % 2 == 0 ? waiting_ : settled_, static_cast<std::int64_t>(i));
    EXPECT_LE(history.json("n1", {1, 0}).at("events").size(), History::most_events);
    EXPECT_LT(fs::file_size(file_), std::size_t{1} << 20U);
    EXPECT_EQ(History(file_).json("n1", {1, 0}).at("events").back(), history.json("n1", {1, 0}).at("events").back());
}

TEST(Age, OfThisMachine) {
    const Age age = age_of_node();
    EXPECT_GT(age.now, 0);
    EXPECT_GT(age.power_on, 1'600'000'000'000) << "when its first process began";
}

} // namespace
} // namespace ashlar::formations
