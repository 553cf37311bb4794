#pragma once

// What is in a disk image: read from its bytes alone, nothing is mounted, nothing needs rights.

#include <image/disk.hpp>

#include <base/json.hpp>
#include <signing/verity.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ashlar::image {

struct EfiProgram {
    std::string path; // on the ESP
    std::uint64_t size = 0;
    struct Signature {
        std::string signer;      // subject of the certificate
        std::string fingerprint; // SHA-256 of the certificate, hex
        bool intact = false;
    };
    std::vector<Signature> signatures; // empty: it is not signed
    std::string authenticode;          // digest, hex
};

struct Inspection {
    std::filesystem::path image;
    std::uint64_t size = 0;
    PartitionTable table;
    std::vector<EfiProgram> programs; // *.efi on the ESP, the UKI among them
    std::string uki;                  // its path
    std::uint64_t uki_size = 0;
    std::map<std::string, std::string> os_release; // the UKI's
    std::string command_line, kernel_version;
    std::vector<std::pair<std::string, std::uint64_t>> sections; // of the UKI
    std::optional<std::string> pcr_fault;                        // why the PCR signatures are not right
    Digest root_hash;                                            // from the command line
    std::uint64_t root_size = 0;                                 // bytes of the file system
    std::optional<std::string> verity_fault; // first place where data or tree are not what the root hash says
    // Everything that is not as it has to be, as sentences; empty: sound.
    std::vector<std::string> faults;
};

// Whether to read and hash the whole root file system.
enum class Verify { everything, headers };

// Error when the file is no such image at all: no GPT, no ESP, no UKI or several, no root hash in it,
// no partitions with that root hash. What is there and wrong is in `faults`.
[[nodiscard]] Inspection inspect(const std::filesystem::path& image, Verify verify);

[[nodiscard]] Json to_json(const Inspection& inspection);
[[nodiscard]] std::string to_text(const Inspection& inspection);

} // namespace ashlar::image
