#include "trees.hpp"

#include <image/boot_partition.hpp>
#include <image/disk.hpp>
#include <image/fat.hpp>

#include <base/process.hpp>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

namespace ashlar::image {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using trees::error_of;

constexpr std::uint64_t mib = 1U << 20U;

class BootPartition : public testing::Test {
protected:
    BootPartition() {
        write_file(path("loader"), "the boot loader");
        write_file(path("uki"), std::string(300'000, 'u'));
        write_file(path("conf"), loader_configuration());
        write_file(path("serial.addon.efi"), "an add-on");
        std::filesystem::create_directory(path("site"));
        for (const auto* name : {"PK.auth", "KEK.auth", "db.auth"}) write_file(path("site") / name, name);
    }
    [[nodiscard]] std::filesystem::path path(std::string_view name) const { return directory_.path() / name; }
    [[nodiscard]] BootPartitionInput input() const {
        return {.name = "base",
                .epoch = 1'700'000'000,
                .files = boot_files({.architecture = "amd64",
                                     .release = "R0.1",
                                     .loader = path("loader"),
                                     .configuration = path("conf"),
                                     .uki = path("uki"),
                                     .addons = {path("serial.addon.efi")},
                                     .keys = path("site")})};
    }
    std::filesystem::path make(std::string_view name) const { return make(input(), name); }
    std::filesystem::path make(const BootPartitionInput& what, std::string_view name) const {
        make_boot_partition(what, trees::host_tools(), path(name));
        return path(name);
    }

private:
    TemporaryDirectory directory_{std::filesystem::temp_directory_path(), "esp-"};
};

TEST_F(BootPartition, HoldsEveryFileAtItsPlace) {
    const auto image = make("esp.img");
    const auto fd = open_file(image, O_RDONLY);
    const FatVolume volume(fd.get(), 0, std::filesystem::file_size(image), "esp.img");
    std::map<std::string, std::string> contents;
    for (const auto& file : volume.files()) contents[file.path] = text_of(volume.read(file));
    EXPECT_EQ(contents, (std::map<std::string, std::string>{
                            {"EFI/BOOT/BOOTX64.EFI", "the boot loader"},
                            {"EFI/systemd/systemd-bootx64.efi", "the boot loader"},
                            {"EFI/Linux/ashlar_R0.1.efi", std::string(300'000, 'u')},
                            {"loader/loader.conf", loader_configuration()},
                            {"loader/addons/serial.addon.efi", "an add-on"},
                            {"loader/keys/site/PK.auth", "PK.auth"},
                            {"loader/keys/site/KEK.auth", "KEK.auth"},
                            {"loader/keys/site/db.auth", "db.auth"},
                        }));
}

TEST_F(BootPartition, FsckAndMtoolsAgree) {
    const auto image = make("esp.img");
    EXPECT_THAT(run_checked({.argv = {"fsck.fat", "-n", "-v", image.native()}}), HasSubstr("32 bit entries"));
    EXPECT_EQ(run_checked({.argv = {"mtype", "-i", image.native(), "::EFI/systemd/systemd-bootx64.efi"}}),
              "the boot loader");
    EXPECT_THAT(run_checked({.argv = {"mdir", "-i", image.native(), "::EFI/Linux"}}),
                HasSubstr("2023-11-14  22:13  ashlar_R0.1.efi"));
}

TEST_F(BootPartition, IsTheSameTwiceWhateverTheTimeZone) {
    const auto one = read_file(make("one"));
    ::setenv("TZ", "Pacific/Kiritimati", 1);
    const auto two = read_file(make("two"));
    ::unsetenv("TZ");
    EXPECT_TRUE(one == two);
}

TEST_F(BootPartition, TheRecipesSizeWins) {
    auto sized = input();
    sized.size = 64 * mib;
    EXPECT_EQ(std::filesystem::file_size(make(sized, "esp.img")), 64 * mib);
}

TEST_F(BootPartition, WhatDoesNotFitIsRefused) {
    auto small = input();
    small.size = 40 * mib;
    write_file(path("uki"), std::string(41 * mib, 'u'));
    EXPECT_EQ(error_of([&] { make(small, "esp.img"); }),
              "cannot make the boot partition of 'base': 43.0 MB of files do not fit into 41.9 MB\n"
              "  hint: raise limits.boot_partition (at least 155 MiB) or leave it out to have it computed");
    EXPECT_FALSE(std::filesystem::exists(path("esp.img")));
}

TEST_F(BootPartition, APathThatIsThereTwiceIsRefused) {
    auto twice = input();
    twice.files.push_back(twice.files.front());
    EXPECT_THAT(error_of([&] { make(twice, "esp.img"); }),
                StartsWith("cannot put 'EFI/BOOT/BOOTX64.EFI' into the boot partition: it is there twice"));
}

TEST(BootPartitionSize, HasRoomForTheKeptAndTheNextAndAQuarterMore) {
    EXPECT_EQ(boot_partition_size({.uki = 40 * mib, .fixed = 0, .kept = 2}), 151 * mib);
    EXPECT_EQ(boot_partition_size({.uki = 40 * mib, .fixed = 0, .kept = 0}), 151 * mib);
    EXPECT_EQ(boot_partition_size({.uki = 40 * mib, .fixed = 0, .kept = 3}), 201 * mib);
    EXPECT_EQ(boot_partition_size({.uki = 1000, .fixed = 1000}), 36 * mib);
}

// FAT32 begins at 65,525 clusters; the largest clusters that leave as many are taken.
TEST_F(BootPartition, IsFat32AtEverySize) {
    for (const auto size : {36U, 66U, 70U, 135U, 140U, 270U, 280U, 600U}) {
        auto sized = input();
        sized.size = size * mib;
        const auto image = make(sized, "esp-" + std::to_string(size));
        EXPECT_THAT(run_checked({.argv = {"fsck.fat", "-n", "-v", image.native()}}), HasSubstr("32 bit entries"))
            << size;
        std::filesystem::remove(image);
    }
}

// ---- The reader against damaged volumes -------------------------------------------------------

class DamagedFat : public BootPartition {
protected:
    DamagedFat() : image(make("esp.img")), bytes(read_file(image)) {}
    [[nodiscard]] std::string outcome() const {
        const auto rewritten = open_file(image, O_WRONLY | O_TRUNC); // sparse again: only what is not zero is written
        for (std::size_t at = 0; at < bytes.size(); at += 4096)
            if (const auto block = std::string_view(bytes).substr(at, 4096);
                block.find_first_not_of('\0') != block.npos)
                static_cast<void>(::pwrite(rewritten.get(), block.data(), block.size(), static_cast<off_t>(at)));
        std::filesystem::resize_file(image, bytes.size());
        return error_of([&] {
            const auto fd = open_file(image, O_RDONLY);
            const FatVolume volume(fd.get(), 0, bytes.size(), "esp.img");
            for (const auto& file : volume.files()) static_cast<void>(volume.read(file));
        });
    }
    void put(std::size_t offset, std::uint32_t number) {
        for (std::size_t i = 0; i < 4; ++i) bytes[offset + i] = static_cast<char>(number >> (8 * i));
    }
    [[nodiscard]] std::size_t table() const { return std::size_t{512} * static_cast<unsigned char>(bytes[14]); }

    std::filesystem::path image;
    std::string bytes;
};

TEST_F(DamagedFat, NothingIsWrongAtFirst) { EXPECT_EQ(outcome(), "no error"); }

TEST_F(DamagedFat, NoBootSector) {
    bytes[510] = 0;
    EXPECT_EQ(outcome(), "cannot read the FAT volume 'esp.img': there is no boot sector");
}

TEST_F(DamagedFat, ARootDirectoryThatLoops) {
    put(table() + std::size_t{2} * 4, 2); // cluster 2, the root directory, is followed by itself
    EXPECT_THAT(outcome(), StartsWith("cannot read the FAT volume 'esp.img': a chain of clusters is damaged at 2"));
}

TEST_F(DamagedFat, ACutFile) {
    bytes.resize(bytes.size() / 2);
    EXPECT_EQ(outcome(), "cannot read the FAT volume 'esp.img': it ends after the end of the partition");
}

// Whatever a byte of the boot sector becomes, the reader says something or reads on; it never leaves the volume.
TEST_F(DamagedFat, AnyByteOfTheBootSector) {
    const auto fd = open_file(image, O_RDWR);
    unsigned refused = 0;
    for (off_t offset = 0; offset < 90; ++offset) {
        for (const char value : {'\x00', '\x01', '\x7f', '\xff'}) {
            ASSERT_EQ(::pwrite(fd.get(), &value, 1, offset), 1);
            refused += error_of([&] { static_cast<void>(FatVolume(fd.get(), 0, bytes.size(), "esp.img").files()); }) !=
                       "no error";
            ASSERT_EQ(::pwrite(fd.get(), &bytes[static_cast<std::size_t>(offset)], 1, offset), 1);
        }
    }
    EXPECT_GT(refused, 20U);
}

} // namespace
} // namespace ashlar::image
