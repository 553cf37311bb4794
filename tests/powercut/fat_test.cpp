// The FAT reader against what dosfstools and mtools make and say.

#include "fat.hpp"

#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

using namespace powercut;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

namespace {

class FatImage : public testing::Test {
protected:
    FatImage() {
        run_checked({.argv = {"mkfs.fat", "-F", "32", "-s", "1", "-C", image.native(), "40960"}});
        run_checked({.argv = {"mmd", "-i", image.native(), "::/EFI", "::/EFI/Linux", "::/EFI/BOOT"}});
        put("EFI/BOOT/BOOTX64.EFI", "loader");
        put("EFI/Linux/ashlar_R0.0-with-a-long-name.efi", std::string(5000, 'u') + "end");
    }
    void put(const std::string& path, const std::string& content) const {
        write_file(directory.path() / "file", content);
        run_checked({.argv = {"mcopy", "-D", "o", "-i", image.native(), (directory.path() / "file").native(), "::/" + path}});
    }
    [[nodiscard]] std::string raw() const { return read_file(image); }
    void write_raw(std::uint64_t offset, std::string_view bytes) const {
        const Fd file = open_file(image, O_WRONLY);
        ASSERT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)), static_cast<ssize_t>(bytes.size()));
    }
    // What `look` sees in the volume.
    void look(const std::function<void(const Fat&)>& see) const {
        const Log nothing;
        const std::uint64_t sectors = std::filesystem::file_size(image) / sector_size;
        const Disk disk(nothing, sectors, image);
        const auto fat = Fat::read(disk, {0, sectors});
        ASSERT_TRUE(fat);
        see(*fat);
    }
    [[nodiscard]] std::uint64_t table() const { return std::uint64_t{*little_endian_at<std::uint16_t>(bytes_of(raw()), 14)} * sector_size; }
    void set_next(std::uint32_t cluster, std::uint32_t next) const {
        Bytes bytes;
        append_little_endian(bytes, next);
        write_raw(table() + cluster * 4U, text_of(bytes));
    }
    TemporaryDirectory directory{testing::TempDir()};
    std::filesystem::path image = directory.path() / "fat";
};

std::vector<std::string> paths(const Fat& fat) {
    std::vector<std::string> all;
    for (const FatFile& file : fat.files()) all.push_back(file.path);
    return all;
}

TEST_F(FatImage, HasFilesByTheirLongNames) {
    look([](const Fat& fat) {
        EXPECT_THAT(paths(fat), UnorderedElementsAre("EFI", "EFI/Linux", "EFI/Linux/ashlar_R0.0-with-a-long-name.efi", "EFI/BOOT", "EFI/BOOT/BOOTX64.EFI"));
        EXPECT_THAT(fat.faults(), IsEmpty());
        const FatFile* file = fat.find("efi/linux/ASHLAR_r0.0-with-a-long-name.efi");
        ASSERT_NE(file, nullptr);
        EXPECT_EQ(text_of(fat.content(*file)), std::string(5000, 'u') + "end");
        EXPECT_EQ(text_of(fat.content(*file, 3)), "uuu");
        EXPECT_EQ(fat.find("EFI/Linux/none"), nullptr);
    });
}

TEST_F(FatImage, ComparesAFileWithWhatItShouldHold) {
    const std::string right = std::string(5000, 'u') + "end", wrong = std::string(5000, 'u') + "END";
    look([&](const Fat& fat) {
        const FatFile& file = *fat.find("EFI/Linux/ashlar_R0.0-with-a-long-name.efi");
        EXPECT_TRUE(fat.holds(file, content_of(bytes_of(right)), right.size()));
        EXPECT_FALSE(fat.holds(file, content_of(bytes_of(wrong)), wrong.size()));
        EXPECT_FALSE(fat.holds(file, content_of(bytes_of(right)), right.size() - 1));
    });
}

TEST_F(FatImage, GoesByTheShortNameWhereTheLongOneIsTorn) {
    const std::size_t at = raw().find(std::string("a\0s\0h\0l\0a\0", 10));
    ASSERT_NE(at, std::string::npos);
    write_raw(at + 12, "X"); // the sum of the short name
    look([](const Fat& fat) { EXPECT_THAT(paths(fat), Contains(StartsWith("EFI/Linux/ASHLAR~1.EFI"))); });
}

TEST_F(FatImage, NoticesAChainThatIsTooShort) {
    std::uint32_t first = 0;
    look([&](const Fat& fat) { first = fat.find("EFI/Linux/ashlar_R0.0-with-a-long-name.efi")->clusters[3]; });
    set_next(first, 0x0fffffff);
    look([](const Fat& fat) {
        EXPECT_FALSE(fat.find("EFI/Linux/ashlar_R0.0-with-a-long-name.efi")->whole);
        EXPECT_THAT(fat.faults(), ElementsAre("'EFI/Linux/ashlar_R0.0-with-a-long-name.efi': 4 clusters for 5003 bytes"));
    });
}

TEST_F(FatImage, NoticesAChainThatLeadsNowhere) {
    std::uint32_t first = 0;
    look([&](const Fat& fat) { first = fat.find("EFI/Linux/ashlar_R0.0-with-a-long-name.efi")->clusters[3]; });
    set_next(first, 0);
    look([](const Fat& fat) { EXPECT_THAT(fat.faults(), Contains("'EFI/Linux/ashlar_R0.0-with-a-long-name.efi': its chain leads to cluster 0")); });
}

TEST_F(FatImage, NoticesAChainWithoutEnd) {
    std::uint32_t first = 0;
    look([&](const Fat& fat) { first = fat.find("EFI/Linux/ashlar_R0.0-with-a-long-name.efi")->clusters[0]; });
    set_next(first, first);
    look([](const Fat& fat) { EXPECT_THAT(fat.faults(), Contains("'EFI/Linux/ashlar_R0.0-with-a-long-name.efi': its chain does not end where it should")); });
}

TEST_F(FatImage, NoticesTwoFilesOnOneChain) {
    put("EFI/BOOT/OTHER.EFI", std::string(600, 'o'));
    std::uint32_t other = 0, uki = 0;
    look([&](const Fat& fat) {
        other = fat.find("EFI/BOOT/OTHER.EFI")->clusters[0];
        uki = fat.find("EFI/Linux/ashlar_R0.0-with-a-long-name.efi")->clusters.back();
    });
    set_next(other, uki);
    look([](const Fat& fat) { EXPECT_THAT(fat.shared(), UnorderedElementsAre("EFI/BOOT/OTHER.EFI", "EFI/Linux/ashlar_R0.0-with-a-long-name.efi")); });
    // fsck.fat sees the same.
    const Outcome said = ashlar::run({.argv = {"fsck.fat", "-n", image.native()}});
    EXPECT_EQ(said.exit_code, 1);
    EXPECT_THAT(said.output, HasSubstr("share clusters"));
}

TEST_F(FatImage, IsNotReadWhereThereIsNone) {
    write_raw(510, "xx");
    const Log nothing;
    const std::uint64_t sectors = std::filesystem::file_size(image) / sector_size;
    const Disk disk(nothing, sectors, image);
    EXPECT_FALSE(Fat::read(disk, {0, sectors}));
    EXPECT_FALSE(Fat::read(disk, {0, sectors + 1}));
}

} // namespace
