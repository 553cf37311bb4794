#include <ctl/text.hpp>

#include <base/text.hpp>
#include <signing/base64.hpp>
#include <signing/bytes.hpp>

#include <algorithm>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::ctl {

namespace {

constexpr std::size_t most_file = std::size_t{1} << 20U; // characters; no message is longer

std::string line(std::string_view name, std::string_view value) { return fmt::format("{:<10} {}\n", name, value); }

std::string said(const Json& json, const char* key) { return json.contains(key) && json.at(key).is_string() ? json.at(key).get<std::string>() : std::string(); }

std::string words_of(const Json& list) { return join(list.get<std::vector<std::string>>(), ", "); }

std::string member_text(const Json& member, const std::string& here) {
    const bool is_here = said(member, "node") == here;
    return fmt::format("{:<12} {:<6} {:<24} {}", said(member, "name"), member.at("seat").get<bool>() ? "voter" : "", words_of(member.at("roles")), is_here ? "here" : member.at("heard").get<bool>() ? "heard" : "not heard");
}

std::string service_text(const Json& service) {
    const std::string step = said(service, "step");
    std::string text = fmt::format("{:<24} {:<8} {}", said(service, "name"), said(service, "state"), step.empty() ? said(service, "why") : fmt::format("{} ({})", said(service, "why"), step));
    if (const std::string next = said(service, "next"); !next.empty() && said(service, "state") != "settled" && said(service, "state") != "absent") text += fmt::format("\n{:45}next: {}", "", next);
    return text;
}

// Of the site's etcd, as far as its voters are heard.
std::string quorum_text(const Json& members) {
    const auto seats = std::ranges::count_if(members, [](const Json& member) { return member.at("seat").get<bool>(); });
    const auto heard = std::ranges::count_if(members, [](const Json& member) { return member.at("seat").get<bool>() && member.at("heard").get<bool>(); });
    const auto spare = heard - (seats / 2 + 1);
    const std::string text = fmt::format("{} of {} {} heard", heard, seats, seats == 1 ? "voter is" : "voters are");
    if (spare < 0) return text + ": too few, nothing of the site can change until more are back";
    return heard == seats ? text : spare == 0 ? text + ": none of these may go as well" : text + fmt::format(": {} more may go", spare);
}

// The first line has the name of what all of them are.
template <typename Text> std::string lines(std::string_view name, const Json& list, const Text& text_of) {
    std::string text;
    for (const Json& one : list) text += line(text.empty() ? name : "", text_of(one));
    return text;
}

std::string time_text(const Json& seconds) { return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(seconds.get<std::time_t>())); }

} // namespace

std::string site_text(const Json& status) {
    if (!status.contains("site")) return {};
    const Json& site = status.at("site");
    const std::string name = said(site, "name");
    std::string text = line("site", name.empty() ? said(site, "site") : fmt::format("{}, as {}{}", said(site, "site"), name, site.value("seat", false) ? ", a voter" : ""));
    text += line("", fmt::format("{}: {}", said(site, "phase"), said(site, "sentence")));
    if (const std::string code = said(site, "code"); !code.empty()) text += line("", fmt::format("an operator decides; the code is {}", code));
    for (const char* more : {"trouble", "remedy", "board"})
        if (const std::string words = said(site, more); !words.empty()) text += line("", words);
    if (said(site, "keys") == "tpm") text += line("", "its keys are sealed to its TPM");
    if (said(site, "keys") == "state") text += line("", "its keys lie in plain on its disk");
    if (site.contains("members")) {
        text += lines("nodes", site.at("members"), [&](const Json& member) { return member_text(member, said(site, "node")); });
        text += line("quorum", quorum_text(site.at("members")));
    } else {
        for (const Json& peer : site.value("peers", Json::array()))
            text += line("", fmt::format("{} {}{}", peer.at("heard").get<bool>() ? "hears" : "has heard", said(peer, "name"), peer.at("voter").get<bool>() ? ", a voter" : ""));
    }
    const Json services = site.value("formations", Json::object());
    text += lines("services", services.value("list", Json::array()), service_text);
    if (const std::string trouble = said(services, "trouble"); !trouble.empty()) text += line("", trouble);
    return text;
}

