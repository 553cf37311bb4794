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
std::uint64_t verity_size(const Slot& medium) { return slot_size(medium) / 64; }

std::string fixed(std::string_view type, std::string_view label, std::uint64_t size, std::string_view more = {}) {
    return fmt::format("[Partition]\nType={}\nLabel={}\nSizeMinBytes={}\nSizeMaxBytes={}\n{}", type, label, size, size, more);
}

std::string copied(const disks::Partition& from, const std::string& label, std::uint64_t size) {
    return fixed(from.type, label, size, fmt::format("UUID={}\nCopyBlocks={}\n", from.id, from.device.native()));
}

} // namespace

std::uint64_t minimum_size(const Slot& medium) {
    return esp_size + state::partition_size + 2 * (slot_size(medium) + verity_size(medium)) + least_var + gaps;
}

std::map<std::string, std::string> definitions(const Slot& medium) {
    return {{"10-esp.conf", fixed("esp", "esp", esp_size, "Format=vfat\n")},
            {"20-state.conf", fixed(state::partition_type().text(), "state", state::partition_size)},
            {"30-root-a.conf", copied(medium.root, "root_" + medium.release, slot_size(medium))},
            {"40-verity-a.conf", copied(medium.verity, "verity_" + medium.release, verity_size(medium))},
            {"50-root-b.conf", fixed(medium.root.type, "_empty", slot_size(medium))},
            {"60-verity-b.conf", fixed(medium.verity.type, "_empty", verity_size(medium))},
            {"70-var.conf", fmt::format("[Partition]\nType=var\nLabel=var\nSizeMinBytes={}\nFormat=ext4\n", least_var)}};
}

} // namespace ashlar::node
