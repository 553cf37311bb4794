#include <site_member/why.hpp>

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace {

std::string said(const Json& json, const char* key) { return json.value(key, std::string()); }

// In a list of the status.
const Json* named(const Json& json, const char* list, std::string_view name) {
    const auto found = json.find(list);
    if (found == json.end()) return nullptr;
    const auto one = std::ranges::find_if(*found, [&](const Json& each) { return said(each, "name") == name; });
    return one == found->end() ? nullptr : &*one;
}

std::string line(std::string_view label, const std::string& text) { return text.empty() ? std::string() : fmt::format("  {:<6} {}\n", label, text); }

std::string known_by(const site::Node& node) {
    std::vector<std::string> marks;
    if (!node.serial.empty()) marks.push_back("serial " + node.serial);
    if (node.mac) marks.push_back("MAC " + node.mac->text());
    if (node.tpm_ek) marks.push_back("TPM sha256:" + node.tpm_ek->hex());
    return join(marks, ", ");
}

std::string about_this(const Json& status) {
    std::string text = fmt::format("{} (this node): {}\n", said(status, "name"), said(status, "phase"));
    text += line("why", said(status, "sentence")) + line("but", said(status, "trouble")) + line("next", said(status, "remedy"));
    const Json formations = status.value("formations", Json::object());
    for (const Json& service : formations.value("list", Json::array()))
        if (const std::string state = said(service, "state"); state != "settled" && state != "absent") text += line("but", fmt::format("{}: {}", said(service, "name"), said(service, "why")));
    return text;
}

std::string about_member(const Json& member, const site::Node* planned, const std::optional<std::vector<std::string>>& unsettled) {
    const std::string name = said(member, "name");
    const bool heard = member.value("heard", false), has_seat = member.value("seat", false), wants_seat = planned != nullptr && planned->voter;
    std::string text = fmt::format("{}: a member{}\n", name, has_seat ? ", with a seat among the voters" : "");
    if (!heard) {
        text += line("why", "nothing has been heard of it for 45 s or longer");
        text += line("next", fmt::format("look at its power and its cables; for another machine in its place: ashlarctl node replace {}; to give it up: ashlarctl node remove {}", name, name));
    } else if (wants_seat && !has_seat) {
        text += line("why", "it is heard, and has no seat among the voters yet");
        text += line("next", fmt::format("it takes it by itself; what it waits for it says there: ashlarctl why {}", name));
    } else if (planned == nullptr) {
        text += line("why", "it is heard; the site's plan has no node of that name, so that nothing new is placed on it");
        text += line("next", fmt::format("write it into site.toml, or take it out of the site: ashlarctl node remove {}", name));
    } else {
        text += line("why", unsettled && unsettled->empty() ? "it is heard, and all that runs on it is as it should be" : "it is heard");
    }
    if (!unsettled) return text + line("but", "the site's store does not answer: how its services are is not known");
    for (const auto& service : *unsettled) text += line("but", fmt::format("{} is not said to be as it should be; it says why on {}: ashlarctl why {}", service, name, service));
    return text;
}

std::string about_planned(const Seen& seen, const site::Node& node) {
    std::string text = fmt::format("{}: {} of the plan, no member yet\n", node.name, node.voter ? "a voter" : "a node");
    if (const Json* peer = named(seen.status, "peers", node.name); peer != nullptr && peer->value("heard", false)) {
        text += line("why", "it is heard, and does not belong to the site yet");
        text += line("next", "what it waits for it says there: ashlarctl status; who waits for a person: ashlarctl node list");
        return text;
    }
    text += line("why", fmt::format("nothing is heard of a machine with {}", known_by(node)));
    return text + line("next", "power it on with the site's media; a machine with other marks says so in its own status");
}

} // namespace

std::optional<std::string> why_node(const Seen& seen, std::string_view name) {
    if (said(seen.status, "name") == name) return about_this(seen.status);
    std::string text;
    const auto planned = std::ranges::find(seen.plan.nodes, name, &site::Node::name);
    const auto* const node = planned == seen.plan.nodes.end() ? nullptr : &*planned;
    if (const Json* member = named(seen.status, "members", name)) text = about_member(*member, node, seen.unsettled);
    else if (node != nullptr) text = about_planned(seen, *node);
    for (const Json& one : seen.waiting)
        if (said(one, "name") == name) text += line("but", fmt::format("a machine with serial {} asks for that name, code {}: {}", said(one, "serial").empty() ? "none" : said(one, "serial"), said(one, "code"), said(one, "text")));
    return text.empty() ? std::nullopt : std::optional(text);
}

} // namespace ashlar::site_member
