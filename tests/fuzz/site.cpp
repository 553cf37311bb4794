// site.toml, from a medium that somebody else may have written: whatever the text, it is a site, or a SourceError whose
// text can be shown; and a site has a network for each of its nodes, or a reason.

#include <site/machine.hpp>
#include <site/networkd.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace ashlar;

namespace {

const std::vector<site::Port>& ports() {
    static const std::vector<site::Port> all{{.name = "enp1s0f0", .mac = *site::Mac::parse("3c:ec:ef:00:00:01"), .driver = "ice", .speed = 25000},
                                             {.name = "enp1s0f1", .mac = *site::Mac::parse("3c:ec:ef:00:00:02"), .driver = "ice", .speed = 25000}};
    return all;
}

void use(const site::Site& site) {
    (void)site::network_files(site, nullptr, ports());
    for (const site::Node& node : site.nodes) {
        (void)site::network_files(site, &node, ports());
        // An entry is found by what it says, or there is another that says the same.
        std::vector<site::Mac> macs;
        if (node.mac) macs.push_back(*node.mac);
        if (std::holds_alternative<site::NoNode>(site::node_of(site, {node.serial, macs, node.tpm_ek})) && site.nodes.size() == 1) std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto beside = [](const std::string& name) { return toml::source_from_text(name, "name,serial,management\nz01,Z1,10.0.0.201\n"); };
    try {
        use(site::read(toml::source_from_text("site.toml", std::string(reinterpret_cast<const char*>(data), size)), beside));
    } catch (const toml::SourceError& error) {
        if (error.message().empty() || error.diagnostics().empty()) std::abort();
    }
    return 0;
}
