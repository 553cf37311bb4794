#include "fsck.hpp"

#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace powercut {

namespace {

// What fsck.fat says of a file or directory that cannot be read as it is.
bool tells_damage(std::string_view line) {
    constexpr std::array<std::string_view, 6> words{"share clusters", "File size is", "cluster chain length", "Contains a free cluster", "Bad directory entry", "Start cluster beyond"};
    return std::ranges::any_of(words, [&](std::string_view word) { return line.find(word) != std::string_view::npos; });
}

} // namespace

SecondOpinion ask_fsck(const Disk& disk, Range boot_partition, const std::filesystem::path& scratch) {
    const auto fat = Fat::read(disk, boot_partition);
    if (!fat) return {};
    disk.save(boot_partition, scratch);
    const auto said = run({.argv = {"fsck.fat", "-n", scratch.native()}});
    const auto lines = split(said.output, '\n');
    const auto damage = std::ranges::find_if(lines, tells_damage);
    if (said.exit_code > 1) return {true, fmt::format("fsck.fat ended with {}: {}", said.exit_code, said.errors)};
    if (damage != lines.end() && fat->faults().empty()) return {true, fmt::format("only fsck.fat says: {}", *damage)};
    if (said.exit_code == 0 && !fat->faults().empty()) return {true, fmt::format("only the reader says: {}", fat->faults().front())};
    return {true, {}};
}

} // namespace powercut
