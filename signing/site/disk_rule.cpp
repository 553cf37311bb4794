#include "disk_rule_reader.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

struct BusName {
    Bus bus;
    std::string_view name;
};
constexpr std::array names{BusName{Bus::nvme, "nvme"}, BusName{Bus::sata, "sata"}, BusName{Bus::sas, "sas"},
                           BusName{Bus::scsi, "scsi"}, BusName{Bus::virtio, "virtio"}, BusName{Bus::usb, "usb"},
                           BusName{Bus::mmc, "mmc"}, BusName{Bus::fibre_channel, "fibre-channel"}, BusName{Bus::iscsi, "iscsi"}};
constexpr std::array<std::string_view, 3> wipe_words{"if-blank", "if-ours", "always"};
constexpr std::array wipes{Wipe::if_blank, Wipe::if_ours, Wipe::always};

std::string pattern(toml::Table& table, std::string_view key) {
    const auto text = table.text(key);
    if (!text) return {};
    if (text->value.empty())
        table.problem(text->position, fmt::format("an empty '{}' would match every disk", key), "leave it out, or write what must match");
    return text->value;
}

void read_buses(toml::Table& table, DiskRule& rule) {
    for (const auto& text : table.texts("bus")) {
        if (const auto bus = bus_named(text.value)) {
            rule.buses.push_back(*bus);
            continue;
        }
        table.problem(text.position, fmt::format("{} is not a bus", toml::quote(text.value)),
                      "write one of nvme, sata, sas, scsi, virtio, usb, mmc, fibre-channel, iscsi");
    }
}

} // namespace

std::string_view name_of(Bus bus) {
    const auto found = std::ranges::find(names, bus, &BusName::bus);
    return found == names.end() ? "other" : found->name;
}

std::optional<Bus> bus_named(std::string_view name) {
    const auto found = std::ranges::find(names, name, &BusName::name);
    if (found == names.end()) return std::nullopt;
    return found->bus;
}

std::optional<std::uint64_t> read_size(toml::Table& table, std::string_view key) {
    const auto text = table.text(key);
    if (!text) return std::nullopt;
    const auto bytes = parse_size(text->value);
    if (!bytes) table.problem(text->position, fmt::format("{} is not a size", toml::quote(text->value)), size_remedy);
    return bytes;
}

void read_wipe(toml::Table& table, DiskRule& rule) {
    if (const auto wipe = table.choice("wipe", wipe_words)) rule.wipe = wipes[wipe->value];
}

void read_disk_match(toml::Table& table, DiskRule& rule) {
    read_buses(table, rule);
    rule.model = pattern(table, "model");
    rule.serial = pattern(table, "serial");
    rule.wwn = pattern(table, "wwn");
    rule.min_size = read_size(table, "min_size");
    rule.max_size = read_size(table, "max_size");
    if (rule.min_size && rule.max_size && *rule.min_size > *rule.max_size)
        table.problem(table.where("max_size"), "'max_size' is smaller than 'min_size'", "no disk can match both");
}

} // namespace ashlar::site
