#pragma once

// What boots: the signed UKI with the root hash in its command line, signed add-ons, and the signed
// boot loader. The formats are signing's (signing/uki.hpp); here is what an image puts into them.

#include <signing/digest.hpp>
#include <signing/key.hpp>
#include <signing/image_signer.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::image {

// The output is determined by these values, the files' contents and the keys.
struct UkiInput {
    std::string role, release;    // also the SBAT entry "ashlar.<role>"
    unsigned sbat_generation = 1; // of that entry
    std::filesystem::path stub;   // the tools root's Architecture::stub_source()
    std::filesystem::path kernel; // Kernel::image
    std::string kernel_version;
    std::filesystem::path initrd;
    std::optional<std::filesystem::path> microcode;
    std::string os_release;                // usr/lib/os-release of the root, after identify()
    std::vector<std::string> command_line; // recipe::Kernel::command_line; "roothash=" is added here
    std::vector<std::string> rescue;       // recipe::Kernel::rescue: then there is a profile "rescue" with these words behind
    Digest root_hash;
    std::optional<std::uint64_t> limit; // recipe::Limits::uki
};

struct UkiSummary {
    Digest signed_file;   // SHA-256 of the output
    Digest unsigned_file; // SHA-256 before PCR and Authenticode signatures: what a rebuilder without the private keys
                          // compares
    Digest authenticode;  // what db and dbx list
    std::uint64_t size = 0;
    bool operator==(const UkiSummary&) const = default;
};
// Writes `output`; nothing while signatures are wanted. PCR policies are inside of what Authenticode signs, so these are asked
// for first. Error when the command line has a root hash of its own, or the output is larger than the limit.
[[nodiscard]] std::optional<UkiSummary> make_uki(const UkiInput& input, const ImageSigner& signer, const std::filesystem::path& output);
// The same for comparing it with another: a signature that is wanted is left out.
[[nodiscard]] UkiSummary make_uki_as_far_as_signed(const UkiInput& input, const ImageSigner& signer, const std::filesystem::path& output);

// More command line for a UKI, signed by the same key: a file for loader/addons/ on the ESP. The
// kernel takes the last of contradicting words, and add-ons come after the UKI's own.
struct AddonInput {
    std::string name; // "serial-debug"
    std::string release;
    std::filesystem::path stub; // Architecture::addon_stub_source()
    std::vector<std::string> command_line;
    std::optional<std::string> kernel_version; // only for this kernel
};
void make_addon(const AddonInput& input, const Identity& signer, const std::filesystem::path& output);

// A signed copy of an EFI program, e.g. systemd-boot, which is `subject` to whoever signs. One that is signed already gets one
// more signature. The SHA-256 of the output; nothing while the signature is wanted.
[[nodiscard]] std::optional<Digest> sign_program(const std::filesystem::path& program, const ImageSigner& signer, const std::string& subject,
                                                 const std::filesystem::path& output);

} // namespace ashlar::image
