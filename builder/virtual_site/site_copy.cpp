#include <virtual_site/site_copy.hpp>

#include <base/day.hpp>
#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace ashlar::virtual_site {

namespace {

using site::Plane;

constexpr const char* link_name = "lan";
constexpr const char* own_subnet = "10.77.0.0/16"; // of a site whose addresses would come from elsewhere
constexpr unsigned first_host = 10;

// ---- TOML ---------------------------------------------------------------------------------------

std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') out += '\\';
        if (letter == '\n') out += "\\n";
        else if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) out += fmt::format("\\u{:04x}", static_cast<unsigned char>(letter));
        else out += letter;
    }
    return out + '"';
}

std::string toml_list(const std::vector<std::string>& words) {
    std::vector<std::string> all;
    for (const auto& word : words) all.push_back(toml_text(word));
    return fmt::format("[{}]", join(all, ", "));
}

template <class Value> std::vector<std::string> texts(const std::vector<Value>& values) {
    std::vector<std::string> all;
    for (const auto& value : values) all.push_back(value.text());
    return all;
}

std::string_view word_for(site::Founding mode) {
    constexpr std::array words{"listed", "anonymous", "seed"};
    return words.at(static_cast<std::size_t>(mode));
}

std::string_view word_for(site::OperatorRole role) {
    constexpr std::array words{"viewer", "operator", "approver", "admin"};
    return words.at(static_cast<std::size_t>(role));
}

// ---- The copy -------------------------------------------------------------------------------------

std::string named(const std::vector<std::string>& names) { return "'" + join(names, "', '") + "'"; }

class Copy {
public:
    Copy(const site::Site& site, const CopyOptions& options) : site_(site), options_(options) {
        const auto found = site.planes.find(Plane::management);
        if (!is_anonymous() && found != site.planes.end() && found->second.addressing == site::Addressing::fixed) management_ = &found->second;
    }

