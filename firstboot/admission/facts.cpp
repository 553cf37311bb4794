#include <admission/facts.hpp>

#include <algorithm>

namespace ashlar::admission {

namespace {

constexpr std::size_t most_addresses = 8, most_ports = 64;

std::string text_in(const Json& json, const char* name) { return json.contains(name) && json.at(name).is_string() ? json.at(name).get<std::string>() : std::string(); }

std::vector<std::string> texts_in(const Json& json, const char* name, std::size_t most) {
    std::vector<std::string> texts;
    if (!json.contains(name) || !json.at(name).is_array()) return texts;
    for (const Json& value : json.at(name))
        if (value.is_string() && texts.size() < most) texts.push_back(value.get<std::string>());
    return texts;
}

std::set<std::string> management_addresses(const site::Node& node) {
    std::set<std::string> texts;
    if (const auto found = node.addresses.find(site::Plane::management); found != node.addresses.end())
        for (const auto& address : found->second) texts.insert(address.text());
    return texts;
}

} // namespace

Json to_json(const Facts& facts) {
    Json macs = Json::array();
    for (const auto& mac : facts.machine.macs) macs.push_back(mac.text());
    Json json{{"serial", facts.machine.serial}, {"macs", std::move(macs)}, {"role", facts.role}, {"addresses", facts.addresses}};
    if (facts.tpm) json["tpm"] = true;
    if (facts.machine.tpm_ek) json["tpm_ek"] = facts.machine.tpm_ek->hex();
    return json;
}

Facts facts_in(const Json& json) {
    Facts facts{.machine = {.serial = text_in(json, "serial"), .macs = {}, .tpm_ek = Digest::from_hex(text_in(json, "tpm_ek"))}, .role = text_in(json, "role"), .addresses = {}, .tpm = json.contains("tpm") && json.at("tpm") == Json(true)};
    for (const auto& text : texts_in(json, "macs", most_ports))
        if (const auto mac = site::Mac::parse(text)) facts.machine.macs.push_back(*mac);
    for (const auto& text : texts_in(json, "addresses", most_addresses))
        if (certificates::is_address(text)) facts.addresses.push_back(text);
    return facts;
}

std::string unlisted_name(const NodeId& node) {
    constexpr std::size_t digits = 12;
    return "node-" + node.text().substr(0, digits);
}

std::optional<enrolment::Assignment> assignment_of(const site::Site& plan, const NodeId& node, const Facts& facts) {
    const auto found = site::node_of(plan, facts.machine);
    if (const auto* const* listed = std::get_if<const site::Node*>(&found))
        return enrolment::Assignment{.name = (*listed)->name, .roles = {(*listed)->roles.begin(), (*listed)->roles.end()}, .addresses = management_addresses(**listed)};
    if (!plan.genesis || plan.genesis->mode == site::Founding::listed || !certificates::is_label(facts.role)) return std::nullopt;
    return enrolment::Assignment{.name = unlisted_name(node), .roles = {facts.role}, .addresses = {facts.addresses.begin(), facts.addresses.end()}};
}

} // namespace ashlar::admission
