#include <state/state.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace ashlar;
using testing::HasSubstr;

namespace {

class State : public testing::Test {
protected:
    State() { resize(state::partition_size); }

    void resize(std::uint64_t size) {
        const Fd file = open_file(partition, O_RDWR | O_CREAT);
        EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
    }
    [[nodiscard]] std::string bytes(off_t offset, std::size_t size) const {
        const Fd file = open_file(partition, O_RDONLY);
        std::string text(size, '\0');
        EXPECT_EQ(::pread(file.get(), text.data(), size, offset), static_cast<ssize_t>(size));
        return text;
    }
    void put(off_t offset, std::string_view text) const {
        const Fd file = open_file(partition, O_WRONLY);
        EXPECT_EQ(::pwrite(file.get(), text.data(), text.size(), offset), static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] Json content() const { return state::read(partition).value().content; }

    static constexpr off_t second_copy = off_t{32} << 20U;
    TemporaryDirectory directory{testing::TempDir()};
    std::filesystem::path partition = directory.path() / "state";
};

TEST_F(State, OfANewPartitionIsNothing) { EXPECT_EQ(state::read(partition), std::nullopt); }

TEST_F(State, IsWhatWasWrittenLast) {
    for (int i = 1; i <= 5; ++i) {
        state::write(partition, {{"number", i}});
        const auto record = state::read(partition).value();
        EXPECT_EQ(record.content, (Json{{"number", i}}));
        EXPECT_EQ(record.generation, static_cast<std::uint64_t>(i));
    }
}

// A journal of upgrades, beliefs and a site's genesis are kept by threads of their own.
TEST_F(State, IsChangedByOneAtATime) {
    state::write(partition, {{"one", 0}, {"two", 0}});
    const auto count = [&](const char* member) {
        for (int i = 0; i < 10; ++i) state::change(partition, [&](Json& content) { content[member] = content.at(member).get<int>() + 1; });
    };
    std::thread other(count, "two");
    count("one");
    other.join();
    EXPECT_EQ(content(), (Json{{"one", 10}, {"two", 10}}));
}

TEST_F(State, IsNotWrittenWhenNothingChanged) {
    state::write(partition, {{"number", 1}});
    EXPECT_EQ(state::change(partition, [](Json&) {}), (Json{{"number", 1}}));
    EXPECT_EQ(state::read(partition).value().generation, 1U);
}

TEST_F(State, ThatWasNeverWrittenIsNotChanged) {
    EXPECT_THROW(state::change(partition, [](Json& content) { content["number"] = 1; }), Error);
    EXPECT_EQ(state::read(partition), std::nullopt);
}

// Whatever part of a write reached the disk, the content is the one of before or the one of after.
TEST_F(State, SurvivesACutAtEachByteOfAWrite) {
    const Json before{{"number", 1}}, after{{"number", 2}};
    state::write(partition, before);
    const std::string blank = bytes(second_copy, 8192);
    state::write(partition, after);
    const std::string written = bytes(second_copy, 8192);
    constexpr std::size_t header = 64, payload = 4096;
    const std::size_t payload_size = 20;
    for (std::size_t cut = 0; cut <= payload_size; ++cut) { // the payload is written first
        put(second_copy, blank);
        put(second_copy + static_cast<off_t>(payload), written.substr(payload, cut));
        EXPECT_EQ(content(), before) << cut;
    }
    for (std::size_t cut = 0; cut <= header; ++cut) {
        put(second_copy, blank);
        put(second_copy + static_cast<off_t>(payload), written.substr(payload));
        put(second_copy, written.substr(0, cut));
        EXPECT_EQ(content(), cut == header ? after : before) << cut;
    }
}

TEST_F(State, FallsBackWhenTheNewestCopyIsDamaged) {
    state::write(partition, {{"number", 1}});
    state::write(partition, {{"number", 2}});
    put(second_copy + 4096, "X");
    EXPECT_EQ(content(), (Json{{"number", 1}}));
    state::write(partition, {{"number", 3}});
    EXPECT_EQ(content(), (Json{{"number", 3}}));
}

TEST_F(State, ThatIsLostIsAnErrorAndNotEmpty) {
    state::write(partition, {{"number", 1}});
    put(40, "XXXX");
    const auto complain = [&](const auto& act) {
        try {
            act();
            ADD_FAILURE() << "no error";
        } catch (const Error& error) {
            EXPECT_EQ(error.render(), "cannot read the state in '" + partition.native() +
                                          "': neither of its copies is whole\n"
                                          "  hint: the node has lost who it is: install it again, or put back a copy of the partition");
        }
    };
    complain([&] { (void)state::read(partition); });
    complain([&] { state::write(partition, {{"number", 2}}); });
}

TEST_F(State, RefusesWhatDoesNotFit) {
    EXPECT_THROW(state::write(partition, Json::array()), Error);
    EXPECT_THROW(state::write(partition, {{"much", std::string(1U << 20U, 'x')}}), Error);
    EXPECT_EQ(state::read(partition), std::nullopt);
}

// What a node has forgotten is not to be read from its disk.
TEST_F(State, LeavesNothingOfWhatWasLongerBehindIt) {
    const auto disk_has = [&](std::string_view text) { return read_file(partition).find(text) != std::string::npos; };
    for (int copy = 0; copy < 2; ++copy) state::write(partition, {{"number", copy}, {"secret", std::string(9000, 's')}});
    EXPECT_TRUE(disk_has("ssss"));
    for (int copy = 0; copy < 2; ++copy) state::write(partition, {{"number", copy}});
    EXPECT_FALSE(disk_has("ssss"));
    state::write(partition, {{"secret", std::string(9000, 's')}});
    state::erase(partition);
    EXPECT_FALSE(disk_has("ssss"));
    EXPECT_EQ(state::read(partition), std::nullopt);
}

TEST_F(State, IsPurgedOfWhatTheCopyOfBeforeHas) {
    const auto has_secret = [](const Json& content) { return content.contains("secret"); };
    const auto disk_has = [&](std::string_view text) { return read_file(partition).find(text) != std::string::npos; };
    state::write(partition, {{"secret", "sesame"}});
    state::change(partition, [](Json& content) { content = {{"number", 1}}; });
    EXPECT_TRUE(disk_has("sesame"));
    state::purge(partition, has_secret);
    EXPECT_FALSE(disk_has("sesame"));
    EXPECT_EQ(content(), (Json{{"number", 1}}));
    const auto generation = state::read(partition).value().generation;
    state::purge(partition, has_secret);
    EXPECT_EQ(state::read(partition).value().generation, generation);

    // A copy that was cut off may have anything.
    put(second_copy + 4096, "sesame");
    state::purge(partition, has_secret);
    EXPECT_FALSE(disk_has("sesame"));
}

// Noise of any kind is an error or the content, never a crash.
TEST_F(State, AHeaderThatClaimsTooMuchIsBroken) {
    state::write(partition, {{"number", 1}});
    put(12, std::string("\xff\xff\xff\xff", 4));
    EXPECT_THROW((void)state::read(partition), Error);
    put(0, std::string(4096, '\xff'));
    EXPECT_THROW((void)state::read(partition), Error);
}

} // namespace
