#include <slots/slots.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <signing/verity.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

using namespace ashlar;
using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
constexpr const char* root_type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";
constexpr const char* verity_type = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5";

// A disk laid out as an installation does it, by another program.
class Table : public testing::Test {
protected:
    Table() {
        const Fd file = open_file(disk, O_RDWR | O_CREAT);
        EXPECT_EQ(::ftruncate(file.get(), 64 * mib), 0);
        run_checked({.argv = {"/sbin/sfdisk", "--quiet", disk.native()},
                     .input = "label: gpt\n"
                              "size=8MiB, type=c12a7328-f81f-11d2-ba4b-00a0c93ec93b, name=esp\n" +
                              line(16, root_type, data_partition_of(running), "root_R0.0") + line(1, verity_type, hash_partition_of(running), "verity_R0.0") +
                              "size=16MiB, type=" + root_type + ", name=_empty\nsize=1MiB, type=" + verity_type + ", name=_empty\n"});
    }
    static std::string line(unsigned size, const char* type, const Guid& id, const char* name) {
        return "size=" + std::to_string(size) + "MiB, type=" + type + ", uuid=" + id.text() + ", name=" + name + "\n";
    }
    [[nodiscard]] std::string judged() const { return run_checked({.argv = {"/sbin/sfdisk", "--dump", disk.native()}}); }

    TemporaryDirectory directory{testing::TempDir()};
    fs::path disk = directory.path() / "disk.raw";
    Digest running = sha256("the running root"), next = sha256("the next root");
};

TEST_F(Table, FindsTheRunningSlotByItsRootHashAndTheOtherBesideIt) {
    const auto slots = slots::slots_of(gpt::read(disk), running);
    EXPECT_EQ(slots.running.root.number, 2U);
    EXPECT_EQ(slots.running.root.label, "root_R0.0");
    EXPECT_EQ(slots.running.root.offset, 9 * mib);
    EXPECT_EQ(slots.running.root.size, 16 * mib);
    EXPECT_EQ(slots.other.root.number, 4U);
    EXPECT_EQ(slots.other.verity.number, 5U);
}

// docs/formats/node-disk.md, "In place".
TEST_F(Table, OfANodeOnItsMediumHasTwoSlotsForReleases) {
    run_checked({.argv = {"/sbin/sfdisk", "--quiet", disk.native()},
                 .input = "label: gpt\nsize=8MiB, type=c12a7328-f81f-11d2-ba4b-00a0c93ec93b, name=esp\n" +
                          line(4, root_type, data_partition_of(running), "root_R0.0") + line(1, verity_type, hash_partition_of(running), "verity_R0.0") +
                          "size=12MiB, type=" + root_type + ", name=_empty\nsize=2MiB, type=" + verity_type + ", name=_empty\n" +
                          line(12, root_type, data_partition_of(next), "root_R0.1") + line(2, verity_type, hash_partition_of(next), "verity_R0.1")});
    EXPECT_EQ(slots::slots_of(gpt::read(disk), running).other.root.number, 4U);
    EXPECT_EQ(slots::slots_of(gpt::read(disk), next).other.root.number, 4U);
    EXPECT_EQ(slots::slots_of(gpt::read(disk), next).other.verity.number, 5U);
}

TEST_F(Table, NamesASlotPartialThenWholeAndFindsItEitherWay) {
    auto slots = slots::slots_of(gpt::read(disk), running);
    gpt::change(disk, slots::as_partial(slots.other));
    EXPECT_THAT(judged(), AllOf(HasSubstr("type=5E1A7B3C-0D52-4F0E-9D7B-2B1F6A8C4E01"), HasSubstr("name=\"_partial\"")));
    slots = slots::slots_of(gpt::read(disk), running);
    EXPECT_EQ(slots.other.root.number, 4U);

    gpt::change(disk, slots::as_release(slots, next, "R0.1"));
    const auto seen = slots::slots_of(gpt::read(disk), next);
    EXPECT_EQ(seen.running.root.number, 4U);
    EXPECT_EQ(seen.running.root.label, "root_R0.1");
    EXPECT_EQ(seen.running.root.type.text(), root_type);
    EXPECT_EQ(seen.other.root.number, 2U);
    EXPECT_THAT(run_checked({.argv = {"/sbin/sfdisk", "--verify", disk.native()}}), HasSubstr("No errors"));
}

TEST_F(Table, SaysWhatIsMissing) {
    const auto error_of = [&](const auto& body) {
        try {
            body();
        } catch (const Error& error) {
            return error.message();
        }
        return std::string("no error");
    };
    EXPECT_EQ(error_of([&] { (void)slots::slots_of(gpt::read(disk), next); }),
              "cannot find the running root on its own disk: its partition table has no such identifiers");
    auto table = gpt::read(disk);
    table.partitions.erase(table.partitions.begin() + 3, table.partitions.end());
    EXPECT_EQ(error_of([&] { (void)slots::slots_of(table, running); }), "cannot find a second slot: the disk was not laid out by an installation");
    write_file(directory.path() / "blank", std::string(1 * mib, '\0'));
    EXPECT_EQ(error_of([&] { (void)gpt::read(directory.path() / "blank"); }),
              "cannot read the partition table of '" + (directory.path() / "blank").native() + "': there is no GPT in it");
}

} // namespace
