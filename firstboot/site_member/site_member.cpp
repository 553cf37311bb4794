#include <site_member/site_member.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <node/machine_facts.hpp>
#include <node_key/own_key.hpp>
#include <signing/node_id.hpp>
#include <site/ports.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace fs = std::filesystem;

namespace {

const fs::path network_directory = "/run/systemd/network";
constexpr const char* etcd_unit = "ashlar-etcd.service";
constexpr std::chrono::seconds try_again{2};

Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

// ---- The machine, as its site sees it -------------------------------------------------------------------

const site::Node* node_in(const site::Site& site) {
    const auto found = site::node_of(site, node::machine_facts());
    const auto* node = std::get_if<const site::Node*>(&found);
    return node == nullptr ? nullptr : *node;
}

// A machine that is not listed has the first 12 digits of its id for a name.
Place place_of(const site::Site& site, const NodeId& id, const firstboot::Identity& identity) {
    const site::Node* node = node_in(site);
    if (node == nullptr) return {.name = "node-" + id.text().substr(0, 12), .roles = {identity.role}, .addresses = {}, .voter = site.genesis->mode == site::Founding::anonymous};
    Place place{.name = node->name, .roles = {node->roles.begin(), node->roles.end()}, .addresses = {}, .voter = node->voter};
    if (const auto found = node->addresses.find(site::Plane::management); found != node->addresses.end())
        for (const auto& address : found->second) place.addresses.push_back(address.text());
    return place;
}

// Whether there is one that was not there, or was another.
bool write_new(const site::NetworkFiles& files) {
    fs::create_directories(network_directory);
    bool changed = false;
    for (const auto& [name, text] : files) {
        const fs::path file = network_directory / name;
        if (fs::exists(file) && read_file(file) == text) continue;
        write_file(file, text);
        changed = true;
    }
    return changed;
}

// For networkd; the image's own rule is for who has no planes.
void lay_network(const site::Site& site) {
    const auto made = site::network_files(site, node_in(site), node::ports());
    if (const auto* wrong = std::get_if<site::Miswired>(&made)) throw Error(fmt::format("cannot lay the network that site.toml says: {}", join(wrong->reasons, "; ")), "look at the cables, or at [[link]] in site.toml");
    if (write_new(std::get<site::NetworkFiles>(made))) run_checked({.argv = {"systemctl", "reload-or-restart", "--no-block", "systemd-networkd.service"}});
}

// ---- For the core ------------------------------------------------------------------------------------------

std::string sought(const site::Node& node) {
    if (!node.serial.empty()) return "serial " + node.serial;
    return node.mac ? "MAC " + node.mac->text() : "TPM " + node.tpm_ek->hex().substr(0, 12);
}

founding::Charter charter_of(const site::Site& site) {
    constexpr std::array modes{std::pair{site::Founding::listed, founding::Mode::listed}, std::pair{site::Founding::anonymous, founding::Mode::anonymous}, std::pair{site::Founding::seed, founding::Mode::seed}};
    founding::Charter charter{.mode = std::ranges::find(modes, site.genesis->mode, [](const auto& mode) { return mode.first; })->second, .places = {}, .expect = site.genesis->expect};
    if (charter.mode == founding::Mode::listed)
        for (const auto& node : site.nodes)
            if (node.voter) charter.places.push_back({node.name, sought(node)});
    return charter;
}

beacon::Address beacon_address(const std::string& text) {
    const auto address = *site::Address::parse(text);
    beacon::Address made{.family = address.family() == site::Family::ipv4 ? beacon::Address::Family::ipv4 : beacon::Address::Family::ipv6, .bytes = {}};
    std::ranges::transform(address.bytes(), made.bytes.begin(), [](std::uint8_t byte) { return std::byte{byte}; });
    return made;
}

founding::Self self_of(const Place& place, const SigningKey& key, const firstboot::Identity& identity) {
    founding::Self self{.node = node_id_of(key.verifying_key()), .key = {}, .life = {}, .name = place.name, .role = identity.role, .port = 0, .addresses = {}, .voter = place.voter};
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

void start_etcd() {
    (void)run({.argv = {"systemctl", "reset-failed", etcd_unit}}); // an answer of no: it has not failed
    run_checked({.argv = {"systemctl", "restart", "--no-block", etcd_unit}});
}

} // namespace

SiteMember::SiteMember(node::SiteFiles files, const fs::path& state, const firstboot::Identity& identity, std::function<void()> changed, std::function<void(const std::string&)> alarm)
    : files_(std::move(files)), site_key_(*files_.key()), key_(node_key::own_key(state)), place_(place_of(files_.site, node_id_of(key_.verifying_key()), identity)),
      voter_({.site = *files_.site.id, .key = key_, .name = place_.name, .roles = place_.roles, .addresses = place_.addresses, .state = state, .places = {}, .now = now, .start_etcd = start_etcd}),
      membership_((lay_network(files_.site), membership::Parts{.site = *files_.site.id,
                                                               .charter = charter_of(files_.site),
                                                               .self = self_of(place_, key_, identity),
                                                               .key = key_,
                                                               .beacon_key = site_key_.derive(site::beacon_key_info, site::SiteKey::size),
                                                               .enrolment_key = site_key_.derive(site::enrolment_key_info, site::SiteKey::size),
                                                               .state = state,
                                                               .beacons = beacons_of(files_.site),
                                                               .site_port = site::site_port,
                                                               .settling = voter_}),
                  std::move(changed), std::move(alarm)) {}

Json SiteMember::status() const { return membership_.status(); }

// ---- The service -----------------------------------------------------------------------------------------------

SiteService::SiteService(fs::path state, firstboot::Identity identity, std::function<void()> changed, std::function<void(const std::string&)> alarm)
    : state_(std::move(state)), identity_(std::move(identity)), changed_(std::move(changed)), alarm_(std::move(alarm)) {
    const auto record = state::read(state_);
    auto files = record ? node::site_files_in(record->content) : std::nullopt;
    if (!files || !files->site.genesis || !files->key()) return;
    name_ = files->site.name;
    // networkd starts when this daemon is there: what it finds then it need not be told.
    try {
        lay_network(files->site);
    } catch (const Error&) {
        // Ports may come late: join() says so, and goes on trying.
    }
    thread_ = std::jthread([this, files = std::move(*files)](const std::stop_token& stop) { join(stop, files); });
}

void SiteService::join(const std::stop_token& stop, node::SiteFiles files) {
    while (!stop.stop_requested()) {
        try {
            auto member = std::make_unique<SiteMember>(files, state_, identity_, changed_, alarm_);
            const std::lock_guard lock(mutex_);
            member_ = std::move(member);
            return;
        } catch (const Error& error) {
            fail(error.message());
        }
        std::unique_lock lock(mutex_);
        stopped_.wait_for(lock, stop, try_again, [] { return false; });
    }
}

void SiteService::fail(const std::string& trouble) {
    {
        const std::lock_guard lock(mutex_);
        if (trouble == trouble_) return;
        trouble_ = trouble;
    }
    alarm_(trouble);
    changed_();
}

std::optional<Json> SiteService::status() const {
    const std::lock_guard lock(mutex_);
    if (name_.empty()) return std::nullopt;
    Json status = member_ ? member_->status() : Json{{"phase", "starting"}, {"sentence", trouble_.empty() ? "it starts" : trouble_}};
    status["site"] = name_;
    return status;
}

} // namespace ashlar::site_member
