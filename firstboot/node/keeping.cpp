#include "keeping.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <disks/inventory.hpp>

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

Keeping::Keeping(Var var) {
    if (var == Var::encrypted) key_.emplace(run_directory / "new-recovery-key");
}

std::optional<fs::path> Keeping::key_file() const { return key_ ? std::optional(key_->file()) : std::nullopt; }

void Keeping::enrol(const disks::Disk& disk) const {
    if (!key_) return;
    const auto* var = disk.of_type(disks::var_partition_type);
    if (var == nullptr) throw Error(fmt::format("cannot encrypt /var: '{}' has no partition of its type", disk.device.native()));
    enrol_tpm(var->device, key_->file());
}

void lay_out(const disks::Disk& target, Table table, const Definitions& definitions, const Keeping& keeping) {
    const fs::path directory = run_directory / "repart.d";
    remove_tree(directory);
    fs::create_directories(directory);
    for (const auto& [name, text] : definitions) write_file(directory / name, text);
    run_checked({.argv = repart_command(table, directory, target.device, keeping.key_file())});
    disks::settle();
}

disks::Disk seen_again(const disks::Disk& target) {
    const auto disks = disks::inventory();
    const auto found = std::ranges::find(disks, target.name, &disks::Disk::name);
    if (found == disks.end()) throw Error(fmt::format("cannot find '{}' any more", target.device.native()), "is the disk still there?");
    return *found;
}

std::uint64_t size_of(const fs::path& device) {
    const Fd file = open_file(device, O_RDONLY);
    const off_t end = ::lseek(file.get(), 0, SEEK_END);
    if (end < 0) throw system_error("measure", device.native());
    return static_cast<std::uint64_t>(end);
}

} // namespace ashlar::node
