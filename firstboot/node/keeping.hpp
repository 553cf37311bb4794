#pragma once

// How /var of a node is kept, and the work of making it: the same when a node is installed and when it is reset.

#include "encryption.hpp"
#include <node/layout.hpp>

#include <disks/disk.hpp>

#include <filesystem>
#include <optional>

namespace ashlar::node {

// Files that are gone at the next start.
inline const std::filesystem::path run_directory = "/run/ashlar";

class Keeping {
public:
    // With a new recovery key where it is encrypted.
    explicit Keeping(Var var);

    [[nodiscard]] Var var() const { return key_ ? Var::encrypted : Var::plain; }
    [[nodiscard]] std::optional<std::filesystem::path> key_file() const;
    // Of an encrypted one: member "encryption" of the state.
    [[nodiscard]] Json sealed_to(const PublicKey& site) const { return key_->sealed_to(site); }
    // Lets this machine's TPM open /var of the disk. Nothing to do where it is not encrypted.
    void enrol(const disks::Disk& disk) const;

private:
    std::optional<RecoveryKey> key_;
};

// Writes table, file systems and copies, and waits until udev has seen them.
void lay_out(const disks::Disk& target, Table table, const Definitions& definitions, const Keeping& keeping);
// The disk, as udev sees it now.
[[nodiscard]] disks::Disk seen_again(const disks::Disk& target);
// Bytes.
[[nodiscard]] std::uint64_t size_of(const std::filesystem::path& device);

} // namespace ashlar::node
