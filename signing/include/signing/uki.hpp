#pragma once

// Unified kernel images and their add-ons (UAPI group's UKI specification; systemd-stub 257). The
// page: docs/formats/uki.md.
//
// From parts to a signed image:
//
//     Bytes uki = compose_uki(parts, "base_R0.1.efi");
//     uki = add_pcr_signatures(std::move(uki), sign_pcr_policies(pcr_policies(uki, …), key), …); // pcr.hpp
//     uki = sign_authenticode(std::move(uki), db, …);                                   // authenticode.hpp

#include <signing/bytes.hpp>
#include <signing/key.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar {

// One line of SBAT: the component a revocation names by generation.
struct SbatEntry {
    std::string component;  // "ashlar.base"
    unsigned generation;    // raised when a release must be revocable as a whole
    std::string vendor;
    std::string package;
    std::string version;
    std::string url;
};

// All views must outlive the call. Nothing is optional that a boot needs.
struct UkiParts {
    ByteView stub;                  // linuxx64.efi.stub, unsigned
    ByteView kernel;                // vmlinuz, an EFI image itself
    std::vector<ByteView> initrds;  // at least one; joined in this order
    std::string os_release;
    std::string command_line;       // without newline
    std::string kernel_release;     // uname -r
    std::optional<ByteView> microcode; // a cpio, unpacked before the initrds
    std::optional<PublicKey> pcr_key;  // whose policies .pcrsig will hold
    std::vector<SbatEntry> sbat;       // after those of stub and kernel
};

// Unsigned, and without .pcrsig. The same bytes as `ukify build` of systemd 257 makes of these parts.
[[nodiscard]] Bytes compose_uki(const UkiParts& parts, std::string_view name);

// Another way to start the same UKI, which the boot loader shows as an entry of its own (UAPI.5; systemd-stub(7), "multi-
// profile"). What it does not name is the UKI's. docs/formats/uki.md, "Profiles", says why it has an os-release of its own.
struct UkiProfile {
    std::string id, title; // letters, digits and '-'; a word for the menu
    std::string os_release, command_line;
};
// Adds them as profiles 1 and on; what is started without asking is profile 0, with the id "main". The policies of
// pcr.hpp depend on them and are shared by them, so .pcrsig comes first:
//
//     const auto policies = pcr_policies(add_profiles(uki, profiles, …), …);
//     uki = add_profiles(add_pcr_signatures(std::move(uki), sign_pcr_policies(policies, key), …), profiles, …);
//
// Without a profile the UKI stays as it is.
[[nodiscard]] Bytes add_profiles(Bytes uki, const std::vector<UkiProfile>& profiles, std::string_view name);

// Adds section .pcrsig. `signatures`: JSON as from sign_pcr_policies().
[[nodiscard]] Bytes add_pcr_signatures(Bytes uki, std::string_view signatures, std::string_view name);

// A command line (and microcode) that is added to a UKI when its .efi lies beside it, as
// `<uki>.extra.d/*.addon.efi` or `loader/addons/*.addon.efi`, and it is signed.
struct AddonParts {
    ByteView stub; // addonx64.efi.stub
    std::string command_line;
    std::optional<std::string> kernel_release; // refuse to apply to other kernels
    std::vector<SbatEntry> sbat;
};
[[nodiscard]] Bytes compose_addon(const AddonParts& parts, std::string_view name);

// What is inside a UKI or an add-on, for `inspect`. Views into `image`.
struct UkiContents {
    std::optional<std::string_view> os_release, command_line, kernel_release, sbat, pcr_key, pcr_signatures;
    std::optional<ByteView> kernel, initrd, microcode;
    struct Profile {
        std::string_view profile;                            // "ID=rescue\nTITLE=rescue\n"
        std::optional<std::string_view> os_release, command_line; // of its own
    };
    std::vector<Profile> profiles; // with profile 0, where there are any
    // section name and size in the order of the section table, with those of the stub
    std::vector<std::pair<std::string, std::uint64_t>> sections;
};
[[nodiscard]] UkiContents read_uki(ByteView image, std::string_view name);

} // namespace ashlar
