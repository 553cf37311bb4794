#include <image/architecture.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>

namespace ashlar::image {

namespace {

Guid known(std::string_view text) { return Guid::from_text(text).value(); }

const auto& table() {
    static const std::array architectures{
        Architecture{.debian = "amd64",
                     .efi = "x64",
                     .root_type = known("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
                     .verity_type = known("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5")},
        Architecture{.debian = "arm64",
                     .efi = "aa64",
                     .root_type = known("b921b045-1df0-41c3-af44-4c6f280d3fae"),
                     .verity_type = known("df3300ce-d69f-4c92-978c-9bfb0f38d820")},
    };
    return architectures;
}

std::string upper(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return out;
}

constexpr std::string_view efi_files = "usr/lib/systemd/boot/efi";

} // namespace

std::string Architecture::fallback_path() const { return fmt::format("EFI/BOOT/BOOT{}.EFI", upper(efi)); }
std::string Architecture::loader_path() const { return fmt::format("EFI/systemd/systemd-boot{}.efi", efi); }
std::string Architecture::loader_source() const { return fmt::format("{}/systemd-boot{}.efi", efi_files, efi); }
std::string Architecture::stub_source() const { return fmt::format("{}/linux{}.efi.stub", efi_files, efi); }
std::string Architecture::addon_stub_source() const { return fmt::format("{}/addon{}.efi.stub", efi_files, efi); }

const Architecture& architecture(std::string_view debian) {
    const auto found = std::ranges::find(table(), debian, &Architecture::debian);
    if (found != table().end()) return *found;
    throw Error(fmt::format("cannot make an image for '{}': the architecture is not known", debian),
                "images can be made for amd64 and arm64");
}

const Guid& boot_partition_type() {
    static const auto type = known("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
    return type;
}

} // namespace ashlar::image
