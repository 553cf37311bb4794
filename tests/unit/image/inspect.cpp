#include "../signing/samples.hpp"
#include "trees.hpp"

#include <image/boot_partition.hpp>
#include <image/inspect.hpp>
#include <image/os_release.hpp>
#include <image/uki.hpp>
#include <image/verity.hpp>

#include <base/process.hpp>
#include <signing/authenticode.hpp>
#include <signing/pe.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

namespace ashlar::image {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using trees::error_of;

// A whole image of small parts; the root file system's content plays no part here.
class Image : public testing::Test {
protected:
    Image() {
        write_file(path("stub"), text_of(samples::efi_image()));
        write_file(path("initrd"), "an initrd");
        write_file(path("loader.conf"), loader_configuration());
        write_file(path("root"), std::string(64 * 4096, 'r'));
        (void)sign_program(path("stub"), keys, "R0.1: loader", path("loader.efi")).value();
        build();
    }
    [[nodiscard]] fs::path path(std::string_view name) const { return directory_.path() / name; }
    [[nodiscard]] fs::path disk() const { return path("disk.raw"); }

    void build() { build(make_verity("base", path("root"), path("verity"))); }
    void build(const Digest& hash) {
        (void)make_uki({.role = "base",
                  .release = "R0.1",
                  .stub = path("stub"),
                  .kernel = path("stub"),
                  .kernel_version = "6.12.1",
                  .initrd = path("initrd"),
                  .os_release = os_release,
                  .command_line = {"panic=10"},
                  .root_hash = hash},
                 keys, path("uki.efi")).value();
        put_together(hash);
    }
    // From the UKI as it is.
    void put_together(const Digest& hash) {
        for (const auto* old : {"esp", "disk.raw"}) fs::remove(path(old));
        root_hash = hash.hex();
        auto files = boot_files({.architecture = "amd64",
                                 .release = "R0.1",
                                 .loader = path("loader.efi"),
                                 .configuration = path("loader.conf"),
                                 .uki = path("uki.efi")});
        files.insert(files.end(), more_files.begin(), more_files.end());
        make_boot_partition({.name = "base", .files = files}, trees::host_tools(), path("esp"));
        make_disk({.architecture = "amd64",
                   .version = "R0.1",
                   .root_hash = hash,
                   .boot_partition = path("esp"),
                   .root = path("root"),
                   .verity = path("verity")},
                  disk());
    }
    void flip(std::uint64_t offset) const {
        const auto fd = open_file(disk(), O_RDWR);
        char byte = 0;
        ASSERT_EQ(::pread(fd.get(), &byte, 1, static_cast<off_t>(offset)), 1);
        byte = static_cast<char>(byte ^ 1);
        ASSERT_EQ(::pwrite(fd.get(), &byte, 1, static_cast<off_t>(offset)), 1);
    }
    [[nodiscard]] Inspection look(Verify verify = Verify::everything) const { return inspect(disk(), verify); }
    [[nodiscard]] std::string error() const {
        return error_of([&] { static_cast<void>(look()); });
    }
    [[nodiscard]] std::string refusal(const std::string& cause) const {
        return fmt::format(
            "cannot inspect '{0}': {1}\n  while inspecting '{0}'\n  hint: is it a disk image that ashlar built?",
            disk().native(), cause);
    }