std::string nodes_text(const Json& answer) {
    std::string text = lines("nodes", answer.at("members"), [](const Json& member) { return fmt::format("{:<12} {:<6} {:<24} {}", said(member, "name"), member.at("seat").get<bool>() ? "voter" : "", words_of(member.at("roles")), words_of(member.at("addresses"))); });
    text += lines("waiting", answer.value("applicants", Json::array()), [](const Json& one) { return fmt::format("{:<12} code {}, serial {}: {}", said(one, "name"), said(one, "code"), said(one, "serial").empty() ? "none" : said(one, "serial"), said(one, "text")); });
    for (const Json& lock : answer.value("locks", Json::array()))
        text += line("lock", fmt::format("{} is held by {}{}, for {}", said(lock, "formation"), said(lock, "holder"), lock.value("left", false) ? ", which is no member any more" : "", said(lock, "plan")));
    return text;
}

std::string audit_text(const Json& answer) {
    std::string text;
    for (const Json& entry : answer.at("entries"))
        text += fmt::format("{}  {:<14} {:<12} {}{}{}\n", time_text(entry.at("time")), said(entry, "what"), said(entry, "about"), said(entry, "who"), said(entry, "text").empty() ? "" : ": ", said(entry, "text"));
    return text.empty() ? "nothing was decided so far\n" : text;
}

std::string site_key_text(const Json& answer) {
    const bool is_rotated = !answer.at("former").is_null();
    std::string text = fmt::format("site key   {}\n", said(answer, "key"));
    if (is_rotated) text += fmt::format("           in the place of {}, by which members are heard until every one of them has the other\n", said(answer, "former"));
    for (const Json& member : answer.at("members")) {
        const bool has_it = member.at("key") == answer.at("key");
        const std::string what = !has_it ? "has not taken it over" : is_rotated ? "has it" : member.at("former").is_null() ? "" : "has it, and hears by the one of before still";
        if (!what.empty()) text += fmt::format("           {:<12} {}\n", said(member, "name"), what);
    }
    return text;
}

std::string rotation_text(const Json& answer) {
    const auto step = answer.at("step").get<std::uint64_t>();
    const auto phase = answer.at("phase").get<std::string>();
    std::string text;
    if (step == 0) text = "the authorities are those of the site's beginning\n";
    else if (phase == "trusted") text = fmt::format("step {}: all nodes learn to trust the next authorities beside those of now\n", step);
    else if (phase == "issuing") text = fmt::format("step {}: the next authorities issue, and every certificate is renewed; operators, too, need another one now\n", step);
    else text = fmt::format("step {}: the former authorities count no more\n", step);
    const auto awaited = answer.at("awaited").get<std::vector<std::string>>(), left = answer.at("left").get<std::vector<std::string>>();
    if (!awaited.empty()) text += fmt::format("waits for: {}\n", join(awaited, ", "));
    if (!left.empty()) text += fmt::format("left behind: {}\n", join(left, ", "));
    return text;
}

namespace {

std::string proposal_line(const Json& one) {
    return fmt::format("{}  {:<12} by {}, {} {}\n", said(one, "proposal"), said(one, "what"), said(one, "by"), one.at("expired").get<bool>() ? "expired at" : "until", time_text(one.at("expires")));
}

// Somebody else wrote it: a terminal takes no orders from it.
std::string harmless(std::string text) {
    std::ranges::replace_if(text, [](char c) { return (static_cast<unsigned char>(c) < 0x20U && c != '\n' && c != '\t') || c == 0x7F; }, '?');
    return text;
}

// The files of a plan stand there as they are.
std::string parameter_text(const std::string& name, const Json& value) {
    if (!value.is_object()) return line(harmless(name), value.is_string() ? harmless(value.get<std::string>()) : value.dump());
    std::string text;
    for (const auto& [file, content] : value.items()) {
        const auto bytes = content.is_string() ? from_base64(content.get<std::string>(), most_file) : std::nullopt;
        text += fmt::format("\n---- {} ----\n{}", harmless(file), bytes ? harmless(std::string(text_of(*bytes))) : "(it cannot be read)\n");
    }
    return text;
}

} // namespace

std::string proposals_text(const Json& answer) {
    std::string text;
    for (const Json& one : answer.at("proposals")) text += proposal_line(one);
    return text.empty() ? "nothing waits for a second person\n" : text;
}

std::string proposal_text(const Json& answer) {
    std::string text = proposal_line(answer);
    for (const auto& [name, value] : answer.at("parameters").items()) text += parameter_text(name, value);
    return text;
}

std::string proposed_text(const Json& answer) {
    return proposal_line(answer) + fmt::format("another one, who is approver, agrees with: ashlarctl proposal agree {}\n", said(answer, "proposal"));
}

} // namespace ashlar::ctl
