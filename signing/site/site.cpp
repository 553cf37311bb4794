#include <site/site.hpp>

#include "disk_rule_reader.hpp"
#include "founding_reader.hpp"
#include "install_reader.hpp"
#include "network_reader.hpp"
#include "node_reader.hpp"
#include "words.hpp"

#include <base/error.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr unsigned most_disks = 1000;

class SiteReader {
public:
    SiteReader(toml::Table& root, const Beside& beside) : root_(root), beside_(beside) {}

    Site read() {
        const auto table_of_nodes = read_site();
        if (toml::Table* table = root_.table("install")) read_install(*table, site_);
        else root_.problem(root_.position(), "missing table [install]", "a node must know how it is installed: recovery_key, or encryption = \"off\"");
        if (toml::Table* table = root_.table("access")) site_.access = read_access(*table);
        read_network();
        read_nodes(table_of_nodes);
        read_reach();
        if (toml::Table* table = root_.table("services")) read_services(*table);
        if (toml::Table* table = root_.table("trust")) site_.trust = read_trust(*table);
        if (toml::Table* table = root_.table("disks")) read_data_disks(*table);
        check_approval(root_, site_);
        return std::move(site_);
    }

private:
    // The name of the table of nodes, where there is one.
    std::optional<toml::Text> read_site() {
        toml::Table* table = root_.table("site");
        if (!table) {
            root_.problem(root_.position(), "missing table [site]", "a site needs a name: name = \"berlin-1\"");
            return std::nullopt;
        }
        const auto name = table->required_text("name");
        if (name && !is_label(name->value))
            table->problem(name->position, fmt::format("{} is not a site name", toml::quote(name->value)), "write lower-case letters, digits and '-', such as \"berlin-1\"");
        if (name) site_.name = name->value;
        id_given_ = table->has("id");
        if (const auto id = table->text("id")) read_id(*table, *id);
        return table->text("nodes");
    }

    void read_id(toml::Table& table, const toml::Text& id) {
        site_.id = SiteId::parse(id.value);
        if (!site_.id) table.problem(id.position, fmt::format("{} is not the id of a site", toml::quote(id.value)), "it has 32 hexadecimal digits in lower case; `ashlar site new` makes one");
        else if (*site_.id == SiteId{}) table.problem(id.position, "this id is nobody's", "`ashlar site new` makes one");
    }

    void read_network() {
        site_.links = read_links(root_);
        if (toml::Table* table = root_.table("template")) templates_ = read_templates(*table, site_.links);
        std::vector<std::vector<Link>> links{site_.links};
        for (const auto& [name, content] : templates_) links.push_back(content.links);
        if (toml::Table* table = root_.table("planes")) site_.planes = read_planes(*table, links, addresses_);
    }

    void read_nodes(const std::optional<toml::Text>& table_of_nodes) {
        NodeReader reader(site_, templates_, addresses_, root_.problems());
        for (toml::Table* table : root_.tables("node")) reader.take(node_fields(*table));
        if (table_of_nodes)
            for (const NodeFields& fields : beside(*table_of_nodes)) reader.take(fields);
        reader.finish();
        if (toml::Table* table = root_.table("genesis")) read_genesis(*table, reader.voters());
        else
            for (const auto& voter : reader.voters()) root_.problem(voter.position, fmt::format("node '{}' is a voter, and the site has no [genesis]", voter.value), "write [genesis] with voters = 3, or leave it out");
    }

    void read_genesis(toml::Table& table, const std::vector<toml::Text>& voters) {
        site_.genesis = site::read_genesis(table, voters);
        if (!id_given_) table.problem(table.position(), "missing key 'id' in [site]: a site that begins has one", "`ashlar site new` makes one");
    }

