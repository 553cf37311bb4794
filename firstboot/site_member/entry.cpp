#include <site_member/entry.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace {

// What the entry says of its machine, and is not true of this one.
std::string differences(const site::Node& node, const site::Machine& machine) {
    std::vector<std::string> all;
    if (!node.serial.empty() && node.serial != machine.serial) all.push_back(fmt::format("serial number '{}'", node.serial));
    if (node.mac && std::ranges::find(machine.macs, *node.mac) == machine.macs.end()) all.push_back(fmt::format("MAC address {}", node.mac->text()));
    if (node.tpm_ek && node.tpm_ek != machine.tpm_ek) all.push_back(fmt::format("TPM sha256:{}", node.tpm_ek->hex()));
    return join(all, " and ");
}

std::string description(const site::Machine& machine) { return machine.serial.empty() ? "no serial number" : fmt::format("serial number '{}'", machine.serial); }

} // namespace

Entry entry_of(const site::Site& site, const site::Machine& machine, const std::optional<std::string>& member) {
    const auto by_machine = site::node_of(site, machine);
    const auto* const* found = std::get_if<const site::Node*>(&by_machine);
    const auto by_name = member ? std::ranges::find(site.nodes, *member, &site::Node::name) : site.nodes.end();
    if (by_name == site.nodes.end()) return found != nullptr ? Entry{*found, {}} : Entry{nullptr, std::get<site::NoNode>(by_machine).reason};
    if (found == nullptr)
        return {&*by_name, fmt::format("site.toml knows '{}' by {}, and this machine has {}: write what it has, and order it with `ashlarctl site apply`", *member, differences(*by_name, machine), description(machine))};
    if (*found != &*by_name)
        throw Error(fmt::format("cannot be a node of the site: these are the disks of '{}', and this machine is '{}'", *member, (*found)->name),
                    "put them into their own machine; or, if the machines changed places for good, order it with another site.toml before");
    return {*found, {}};
}

} // namespace ashlar::site_member
