#pragma once

// A copy of a built image that a test may damage, and the machine it is booted in.

#include <image/disk.hpp>
#include <machine/machine.hpp>
#include <signing/key_set.hpp>
#include <signing/uefi_variables.hpp>

#include <base/file.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

using namespace ashlar;

// A program of this machine: Debian keeps some where ordinary users do not look.
[[nodiscard]] std::string program(const std::string& name);
[[nodiscard]] std::string lower(std::string text);

// What tests/boot/run prepared; an Error says how to run it when it did not.
struct Lab {
    std::filesystem::path images, keys;
    [[nodiscard]] static const Lab& get();
    // "…/ashlar_<role>_<release>_amd64", of which there must be exactly one.
    [[nodiscard]] std::filesystem::path base_of(std::string_view role) const;
    [[nodiscard]] Identity signer() const; // whose images boot
    // A variable store with the lab's keys.
    [[nodiscard]] const std::filesystem::path& variables() const;
    // The bytes of one whose dbx has these images too.
    [[nodiscard]] Bytes variables_revoking(const std::vector<Digest>& revoked) const;
    // What `ashlar key variables --vendors none --revoke …` writes.
    [[nodiscard]] std::vector<VariableFile> variable_files(const std::vector<Digest>& revoked) const;
};

class Disk {
public:
    explicit Disk(std::string_view role);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] image::Partition esp() const;
    [[nodiscard]] image::Partition root() const;
    [[nodiscard]] image::Partition verity() const;

    // ---- The boot partition ----
    [[nodiscard]] std::string uki_path() const; // on the ESP
    [[nodiscard]] Bytes read_boot_file(const std::string& name) const;
    void write_boot_file(const std::string& name, ByteView contents);

    // ---- The root ----
    // Where the first byte of a file of the root lies in the root partition.
    [[nodiscard]] std::uint64_t place_of(const std::string& file) const;
    // Inverts all bits of one byte of a partition.
    void flip(const image::Partition& partition, std::uint64_t offset);
    // Recomputes the hash tree, as whoever can write to the disk would.
    Digest reseal();
    // Gives root and verity the partition identifiers of `root_hash`.
    void name_partitions(const Digest& root_hash);

    // Boots it. `change` may alter what is not about the disk.
    [[nodiscard]] machine::Report boot(const std::function<void(machine::Options&)>& change = {}) const;

private:
    [[nodiscard]] image::PartitionTable table() const { return image::read_partition_table(path_); }
    TemporaryDirectory directory_;
    std::filesystem::path path_;
    std::string role_;
};

} // namespace lab
