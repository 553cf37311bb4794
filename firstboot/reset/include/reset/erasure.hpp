#pragma once

// Makes what a partition holds unreadable: NIST SP 800-88 calls the ways cryptographic erase, and clear.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::reset {

enum class Content { plain, encrypted }; // encrypted: LUKS2

enum class Way {
    crypto_erase,    // the LUKS2 headers and all key slots are overwritten with random bytes
    discard,         // the device was told that it may forget the whole partition (BLKDISCARD)
    overwrite_edges, // zeros over the first and the last 16 MiB
    overwrite,       // zeros over all of it
};
[[nodiscard]] std::string_view name_of(Way way); // "crypto-erase"

struct Erasure {
    std::uint64_t bytes = 0; // size of the partition
    std::vector<Way> ways;   // in the order in which they were gone
    std::string no_discard;  // why the device could not discard; empty when it did
};

// `device`: a block device that nobody has open (or a file in its place), of at least one MiB. Returns when it is
// on the disk and was read back, and may be done again after a cut at any point. Encrypted: crypto-erase, then
// discard or else the edges. Plain: discard, and everything is overwritten when there is no discard, or when
// samples still read as something else than zeros. `say` gets a line now and then.
[[nodiscard]] Erasure erase(const std::filesystem::path& device, Content content, const std::function<void(std::string_view)>& say);

} // namespace ashlar::reset
