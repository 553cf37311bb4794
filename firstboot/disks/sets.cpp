#include <disks/sets.hpp>

#include "matching.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::disks {

namespace {

using site::DataDisks;

bool is_for(const DataDisks& rule, const std::set<std::string>& roles) {
    return rule.roles.empty() || std::ranges::any_of(rule.roles, [&](const std::string& role) { return roles.contains(role); });
}

bool is_meant(const DataDisk& disk, const Rule& rule) {
    if (!disk.is_of_any_bus) return unmatched(disk.disk, rule).empty();
    Disk of_its_bus = disk.disk;
    of_its_bus.bus = rule.buses.empty() ? Bus::virtio : rule.buses.front();
    return unmatched(of_its_bus, rule).empty();
}

// Why nobody may have it, whatever it holds. What is made of a disk with the site's mark, as a LUKS or LVM volume, is the service's.
std::string taken(const DataDisk& disk) {
    if (!disk.trouble.empty()) return disk.trouble;
    if (disk.is_node) return "the node itself lies on it";
    if (disk.is_mounted) return "it is mounted";
    if (disk.disk.read_only) return "it is read-only";
    if (disk.disk.size == 0) return "it has no medium";
    if (!disk.disk.held_by.empty() && disk.holds != Holds::ours) return fmt::format("it is part of {}", join(disk.disk.held_by, ", "));
    return {};
}

bool may_be_wiped(const DataDisk& disk, Wipe wipe) { return disk.holds == Holds::nothing || wipe == Wipe::always || (disk.holds == Holds::ours && wipe == Wipe::if_ours); }

std::string_view word_of(Wipe wipe) {
    constexpr std::array words{"if-blank", "if-ours", "always"};
    return words.at(static_cast<std::size_t>(wipe));
}

Entry entry_of(const DataDisk& disk, const Rule& rule) {
    Entry entry{.disk = disk, .is_usable = false, .may_be_wiped = false, .why = taken(disk)};
    if (!entry.why.empty()) return entry;
    entry.may_be_wiped = may_be_wiped(disk, rule.wipe);
    entry.is_usable = entry.may_be_wiped || disk.holds == Holds::ours;
    if (!entry.is_usable) entry.why = fmt::format("it carries {}, and wipe is \"{}\"", disk.disk.carries.empty() ? "data of others" : disk.disk.carries, word_of(rule.wipe));
    return entry;
}

// What has been taken stays taken; of the others those with the first names come.
void keep_to(unsigned max, std::vector<Entry>& disks) {
    unsigned used = 0;
    const auto count = [&](bool ours) {
        for (Entry& entry : disks) {
            if (!entry.is_usable || (entry.disk.holds == Holds::ours) != ours) continue;
            if (++used <= max || ours) continue;
            entry.is_usable = entry.may_be_wiped = false;
            entry.why = fmt::format("the rule takes {} disks at most", max);
        }
    };
    count(true);
    count(false);
}

} // namespace

std::string_view name_of(Holds holds) {
    constexpr std::array<std::string_view, 3> names{"nothing", "ours", "foreign"};
    return names.at(static_cast<std::size_t>(holds));
}

std::string site_mark(const std::string& site) { return "ashlar-site:" + site; }

DiskSets sets_of(const std::map<std::string, std::vector<DataDisks>>& rules, const std::set<std::string>& roles, const std::vector<DataDisk>& disks) {
    DiskSets sets;
    std::set<std::string> given;
    for (const auto& [name, of_name] : rules) {
        for (const auto& rule : of_name) {
            if (!is_for(rule, roles)) continue;
            const bool is_first = !sets.contains(name);
            DiskSet& set = sets[name];
            std::vector<Entry> meant;
            for (const DataDisk& disk : disks)
                if (is_meant(disk, rule.rule) && given.insert(disk.disk.name).second) meant.push_back(entry_of(disk, rule.rule));
            if (rule.max) keep_to(*rule.max, meant);
            set.min += rule.min;
            set.max = rule.max && (is_first || set.max) ? std::optional(set.max.value_or(0) + *rule.max) : std::nullopt;
            set.disks.insert(set.disks.end(), meant.begin(), meant.end());
        }
    }
    return sets;
}

Json to_json(const DiskSets& sets, const std::string& site) {
    Json json{{"format", 1}, {"mark", site_mark(site)}, {"sets", Json::object()}};
    for (const auto& [name, set] : sets) {
        Json& one = json["sets"][name];
        one = {{"min", set.min}, {"disks", Json::array()}};
        if (set.max) one["max"] = *set.max;
        for (const auto& [data, is_usable, may_be_wiped, why] : set.disks) {
            const Disk& disk = data.disk;
            Json entry{{"name", disk.name}, {"device", data.link.empty() ? disk.device.native() : data.link.native()}, {"bytes", disk.size}, {"rotational", data.is_rotational},
                       {"holds", name_of(data.holds)}, {"usable", is_usable}, {"wipe", may_be_wiped}};
            for (const auto& [key, value] : {std::pair{"model", disk.model}, {"serial", disk.serial}, {"wwn", disk.wwn}, {"why", why}})
                if (!value.empty()) entry[key] = value;
            one["disks"].push_back(std::move(entry));
        }
    }
    return json;
}

} // namespace ashlar::disks