    SiteCopy made() && {
        cast();
        heading();
        install();
        network();
        nodes();
        rest();
        access();
        return std::move(copy_);
    }

private:
    template <class... Arguments> void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) { copy_.text += fmt::format(format, std::forward<Arguments>(arguments)...) + '\n'; }
    template <class... Arguments> void change(fmt::format_string<Arguments...> format, Arguments&&... arguments) { copy_.changes.push_back(fmt::format(format, std::forward<Arguments>(arguments)...)); }

    [[nodiscard]] bool is_anonymous() const { return site_.genesis->mode == site::Founding::anonymous; }

    void cast() {
        const auto there = static_cast<unsigned>(is_anonymous() ? site_.genesis->expect : site_.nodes.size());
        const unsigned wanted = options_.nodes.value_or(there);
        // Where nobody is listed any number may come; the site says what it waits for.
        if (wanted > there && !is_anonymous())
            throw Error(fmt::format("cannot start {} nodes of site '{}': it lists {}", wanted, site_.name, there), fmt::format("write more into site.toml or its table, or say --nodes {}", there));
        for (unsigned i = 0; i < wanted; ++i) {
            if (is_anonymous()) copy_.nodes.push_back({.name = fmt::format("blank-{}", i + 1), .serial = fmt::format("blank-{}", i + 1), .roles = {}, .voter = true});
            else copy_.nodes.push_back({.name = site_.nodes[i].name, .serial = serial_of(site_.nodes[i]), .roles = site_.nodes[i].roles, .voter = site_.nodes[i].voter});
        }
        if (!is_anonymous())
            for (unsigned i = wanted; i < there; ++i)
                if (site_.nodes[i].voter) change("'{}' is a voter and is not started: the site will wait for it", site_.nodes[i].name);
    }

    static std::string serial_of(const site::Node& node) { return node.serial.empty() ? node.name : node.serial; }

    void heading() {
        line("# Made by `ashlar up` for nodes on one machine; the site's own file is elsewhere, and as it was.\n");
        line("[site]\nname = {}\nid = {}\n", toml_text(site_.name), toml_text(site_.id->text()));
        line("[genesis]\nmode = {}\nvoters = {}", toml_text(word_for(site_.genesis->mode)), site_.genesis->voters);
        if (is_anonymous()) line("expect = {}", site_.genesis->expect);
    }

    void install() {
        line("\n[install]\nin_place = true\nencryption = \"off\"");
        if (site_.place == site::Place::other_disk) change("nodes are installed in place: [install.disk] is about other disks");
        if (site_.encryption != site::Encryption::off) change("/var is not encrypted");
        if (site_.requirements.memory != 0 || site_.requirements.processors != 0 || site_.requirements.tpm) change("[install.require] is left out");
        if (site_.secure_boot != site::SecureBoot::as_it_is) change("Secure Boot is as it is: {}", options_.vessel == Vessel::machine ? "the machines have your keys" : "containers have none");
    }

    void network() {
        line("\n[[link]]\nname = \"{}\"\ninterface = [\"{}\"]", link_name, options_.vessel == Vessel::machine ? "en*" : "host0");
        std::vector<std::string> links;
        for (const auto& link : site_.links) links.push_back(link.name);
        if (!links.empty()) change("there is one link over a node's only port, in the place of {}", named(links));
        line("\n[planes.management]\nlink = \"{}\"", link_name);
        if (is_anonymous()) {
            line("addresses = \"automatic\"");
            copy_.wants_addresses = true;
            change("addresses come from a DHCP server that this command starts");
        } else if (management_) {
            line("subnets = {}", toml_list(texts(management_->subnets)));
            if (management_->vlan) change("plane 'management' is untagged, not VLAN {}", *management_->vlan);
            if (!management_->gateways.empty() || !management_->routes.empty() || !management_->dns.empty()) change("gateways, routes and DNS are left out: nobody answers there");
        } else {
            line("subnets = [\"{}\"]", own_subnet);
            change("nodes have fixed addresses in {}: nobody here gives them any", own_subnet);
        }
        std::vector<std::string> others;
        for (const auto& [plane, network] : site_.planes)
            if (plane != Plane::management) others.emplace_back(name_of(plane));
        if (!others.empty()) change("plane{} {} {} left out: the management plane is {}", others.size() == 1 ? "" : "s", named(others), others.size() == 1 ? "is" : "are", others.size() == 1 ? "it, too" : "theirs, too");
    }

    void nodes() {
        unsigned number = 0;
        for (const auto& node : site_.nodes) {
            line("\n[[node]]\nname = {}\nserial = {}\nroles = {}", toml_text(node.name), toml_text(serial_of(node)), toml_list(node.roles));
            if (node.voter) line("voter = true");
            line("addresses = {{ management = {} }}", toml_list(addresses_of(node, number++)));
            if (node.serial.empty()) change("'{}' is known by the serial number '{}', not by {}", node.name, node.name, node.mac ? "its MAC address" : "its TPM");
            else if (node.mac || node.tpm_ek) change("'{}' is known by its serial number alone", node.name);
        }
    }

    [[nodiscard]] std::vector<std::string> addresses_of(const site::Node& node, unsigned number) const {
        if (management_) return texts(node.addresses.at(Plane::management));
        const unsigned host = first_host + number;
        return {fmt::format("10.77.{}.{}", host >> 8U, host & 0xffU)};
    }

    void rest() {
        if (!site_.seeds.empty()) change("seeds are left out: all nodes are on one switch");
        if (!site_.vip.addresses.empty() && management_) {
            line("\n[vip]\naddresses = {}", toml_list(texts(site_.vip.addresses)));
            if (site_.vip.router_id) line("router_id = {}", *site_.vip.router_id);
        }
        if (!site_.time_servers.empty()) change("time servers are left out: nodes have this machine's clock");
        if (!site_.services.empty()) line("\n[services]");
        for (const auto& [name, wanted] : site_.services) line("{} = {}", name, wanted);
        line("\n[trust]\napprove = \"{}\"", site_.trust.approve == site::Approval::automatic ? "automatic" : "by-hand");
        if (site_.trust.enrol_until) line("enrol_until = {}", toml_text(to_text(*site_.trust.enrol_until)));
        if (site_.trust.require_tpm) {
            if (options_.vessel == Vessel::machine) line("require_tpm = true");
            else change("nodes need no TPM: containers have none");
        }
        if (!site_.trust.ca.empty()) line("ca = {}", toml_text(site_.trust.ca));
        data_disks();
    }

    // What a rule says of disks in racks fits none of those that are there.
    void data_disks() {
        constexpr std::array wipes{"if-blank", "if-ours", "always"};
        std::vector<std::string> sets;
        for (const auto& [name, rules] : site_.data_disks) sets.push_back(name);
        if (sets.empty()) return;
        if (options_.disks == 0) return change("disks of {} are left out: nodes have none here", named(sets));
        for (const auto& [name, rules] : site_.data_disks) {
            for (const auto& rule : rules) {
                line("\n[[disks.{}]]\nwipe = \"{}\"\nroles = {}", name, wipes.at(static_cast<std::size_t>(rule.rule.wipe)), toml_list(rule.roles));
                if (const unsigned min = std::min(rule.min, options_.disks); min != 0) line("min = {}", min);
                if (rule.max) line("max = {}", *rule.max);
            }
        }
        change("disks of {} are any that nodes have here: {} each", named(sets), options_.disks);
    }

    void access() {
        auto keys = site_.access.ssh_keys;
        keys.insert(keys.end(), options_.ssh_keys.begin(), options_.ssh_keys.end());
        if (!options_.ssh_keys.empty()) change("this command may log in by SSH, with a key of its own");
        line("\n[access]\nssh_keys = {}\nssh_ca = {}\nbreak_glass = {}", toml_list(keys), toml_list(site_.access.ssh_ca), toml_list(site_.access.break_glass));
        for (const auto& one : site_.access.operators) {
            std::vector<std::string> roles;
            for (const auto role : one.roles) roles.emplace_back(word_for(role));
            line("[[access.operator]]\nname = {}\nroles = {}\nkey = {}", toml_text(one.name), toml_list(roles), toml_text(one.key.pem()));
        }
    }

    const site::Site& site_;
    const CopyOptions& options_;
    const site::PlaneNetwork* management_ = nullptr; // null: nodes have no addresses of their own in it
    SiteCopy copy_;
};

} // namespace

SiteCopy copy_for_this_machine(const site::Site& site, const CopyOptions& options) {
    if (!site.genesis) throw Error(fmt::format("cannot start site '{}': it has no [genesis], so its nodes stay by themselves", site.name), "`ashlar site new` makes a site that begins; `ashlar boot` starts an image alone");
    return Copy(site, options).made();
}

} // namespace ashlar::virtual_site
