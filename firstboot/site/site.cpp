#include <site/site.hpp>

#include <toml/reader.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::array<std::string_view, 3> wipe_words{"if-blank", "if-ours", "always"};
constexpr std::array wipes{disks::Wipe::if_blank, disks::Wipe::if_ours, disks::Wipe::always};

bool is_site_name(std::string_view text) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' && std::ranges::all_of(text, allowed);
}

std::optional<std::uint64_t> size(toml::Table& table, std::string_view key) {
    const auto text = table.text(key);
    if (!text) return std::nullopt;
    const auto bytes = parse_size(text->value);
    if (!bytes) table.problem(text->position, fmt::format("{} is not a size", toml::quote(text->value)), size_remedy);
    return bytes;
}

std::string pattern(toml::Table& table, std::string_view key) {
    const auto text = table.text(key);
    if (!text) return {};
    if (text->value.empty())
        table.problem(text->position, fmt::format("an empty '{}' would match every disk", key), "leave it out, or write what must match");
    return text->value;
}

void read_buses(toml::Table& table, disks::Rule& rule) {
    for (const auto& text : table.texts("bus")) {
        if (const auto bus = disks::bus_named(text.value)) {
            rule.buses.push_back(*bus);
            continue;
        }
        table.problem(text.position, fmt::format("{} is not a bus", toml::quote(text.value)),
                      "write one of nvme, sata, sas, scsi, virtio, usb, mmc, fibre-channel, iscsi");
    }
}

void read_disk(toml::Table& table, disks::Rule& rule) {
    read_buses(table, rule);
    rule.model = pattern(table, "model");
    rule.serial = pattern(table, "serial");
    rule.wwn = pattern(table, "wwn");
    rule.min_size = size(table, "min_size");
    rule.max_size = size(table, "max_size");
    if (rule.min_size && rule.max_size && *rule.min_size > *rule.max_size)
        table.problem(table.where("max_size"), "'max_size' is smaller than 'min_size'", "no disk can match both");
}

Requirements requirements(toml::Table& table) {
    Requirements wanted;
    wanted.memory = size(table, "memory").value_or(0);
    if (const auto count = table.integer("processors")) {
        if (count->value < 1 || count->value > 4096)
            table.problem(count->position, "'processors' is a number from 1 to 4096");
        else
            wanted.processors = static_cast<unsigned>(count->value);
    }
    if (const auto tpm = table.boolean("tpm")) wanted.tpm = tpm->value;
    return wanted;
}

void read_install(toml::Table& table, Site& site) {
    if (const auto wipe = table.choice("wipe", wipe_words)) site.disk.wipe = wipes[wipe->value];
    if (toml::Table* disk = table.table("disk")) read_disk(*disk, site.disk);
    if (toml::Table* require = table.table("require")) site.requirements = requirements(*require);
}

} // namespace

Site read(const toml::SourcePtr& source) {
    return toml::read(source, [](toml::Table& root) {
        Site site;
        if (toml::Table* table = root.table("site")) {
            const auto name = table->required_text("name");
            if (name && !is_site_name(name->value))
                table->problem(name->position, fmt::format("{} is not a site name", toml::quote(name->value)),
                               "write lower-case letters, digits and '-', such as \"berlin-1\"");
            if (name) site.name = name->value;
        } else {
            root.problem(root.position(), "missing table [site]", "a site needs a name: name = \"berlin-1\"");
        }
        if (toml::Table* table = root.table("install")) read_install(*table, site);
        return site;
    });
}

} // namespace ashlar::site
