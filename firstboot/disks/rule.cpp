#include <disks/rule.hpp>

#include "matching.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <fnmatch.h>

#include <fmt/format.h>

namespace ashlar::disks {

namespace {

// Somebody else's disks, and sticks: only whoever names the bus means them.
bool must_be_named(Bus bus) { return bus == Bus::usb || bus == Bus::fibre_channel || bus == Bus::iscsi || bus == Bus::other; }

bool matches(const std::string& pattern, const std::string& text) {
    return pattern.empty() || ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

std::string differs(std::string_view what, const std::string& is, const std::string& wanted) {
    return fmt::format("its {} is '{}', not '{}'", what, is, wanted);
}

// Why no rule could mean this disk; empty when one could.
std::string unusable(const Disk& disk, std::uint64_t minimum_size) {
    if (disk.started_from) return "the node was started from it";
    if (disk.read_only) return "it is read-only";
    if (!disk.held_by.empty()) return fmt::format("it is part of {}", join(disk.held_by, ", "));
    if (disk.size == 0) return "it has no medium";
    if (disk.size < minimum_size) return fmt::format("it is too small: {} are needed", human_bytes(minimum_size));
    return {};
}

} // namespace

std::string unmatched(const Disk& disk, const Rule& rule) {
    const bool named = std::ranges::find(rule.buses, disk.bus) != rule.buses.end();
    if (!named && (!rule.buses.empty() || must_be_named(disk.bus))) return fmt::format("the rule does not name bus '{}'", name_of(disk.bus));
    if (!matches(rule.model, disk.model)) return differs("model", disk.model, rule.model);
    if (!matches(rule.serial, disk.serial)) return differs("serial", disk.serial, rule.serial);
    if (!matches(rule.wwn, disk.wwn)) return differs("wwn", disk.wwn, rule.wwn);
    if (rule.min_size && disk.size < *rule.min_size) return fmt::format("it is smaller than {}", human_bytes(*rule.min_size));
    if (rule.max_size && disk.size > *rule.max_size) return fmt::format("it is larger than {}", human_bytes(*rule.max_size));
    return {};
}

namespace {

// Why what it carries forbids it.
std::string forbidden(const Disk& disk, Wipe wipe) {
    if (disk.content == Content::blank || disk.content == Content::unfinished || wipe == Wipe::always) return {};
    if (disk.content == Content::ours && wipe == Wipe::if_ours) return {};
    return fmt::format("it carries {}, and wipe is \"{}\"", disk.carries, wipe == Wipe::if_ours ? "if-ours" : "if-blank");
}

} // namespace

Choice choose(const Rule& rule, const std::vector<Disk>& disks, std::uint64_t minimum_size) {
    std::vector<const Disk*> matching;
    std::vector<Refusal> refusals;
    for (const Disk& disk : disks) {
        std::string reason = unusable(disk, minimum_size);
        if (reason.empty()) reason = unmatched(disk, rule);
        if (reason.empty()) {
            matching.push_back(&disk);
            reason = "it matches";
        }
        refusals.push_back({fmt::format("{} ({}, {})", disk.name, name_of(disk.bus), human_bytes(disk.size)), std::move(reason)});
    }
    if (matching.empty()) return Undecided{"no disk matches the rule", std::move(refusals)};
    // A rule that means two disks means neither, also when only one of them may be wiped: the other may
    // be the one with the data, and the blank one its replacement.
    if (matching.size() > 1) return Undecided{fmt::format("{} disks match the rule, and it must mean one", matching.size()), std::move(refusals)};
    const Disk& disk = *matching.front();
    if (std::string reason = forbidden(disk, rule.wipe); !reason.empty()) {
        refusals[static_cast<std::size_t>(&disk - disks.data())].reason = std::move(reason);
        return Undecided{fmt::format("{} may not be wiped", disk.name), std::move(refusals)};
    }
    return Chosen{disk};
}

} // namespace ashlar::disks