    std::vector<NodeFields> beside(const toml::Text& name) {
        if (name.value.empty() || name.value.front() == '.' || name.value.find('/') != name.value.npos || name.value.size() > 64) {
            root_.problem(name.position, fmt::format("{} is not the name of a file beside this one", toml::quote(name.value)), "write it such as \"nodes.csv\"");
            return {};
        }
        try {
            if (beside_) return node_fields(beside_(name.value), root_.problems());
            root_.problem(name.position, fmt::format("there is nothing beside this file, and it names {}", toml::quote(name.value)));
        } catch (const Error& error) {
            root_.problem(name.position, error.message(), "write the table, or leave out 'nodes'");
        }
        return {};
    }

    void read_reach() {
        Once seeds, servers;
        if (toml::Table* table = root_.table("discovery"))
            for (const auto& text : table->texts("seeds"))
                if (const auto seed = host_address(root_.problems(), text); seed && seeds.claim(root_.problems(), "seed", seed->text(), text.position)) site_.seeds.push_back(*seed);
        if (toml::Table* table = root_.table("vip")) read_vip(*table);
        if (toml::Table* table = root_.table("time"))
            for (const auto& text : table->texts("servers")) {
                if (!Address::parse(text.value) && !is_domain(text.value)) table->problem(text.position, fmt::format("{} is not a time server", toml::quote(text.value)), "write an address or a host name");
                else if (servers.claim(root_.problems(), "time server", text.value, text.position)) site_.time_servers.push_back(text.value);
            }
    }

    void read_vip(toml::Table& table) {
        site_.vip.router_id = number(table, "router_id", 1, 255);
        const auto plane = site_.planes.find(Plane::management);
        for (const auto& text : table.required_texts("addresses")) {
            const auto address = host_address(table.problems(), text);
            if (!address) continue;
            const Subnet* subnet = plane == site_.planes.end() ? nullptr : plane->second.subnet_of(*address);
            if (!subnet || !subnet->has_host(*address)) table.problem(text.position, fmt::format("{} is no host of a subnet of plane 'management'", address->text()), "the nodes that answer for it must be in that subnet");
            else if (addresses_.claim(table.problems(), "address", address->text(), text.position)) site_.vip.addresses.push_back(*address);
        }
    }

    void read_services(toml::Table& table) {
        for (const toml::Text& name : table.keys()) {
            if (!is_name(name.value)) table.problem(name.position, fmt::format("{} is not the name of a service", toml::quote(name.value)), std::string(name_remedy));
            if (const auto wanted = table.boolean(name.value)) site_.services[name.value] = wanted->value;
        }
    }

    void read_data_disks(toml::Table& table) {
        for (const toml::Text& name : table.keys()) {
            if (!is_name(name.value)) table.problem(name.position, fmt::format("{} is not the name of a set of disks", toml::quote(name.value)), std::string(name_remedy));
            for (toml::Table* rule : table.tables(name.value)) site_.data_disks[name.value].push_back(read_data_disks_rule(*rule));
        }
    }

    static DataDisks read_data_disks_rule(toml::Table& table) {
        DataDisks disks;
        read_disk_match(table, disks.rule);
        read_wipe(table, disks.rule);
        disks.min = number(table, "min", 0, most_disks).value_or(0);
        disks.max = number(table, "max", 1, most_disks);
        disks.roles = names(table.problems(), table.texts("roles"), "role");
        if (disks.max && *disks.max < disks.min) table.problem(table.where("max"), "'max' is smaller than 'min'", "no node can have both");
        return disks;
    }

    toml::Table& root_;
    const Beside& beside_;
    Site site_;
    bool id_given_ = false;
    Templates templates_;
    Once addresses_;
};

} // namespace

Site read(const toml::SourcePtr& source, const Beside& beside) {
    return toml::read(source, [&](toml::Table& root) { return SiteReader(root, beside).read(); });
}

Site load(const std::filesystem::path& file, const std::string& shown) {
    const auto beside = [&](const std::string& name) {
        return toml::source_from_file(file.parent_path() / name, (std::filesystem::path(shown).parent_path() / name).native());
    };
    return site::read(toml::source_from_file(file, shown), beside);
}

} // namespace ashlar::site
