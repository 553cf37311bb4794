#include <node/layout.hpp>

#include <signing/bytes.hpp>
#include <state/state.hpp>

#include <fmt/format.h>

namespace ashlar::node {

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20U, gib = std::uint64_t{1} << 30U;
constexpr std::uint64_t esp_size = gib, least_var = 2 * gib, gaps = 4 * mib;

std::uint64_t slot_size(const Slot& medium) { return round_up(2 * medium.root_size, 256 * mib); }
// A hash tree of SHA-256 over blocks of 4096 is a 127th of the data.
std::uint64_t tree_size(const Slot& medium) { return slot_size(medium) / 64; }
std::uint64_t two_slots(const Slot& medium) { return 2 * (slot_size(medium) + tree_size(medium)); }

std::string fixed(std::string_view type, std::string_view label, std::uint64_t size, std::string_view more = {}) {
    return fmt::format("[Partition]\nType={}\nLabel={}\nSizeMinBytes={}\nSizeMaxBytes={}\n{}", type, label, size, size, more);
}

std::string copied(const disks::Partition& from, const std::string& label, std::uint64_t size) {
    return fixed(from.type, label, size, fmt::format("UUID={}\nCopyBlocks={}\n", from.id, from.device.native()));
}

std::string var_definition(Var var, std::string_view more = {}) {
    return fmt::format("[Partition]\nType=var\nLabel=var\nSizeMinBytes={}\nFormat=ext4\n{}{}", least_var,
                       var == Var::encrypted ? "Encrypt=key-file\n" : "", more);
}

constexpr std::string_view anew = "FactoryReset=yes\n";

// repart matches what is there by type and order, and would grow the last into the room behind it.
std::string as_it_is(const disks::Partition& partition, std::uint64_t size) {
    return fmt::format("[Partition]\nType={}\nSizeMinBytes={}\nSizeMaxBytes={}\n", partition.type, size, size);
}

} // namespace

std::uint64_t minimum_size(const Slot& medium) { return esp_size + state::partition_size + two_slots(medium) + least_var + gaps; }

Definitions definitions(const Slot& medium, Var var) {
    return {{"10-esp.conf", fixed("esp", "esp", esp_size, "Format=vfat\n")},
            {"20-state.conf", fixed(state::partition_type().text(), "state", state::partition_size)},
            {"30-root-a.conf", copied(medium.root, "root_" + medium.release, slot_size(medium))},
            {"40-verity-a.conf", copied(medium.verity, "verity_" + medium.release, tree_size(medium))},
            {"50-root-b.conf", fixed(medium.root.type, "_empty", slot_size(medium))},
            {"60-verity-b.conf", fixed(medium.verity.type, "_empty", tree_size(medium))},
            {"70-var.conf", var_definition(var)}};
}

std::uint64_t minimum_size_in_place(const Slot& medium, std::uint64_t medium_size) {
    return medium_size + state::partition_size + two_slots(medium) + least_var + gaps;
}

Definitions definitions_in_place(const Slot& medium, Var var) {
    return {{"10-esp.conf", "[Partition]\nType=esp\n"},
            {"20-root.conf", as_it_is(medium.root, medium.root_size)},
            {"30-verity.conf", as_it_is(medium.verity, medium.verity_size)},
            {"40-state.conf", fixed(state::partition_type().text(), "state", state::partition_size, anew)},
            {"50-root-a.conf", fixed(medium.root.type, "_empty", slot_size(medium), anew)},
            {"60-verity-a.conf", fixed(medium.verity.type, "_empty", tree_size(medium), anew)},
            {"70-root-b.conf", fixed(medium.root.type, "_empty", slot_size(medium), anew)},
            {"80-verity-b.conf", fixed(medium.verity.type, "_empty", tree_size(medium), anew)},
            {"90-var.conf", var_definition(var, anew)}};
}

Definitions definitions_of_var(Var var) { return {{"70-var.conf", var_definition(var, anew)}}; }

// Identifiers from random numbers: by itself repart derives them from the machine id, which stays behind.
std::vector<std::string> repart_command(Table table, const std::filesystem::path& definitions, const std::filesystem::path& disk,
                                        const std::optional<std::filesystem::path>& key_file) {
    std::vector<std::string> argv{"systemd-repart", "--dry-run=no", "--discard=no", "--seed=random", table == Table::anew ? "--empty=force" : "--factory-reset=yes",
                                  "--definitions=" + definitions.native()};
    if (key_file) argv.push_back("--key-file=" + key_file->native());
    argv.push_back(disk.native());
    return argv;
}

} // namespace ashlar::node
