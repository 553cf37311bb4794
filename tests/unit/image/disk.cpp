#include <image/disk.hpp>

#include <image/architecture.hpp>
#include <image/identifiers.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace ashlar::image {
namespace {

using testing::HasSubstr;

class Disk : public testing::Test {
protected:
    Disk() {
        write_file(path("esp"), std::string(3'000'000, 'E'));
        write_file(path("root"), std::string(5U << 20U, 'R'));
        write_file(path("verity"), std::string(40960, 'V'));
    }
    [[nodiscard]] std::filesystem::path path(std::string_view name) const { return directory_.path() / name; }
    [[nodiscard]] DiskInput input() const {
        return {.architecture = "amd64",
                .version = "R0.1",
                .root_hash = hash,
                .boot_partition = path("esp"),
                .root = path("root"),
                .verity = path("verity")};
    }
    [[nodiscard]] std::filesystem::path make(std::string_view name) const {
        make_disk(input(), path(name));
        return path(name);
    }

    const Digest hash = Digest::from_hex("4f7c2233445566778899aabbccddeeff0123456789abcdef0123456789abcd77").value();

private:
    TemporaryDirectory directory_{std::filesystem::temp_directory_path()};
};

TEST_F(Disk, ReadsBackWhatWasWritten) {
    const auto table = read_partition_table(make("disk.raw"));
    EXPECT_EQ(table.disk, guid_named("disk:" + hash.hex()));
    ASSERT_EQ(table.partitions.size(), 3U);

    const auto* esp = table.find(boot_partition_type());
    ASSERT_NE(esp, nullptr);
    EXPECT_EQ(esp->offset, 1U << 20U);
    EXPECT_EQ(esp->size, 3U << 20U);

    const auto* root = table.find(architecture("amd64").root_type);
    ASSERT_NE(root, nullptr);
    EXPECT_EQ(root->id.text(), "4f7c2233-4455-6677-8899-aabbccddeeff");
    EXPECT_EQ(root->label, "root_R0.1");
    EXPECT_EQ(root->attributes, attribute_read_only);
    EXPECT_EQ(root->offset, 4U << 20U);
    EXPECT_EQ(root->size, 5U << 20U);

    const auto* verity = table.find(architecture("amd64").verity_type);
    ASSERT_NE(verity, nullptr);
    EXPECT_EQ(verity->id.text(), "01234567-89ab-cdef-0123-456789abcd77");
    EXPECT_EQ(verity->size, 1U << 20U);
}

TEST_F(Disk, HoldsTheFilesAtTheirPlaces) {
    const auto bytes = read_file(make("disk.raw"));
    EXPECT_EQ(bytes.size(), 11U << 20U);
    EXPECT_EQ(bytes.substr(1U << 20U, 3'000'000), read_file(path("esp")));
    EXPECT_EQ(bytes.substr(4U << 20U, 5U << 20U), read_file(path("root")));
    EXPECT_EQ(bytes.substr(9U << 20U, 40960), read_file(path("verity")));
}

TEST_F(Disk, IsTheSameTwice) { EXPECT_EQ(read_file(make("one")), read_file(make("two"))); }

// A store and an output directory need not lie on one file system; the kernel does not copy between two.
TEST_F(Disk, TakesFilesFromAnotherFileSystem) {
    const Fd elsewhere(::memfd_create("root", MFD_CLOEXEC));
    write_all(elsewhere.get(), read_file(path("root")), "root");
    auto other = input();
    other.root = "/proc/self/fd/" + std::to_string(elsewhere.get());
    make_disk(other, path("other"));
    EXPECT_EQ(read_file(path("other")), read_file(make("one")));
}

TEST_F(Disk, StaysSparse) {
    std::filesystem::resize_file(path("esp"), 300U << 20U);
    struct stat status {};
    ASSERT_EQ(::stat(make("disk.raw").c_str(), &status), 0);
    EXPECT_GT(status.st_size, 300 << 20);
    EXPECT_LT(status.st_blocks * 512, 20 << 20);
}

TEST_F(Disk, SfdiskFindsNothingWrong) {
    const auto outcome = run({.argv = {"sfdisk", "--verify", make("disk.raw").native()}});
    EXPECT_TRUE(outcome.ok()) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("No errors detected."));
    const auto dump = run_checked({.argv = {"sfdisk", "--dump", path("disk.raw").native()}});
    EXPECT_THAT(dump, HasSubstr("type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=4F7C2233-4455-6677-8899-AABBCCDDEEFF, "
                                "name=\"root_R0.1\", attrs=\"GUID:60\""));
}

TEST_F(Disk, ALabelThatDoesNotFitIsRefused) {
    auto too_long = input();
    too_long.version = "a-release-name-that-is-far-too-long";
    try {
        make_disk(too_long, path("disk.raw"));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot label a partition 'root_a-release-name-that-is-far-too-long': a GPT label "
                                  "has at most 36 characters\n"
                                  "  hint: shorten the train's release");
    }
    EXPECT_FALSE(std::filesystem::exists(path("disk.raw")));
}

TEST_F(Disk, AFileWithoutATableIsRefused) {
    try {
        static_cast<void>(read_partition_table(path("root")));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot read the partition table of '" + path("root").native() +
                                      "': there is no GPT in it\n"
                                      "  hint: is it a disk image that ashlar built, and is it complete?");
    }
}

TEST_F(Disk, ATruncatedImageIsRefused) {
    const auto disk = make("disk.raw");
    std::filesystem::resize_file(disk, 6U << 20U);
    EXPECT_THROW(static_cast<void>(read_partition_table(disk)), Error);
}

} // namespace
} // namespace ashlar::image
