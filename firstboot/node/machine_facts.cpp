#include <node/machine_facts.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <node/container.hpp>
#include <node/secrets.hpp>
#include <tpm/endorsement.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <fcntl.h>
#include <mutex>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

constexpr std::array serials{"sys/class/dmi/id/product_serial", "sys/class/dmi/id/chassis_serial"};
constexpr std::string_view set_at_making = "0"; // NET_ADDR_PERM of linux/netdevice.h
constexpr std::string_view ethernet = "1";      // ARPHRD_ETHER of linux/if_arp.h

// Nothing where the file is missing, or where there is nothing to be read (a speed without a carrier).
std::string line_of(const fs::path& file) {
    try {
        return std::string(trim(read_file(file)));
    } catch (const Error&) {
        return {};
    }
}

std::string serial_of(const fs::path& root) {
    if (const fs::path given = fs::path(container_directory) / "serial"; fs::exists(given)) return line_of(given);
    if (is_in_container()) return {};
    for (const char* file : serials)
        if (auto serial = line_of(root / file); !serial.empty()) return serial;
    return {};
}

bool is_made_of_others(const fs::path& interface) {
    return fs::exists(interface / "bridge") || fs::exists(interface / "bonding") || fs::exists(interface / "tun_flags") || line_of(interface / "uevent").find("DEVTYPE=vlan") != std::string::npos;
}

std::optional<site::Port> port_at(const fs::path& interface) {
    if (line_of(interface / "type") != ethernet || is_made_of_others(interface)) return std::nullopt;
    const auto mac = site::Mac::parse(line_of(interface / "address"));
    if (!mac) return std::nullopt;
    site::Port port{.name = interface.filename().native(), .mac = *mac, .permanent = line_of(interface / "addr_assign_type") == set_at_making, .driver = {}, .speed = 0};
    std::error_code none;
    port.driver = fs::read_symlink(interface / "device/driver", none).filename().native();
    const std::string speed = line_of(interface / "speed"); // "-1" without a carrier
    std::from_chars(speed.data(), speed.data() + speed.size(), port.speed);
    return port;
}

// It is the same as long as this program runs.
Digest own_endorsement_key() {
    static std::mutex one_at_a_time;
    static std::optional<Digest> known;
    const std::lock_guard lock(one_at_a_time);
    if (!known) known = tpm::endorsement_key(open_file("/dev/tpmrm0", O_RDWR).get());
    return *known;
}

} // namespace

std::vector<site::Port> ports(const fs::path& root) {
    std::vector<site::Port> found;
    for (const auto& entry : fs::directory_iterator(root / "sys/class/net"))
        if (auto port = port_at(entry.path())) found.push_back(std::move(*port));
    std::ranges::sort(found, {}, &site::Port::name);
    return found;
}

site::Machine machine_facts(const fs::path& root) {
    site::Machine machine{.serial = serial_of(root), .macs = {}, .tpm_ek = std::nullopt};
    for (const auto& port : ports(root)) machine.macs.push_back(port.mac);
    return machine;
}

site::Machine machine_facts_for(const site::Site& site) {
    auto machine = machine_facts();
    if (std::ranges::any_of(site.nodes, [](const site::Node& node) { return node.tpm_ek.has_value(); }) && has_tpm()) machine.tpm_ek = own_endorsement_key();
    return machine;
}

} // namespace ashlar::node
