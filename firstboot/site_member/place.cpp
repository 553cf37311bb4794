#include "place.hpp"

#include <admission/facts.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <certificates/verify.hpp>
#include <membership/delegate.hpp>
#include <membership/genesis_json.hpp>
#include <node/machine_facts.hpp>
#include <signing/node_id.hpp>
#include <site/networkd.hpp>
#include <site/ports.hpp>
#include <site_member/entry.hpp>
#include <site_member/record.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ifaddrs.h>
#include <memory>
#include <string_view>
#include <netinet/in.h>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace fs = std::filesystem;

namespace {

const fs::path network_directory = "/run/systemd/network";

// Of a member: the name in its certificate.
std::optional<std::string> name_as_member(const site::Site& site, const fs::path& state) {
    const auto record = read_record(state, *site.id);
    const auto journal = membership::journal_in(state);
    if (!record || !journal.genesis) return std::nullopt;
    const auto value = membership::value_of(*journal.genesis, *site.id);
    const auto trust = record->lineage ? record->lineage->trust(value.site) : std::get<certificates::Trust>(certificates::Trust::pinned(value.site, value.authority.der(), value.authority.digest()));
    const auto bearer = certificates::verify_at_no_time(record->certificate->der(), trust);
    const auto* const found = std::get_if<certificates::Bearer>(&bearer);
    const auto* const node = found == nullptr ? nullptr : std::get_if<certificates::NodeBearer>(found);
    return node == nullptr ? std::nullopt : std::optional(node->name);
}

Entry entry_in(const site::Site& site, const fs::path& state) { return entry_of(site, node::machine_facts_for(site), name_as_member(site, state)); }

// Of those that <site/networkd.hpp> names.
bool is_ours(std::string_view name) {
    return std::ranges::any_of(std::array{"10-", "20-", "30-", "60-"}, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Whether it is another network than before.
bool write_new(const site::NetworkFiles& files) {
    fs::create_directories(network_directory);
    bool changed = false;
    std::vector<fs::path> over;
    for (const auto& entry : fs::directory_iterator(network_directory))
        if (is_ours(entry.path().filename().native()) && !files.contains(entry.path().filename().native())) over.push_back(entry.path());
    for (const auto& file : over) changed = fs::remove(file) || changed;
    for (const auto& [name, text] : files) {
        const fs::path file = network_directory / name;
        if (fs::exists(file) && read_file(file) == text) continue;
        write_file(file, text);
        changed = true;
    }
    return changed;
}

std::string sought(const site::Node& node) {
    if (!node.serial.empty()) return "serial " + node.serial;
    return node.mac ? "MAC " + node.mac->text() : "TPM " + node.tpm_ek->hex().substr(0, 12);
}

beacon::Address beacon_address(const std::string& text) {
    const auto address = *site::Address::parse(text);
    beacon::Address made{.family = address.family() == site::Family::ipv4 ? beacon::Address::Family::ipv4 : beacon::Address::Family::ipv6, .bytes = {}};
    std::ranges::transform(address.bytes(), made.bytes.begin(), [](std::uint8_t byte) { return std::byte{byte}; });
    return made;
}

// Of a machine that no file gives any: those that it has, whoever gave them.
std::vector<std::string> own_addresses() {
    std::vector<std::string> found;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) throw system_error("list", "addresses");
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> kept(all, ::freeifaddrs);
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (one->ifa_addr == nullptr) continue;
        const int family = one->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        const void* const address = family == AF_INET ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr) : &reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr;
        const auto parsed = site::Address::parse(::inet_ntop(family, address, text.data(), text.size()));
        if (parsed && parsed->is_host()) found.push_back(parsed->text());
    }
    return found;
}

} // namespace

Place place_of(const site::Site& site, const fs::path& state, const NodeId& id, const firstboot::Identity& identity) {
    const auto [node, remark] = entry_in(site, state);
    const auto mode = site.genesis->mode;
    if (node == nullptr)
        return {.name = admission::unlisted_name(id), .roles = {identity.role}, .addresses = own_addresses(), .voter = mode == site::Founding::anonymous, .remark = mode == site::Founding::listed ? remark : std::string()};
    Place place{.name = node->name, .roles = {node->roles.begin(), node->roles.end()}, .addresses = {}, .voter = node->voter, .has_seat = node->voter, .remark = remark};
    if (const auto found = node->addresses.find(site::Plane::management); found != node->addresses.end())
        for (const auto& address : found->second) place.addresses.push_back(address.text());
    if (place.addresses.empty()) place.addresses = own_addresses();
    return place;
}

founding::Charter charter_of(const site::Site& site) {
    constexpr std::array modes{std::pair{site::Founding::listed, founding::Mode::listed}, std::pair{site::Founding::anonymous, founding::Mode::anonymous}, std::pair{site::Founding::seed, founding::Mode::seed}};
    founding::Charter charter{.mode = std::ranges::find(modes, site.genesis->mode, [](const auto& mode) { return mode.first; })->second, .places = {}, .expect = site.genesis->expect};
    if (charter.mode == founding::Mode::listed)
        for (const auto& node : site.nodes)
            if (node.voter) charter.places.push_back({node.name, sought(node)});
    return charter;
}

founding::Self self_of(const Place& place, const SigningKey& key, const firstboot::Identity& identity, bool founds) {
    founding::Self self{.node = node_id_of(key.verifying_key()), .key = {}, .life = {}, .name = place.name, .role = identity.role, .port = 0, .addresses = {}, .voter = place.voter && founds};
    const Digest digest = sha256(key.verifying_key().der());
    std::ranges::copy(digest.bytes(), self.key.begin());
    for (const auto& address : place.addresses)
        if (self.addresses.size() < beacon::most_addresses) self.addresses.push_back(beacon_address(address));
    return self;
}

beacon_port::Options beacons_of(const site::Site& site) {
    beacon_port::Options options{.port = site::beacon_port, .groups = beacon_port::Groups{site::beacon_group_ipv4, site::beacon_group_ipv6}, .seeds = {}};
    for (const auto& seed : site.seeds) options.seeds.push_back(seed.text());
    return options;
}

void lay_network(const site::Site& site, const fs::path& state) {
    const auto made = site::network_files(site, entry_in(site, state).node, node::ports());
    if (const auto* wrong = std::get_if<site::Miswired>(&made)) throw Error(fmt::format("cannot lay the network that site.toml says: {}", join(wrong->reasons, "; ")), "look at the cables, or at [[link]] in site.toml");
    if (write_new(std::get<site::NetworkFiles>(made))) run_checked({.argv = {"systemctl", "reload-or-restart", "--no-block", "systemd-networkd.service"}});
}

} // namespace ashlar::site_member
