// The log's format, as a stranger writes it.

#include "log.hpp"

#include <base/error.hpp>

#include <gmock/gmock.h>

using namespace powercut;
using testing::HasSubstr;
using testing::SizeIs;

namespace {

class LogFile : public testing::Test {
protected:
    void number(std::uint64_t value) { append_little_endian(bytes, value); }
    void pad() { bytes.resize(round_up(bytes.size(), sector_size)); }
    void superblock(std::uint64_t entries) {
        number(0x6a736677736872);
        number(1);
        number(entries);
        append_little_endian(bytes, std::uint32_t{512});
        pad();
    }
    void entry(std::uint64_t sector, std::uint64_t count, std::uint64_t flags) {
        number(sector);
        number(count);
        number(flags);
        number(0);
        pad();
    }
    void data(char letter) { bytes.resize(bytes.size() + sector_size, static_cast<std::byte>(letter)); }
    [[nodiscard]] Log read() const {
        write_file(directory.path() / "log", text_of(bytes));
        return Log::read(directory.path() / "log");
    }
    [[nodiscard]] std::string refusal() const {
        try {
            (void)read();
        } catch (const Error& error) {
            return error.message();
        }
        return "none";
    }
    Bytes bytes;
    TemporaryDirectory directory{testing::TempDir()};
};

TEST_F(LogFile, HasWritesDiscardsAndFlushesInOrder) {
    superblock(4);
    entry(7, 2, 0);
    data('a');
    data('b');
    entry(0, 0, 1);
    entry(100, 50, 4);
    entry(0, 0, 8); // a mark of dm-log-writes: nothing happens
    entry(9, 1, 0); // after the last flush, where the superblock does not count it
    data('c');
    const Log log = read();
    ASSERT_THAT(log.entries(), SizeIs(4));
    EXPECT_EQ(log.entries()[0].sector, 7U);
    EXPECT_EQ(log.entries()[0].data[sector_size], std::byte{'b'});
    EXPECT_EQ(log.entries()[1].kind, Entry::Kind::flush);
    EXPECT_EQ(log.entries()[2].kind, Entry::Kind::discard);
    EXPECT_EQ(log.entries()[2].count, 50U);
    EXPECT_EQ(log.entries()[3].data[0], std::byte{'c'});
}

TEST_F(LogFile, IsRefusedWhenItIsNotWhole) {
    superblock(2);
    entry(7, 1, 0);
    data('a');
    EXPECT_THAT(refusal(), HasSubstr("': it is cut off"));
    entry(8, 3, 0);
    data('a');
    EXPECT_THAT(refusal(), HasSubstr("': it is cut off"));
}

TEST_F(LogFile, IsRefusedWhenItIsNone) {
    bytes.resize(4096);
    EXPECT_THAT(refusal(), HasSubstr("': it is no log of writes"));
}

TEST_F(LogFile, IsRefusedWithForcedWrites) {
    superblock(1);
    entry(7, 1, 2);
    data('a');
    EXPECT_THAT(refusal(), HasSubstr("': entry 0 has flags that QEMU does not write"));
}

} // namespace