    const Identity db = samples::identity(0);
    const KeysAtHand keys = samples::keys_at_hand(0, 1);
    std::string os_release = identify("ID=debian\n", "base", "R0.1");
    std::vector<BootFile> more_files;
    std::string root_hash;

private:
    TemporaryDirectory directory_{fs::temp_directory_path(), "image-"};
};

TEST_F(Image, IsReadBack) {
    const auto found = look();
    EXPECT_THAT(found.faults, IsEmpty());
    EXPECT_EQ(found.root_hash.hex(), root_hash);
    EXPECT_EQ(found.root_size, 64U * 4096);
    EXPECT_EQ(found.uki, "EFI/Linux/ashlar_R0.1.efi");
    EXPECT_EQ(found.command_line, "panic=10 roothash=" + root_hash);
    EXPECT_EQ(found.kernel_version, "6.12.1");
    EXPECT_EQ(found.os_release.at("VARIANT_ID"), "base");
    EXPECT_EQ(found.table.partitions.size(), 3U);
    ASSERT_EQ(found.programs.size(), 3U);
    for (const auto& program : found.programs) {
        ASSERT_EQ(program.signatures.size(), 1U) << program.path;
        EXPECT_EQ(program.signatures[0].fingerprint, db.certificate.fingerprint().hex());
    }
}

TEST_F(Image, SaysTheSameAsJsonAndAsText) {
    const auto found = look();
    const auto json = to_json(found);
    EXPECT_EQ(json.at("root_hash"), root_hash);
    EXPECT_EQ(json.at("partitions").at(1).at("kind"), "root");
    EXPECT_EQ(json.at("uki").at("kernel"), "6.12.1");
    EXPECT_EQ(json.at("programs").size(), 3U);
    const auto text = to_text(found);
    EXPECT_THAT(text, HasSubstr("role base, release R0.1\n"));
    EXPECT_THAT(text, HasSubstr("root hash  " + root_hash + "\n"));
    EXPECT_THAT(text, HasSubstr("  2 root "));
    EXPECT_THAT(text, HasSubstr("\nno fault found\n"));
}

TEST_F(Image, VeritysetupAgreesOnThePartitions) {
    const auto found = look();
    const auto extract = [&](std::size_t index, std::uint64_t size, std::string_view name) {
        write_file(path(name), std::string_view(read_file(disk())).substr(found.table.partitions[index].offset, size));
    };
    extract(1, found.root_size, "data");
    extract(2, verity_size(found.root_size), "tree");
    EXPECT_TRUE(run({.argv = {"veritysetup", "verify", path("data").native(), path("tree").native(), root_hash}}).ok());
}

TEST_F(Image, AFlippedByteOfTheRootIsFound) {
    const auto root = look(Verify::headers).table.partitions[1].offset;
    flip(root + 5 * 4096 + 17);
    EXPECT_THAT(look().faults, ElementsAre(HasSubstr("root file system: ")));
    EXPECT_THAT(look(Verify::headers).faults, IsEmpty());
    EXPECT_THAT(to_text(look()), HasSubstr("\nfaults\n  root file system: "));
}

TEST_F(Image, AFlippedByteOfTheTreeIsFound) {
    flip(look(Verify::headers).table.partitions[2].offset + 4096 + 40);
    EXPECT_THAT(look().faults, ElementsAre(HasSubstr("root file system: ")));
}

TEST_F(Image, AHashTreeWithAnotherSaltIsFound) {
    build(make_verity("control", path("root"), path("verity")));
    EXPECT_THAT(look().faults, ElementsAre(HasSubstr("root file system: ")));
}

TEST_F(Image, AnUnsignedProgramIsFound) {
    fs::copy_file(path("stub"), path("loader.efi"), fs::copy_options::overwrite_existing);
    build();
    EXPECT_THAT(look().faults,
                ElementsAre("EFI/BOOT/BOOTX64.EFI is not signed", "EFI/systemd/systemd-bootx64.efi is not signed"));
}

TEST_F(Image, AProgramChangedAfterSigningIsFound) {
    auto program = read_file(path("loader.efi"));
    program[0x600] = static_cast<char>(program[0x600] ^ 1); // its code
    write_file(path("loader.efi"), program);
    build();
    EXPECT_THAT(
        look().faults,
        ElementsAre(
            "the signature of EFI/BOOT/BOOTX64.EFI by 'O = Example, CN = Example signing 0' is broken",
            "the signature of EFI/systemd/systemd-bootx64.efi by 'O = Example, CN = Example signing 0' is broken"));
}

TEST_F(Image, APcrPolicyWithABrokenSignatureIsFound) {
    const auto signed_uki = read_file(path("uki.efi"));
    const auto view = bytes_of(signed_uki);
    Bytes uki = without_certificates(Bytes(view.begin(), view.end()), "uki");
    const auto section = find_section(uki, parse_pe(uki, "uki"), ".pcrsig");
    ASSERT_TRUE(section);
    const auto signature = text_of(*section).find("\"sig\":\"") + 8;
    auto& letter = uki[static_cast<std::size_t>(section->data() - uki.data()) + signature];
    letter = letter == std::byte{'A'} ? std::byte{'B'} : std::byte{'A'};
    write_file(path("uki.efi"), text_of(sign_authenticode(uki, db, "uki")));
    put_together(*Digest::from_hex(root_hash));
    EXPECT_THAT(look().faults, ElementsAre("PCR policy: its .pcrsig has no right signature for phase 'enter-initrd'"));
}

TEST_F(Image, AnOsReleaseWithoutIdentityIsFound) {
    os_release = "ID=debian\nVARIANT_ID=base\n";
    build();
    EXPECT_THAT(look().faults,
                ElementsAre("the UKI's os-release has no IMAGE_ID", "the UKI's os-release has no IMAGE_VERSION"));
}

TEST_F(Image, SeveralUkisAreRefused) {
    more_files.push_back({"EFI/Linux/another.efi", path("uki.efi")});
    build();
    EXPECT_EQ(error(), refusal("it has several UKIs, 'EFI/Linux/another.efi' and 'EFI/Linux/ashlar_R0.1.efi'"));
}

TEST_F(Image, ARootOfAnotherImageIsRefused) {
    build(sha256("another root"));
    fs::remove(disk());
    make_disk({.architecture = "amd64",
               .version = "R0.1",
               .root_hash = sha256("yet another"),
               .boot_partition = path("esp"),
               .root = path("root"),
               .verity = path("verity")},
              disk());
    EXPECT_THAT(error(), HasSubstr("there is no root partition "));
    EXPECT_THAT(error(), HasSubstr(", which the UKI's root hash asks for"));
}

TEST_F(Image, AnotherFileIsRefused) {
    fs::copy_file(path("root"), disk(), fs::copy_options::overwrite_existing);
    EXPECT_THAT(error(), HasSubstr("there is no GPT in it"));
}

} // namespace
} // namespace ashlar::image
