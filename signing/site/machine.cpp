#include <site/machine.hpp>

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

// What an entry says of its machine: which of it is true, and which is not.
struct Comparison {
    std::vector<std::string> agrees, differs;
    void add(std::string what, bool same) { (same ? agrees : differs).push_back(std::move(what)); }
    [[nodiscard]] bool fits() const { return !agrees.empty() && differs.empty(); }
    [[nodiscard]] bool nearly() const { return !agrees.empty() && !differs.empty(); }
};

Comparison compare(const Node& node, const Machine& machine) {
    Comparison found;
    if (!node.serial.empty()) found.add(fmt::format("serial number '{}'", node.serial), node.serial == machine.serial);
    if (node.mac) found.add(fmt::format("MAC address {}", node.mac->text()), std::ranges::find(machine.macs, *node.mac) != machine.macs.end());
    if (node.tpm_ek) found.add(fmt::format("TPM sha256:{}", node.tpm_ek->hex()), node.tpm_ek == machine.tpm_ek);
    return found;
}

std::string description(const Machine& machine) {
    std::vector<std::string> macs;
    for (const Mac& mac : machine.macs) macs.push_back(mac.text());
    return fmt::format("{}, {}, {}", machine.serial.empty() ? "no serial number" : fmt::format("serial number '{}'", machine.serial),
                       macs.empty() ? "no port" : fmt::format("ports {}", join(macs, " ")),
                       machine.tpm_ek ? fmt::format("TPM sha256:{}", machine.tpm_ek->hex()) : "no TPM");
}

NoNode ambiguous(const std::vector<const Node*>& fitting) {
    NoNode answer{fmt::format("{} nodes of site.toml are this machine, and it can be one", fitting.size()), {}};
    for (const Node* node : fitting) answer.details.push_back(fmt::format("'{}'", node->name));
    return answer;
}

} // namespace

std::variant<const Node*, NoNode> node_of(const Site& site, const Machine& machine) {
    std::vector<const Node*> fitting;
    NoNode none{fmt::format("no node of site.toml is this machine: {}", description(machine)), {}};
    for (const Node& node : site.nodes) {
        const Comparison comparison = compare(node, machine);
        if (comparison.fits()) fitting.push_back(&node);
        if (comparison.nearly())
            none.details.push_back(fmt::format("'{}' has its {}, but another {}", node.name, join(comparison.agrees, " and "), join(comparison.differs, " and ")));
    }
    if (fitting.empty()) return none;
    if (fitting.size() > 1) return ambiguous(fitting);
    return fitting.front();
}

} // namespace ashlar::site
