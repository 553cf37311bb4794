#include <virtual_site/progress.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ashlar::virtual_site {

namespace {

struct Word {
    std::string_view name, meaning;
};
constexpr std::array<Word, steps.size()> words{{{"network", "has its addresses"},
                                                {"daemon", "ashlard answers"},
                                                {"heard", "hears all voters"},
                                                {"promised", "has promised"},
                                                {"accepted", "has accepted a genesis"},
                                                {"genesis", "knows the genesis"},
                                                {"etcd", "its etcd listens"},
                                                {"member", "is a member of the site"}}};

std::string seconds(Elapsed time) { return fmt::format("{:.1f}", time.count()); }
double rounded(Elapsed time) { return std::round(time.count() * 100) / 100; }

std::string text_in(const Json& json, const char* key) { return json.contains(key) && json.at(key).is_string() ? json.at(key).get<std::string>() : std::string(); }

std::size_t voters_heard(const Json& site) {
    std::size_t count = 0;
    for (const Json& peer : site.value("peers", Json::array())) count += peer.value("voter", false) && peer.value("heard", false) ? 1U : 0U;
    return count;
}

std::optional<Step> step_of(const std::string& phase) {
    if (phase == "promised") return Step::promised;
    if (phase == "accepted") return Step::accepted;
    if (phase == "founding") return Step::genesis;
    if (phase == "member") return Step::member;
    return std::nullopt;
}

std::string cut_to(std::string text, std::size_t width) {
    std::size_t letters = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U) continue;
        if (++letters <= width) continue;
        text.resize(i);
        break;
    }
    return text;
}

} // namespace

std::string_view name_of(Step step) { return words.at(static_cast<std::size_t>(step)).name; }
std::string_view meaning_of(Step step) { return words.at(static_cast<std::size_t>(step)).meaning; }

Progress::Progress(const std::vector<Cast>& nodes, std::size_t voters) : voters_(voters), reached_(nodes.size()) {
    for (const Cast& node : nodes) nodes_.push_back({.name = node.name, .voter = node.voter});
}

void Progress::reach(std::size_t node, Elapsed at, Step step) { reached_.at(node).emplace(step, at); }

// Steps that follow each other fast are not all told. What is only seen from outside was seen, or was not.
void Progress::infer(std::size_t node, Elapsed at, Step step) {
    for (const Step before : steps)
        if (before <= step && before != Step::network && before != Step::etcd) reach(node, at, before);
}

bool Progress::say(std::size_t node, Elapsed at, std::string phase, std::string sentence) {
    Now& now = nodes_.at(node);
    if (now.phase == phase && now.sentence == sentence) return false;
    now.phase = std::move(phase);
    now.sentence = std::move(sentence);
    now.trouble.clear();
    now.since = at;
    return true;
}

bool Progress::hear(std::size_t node, Elapsed at, const Json& site) {
    Now& now = nodes_.at(node);
    const Now before = now;
    now.phase = text_in(site, "phase");
    if (now.phase.empty()) now.phase = "starting";
    now.sentence = text_in(site, "sentence");
    now.trouble = text_in(site, "trouble");
    now.genesis = text_in(site, "genesis");
    reach(node, at, Step::daemon);
    if (voters_heard(site) + (now.voter ? 1U : 0U) >= voters_) reach(node, at, Step::heard);
    if (const auto step = step_of(now.phase); step && now.voter) infer(node, at, *step);
    if (now.phase == "member") reach(node, at, Step::member);
    if (!now.genesis.empty()) reach(node, at, Step::genesis);
    const bool is_new = now.phase != before.phase || now.sentence != before.sentence || now.trouble != before.trouble;
    if (is_new) now.since = at;
    return is_new;
}

bool Progress::is_formed() const {
    return std::ranges::all_of(nodes_, [&](const Now& now) { return now.phase == "member" && now.trouble.empty() && now.genesis == nodes_.front().genesis; });
}

std::vector<std::string> Progress::waiting() const {
    std::vector<std::string> all;
    for (const Now& now : nodes_)
        if (now.phase != "member" || !now.trouble.empty()) all.push_back(fmt::format("{}: {}", now.name, join(std::vector{now.phase, now.trouble.empty() ? now.sentence : now.trouble}, ": ")));
    return all;
}

std::optional<Elapsed> Progress::when(std::size_t node, Step step) const {
    const auto found = reached_.at(node).find(step);
    return found == reached_.at(node).end() ? std::nullopt : std::optional(found->second);
}

std::optional<Elapsed> Progress::when_all(Step step) const {
    std::optional<Elapsed> last;
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
        const auto time = when(node, step);
        if (!time) return std::nullopt;
        last = std::max(last.value_or(*time), *time);
    }
    return last;
}

std::string Progress::line(std::size_t node) const {
    const Now& now = nodes_.at(node);
    std::string text = fmt::format("{:>7} s  {}  {}", seconds(now.since), now.name, now.phase);
    if (!now.sentence.empty()) text += ": " + now.sentence;
    if (!now.trouble.empty()) text += fmt::format(" ({})", now.trouble);
    return text;
}

std::string Progress::table(std::size_t width) const {
    std::size_t names = 4, phases = 5;
    for (const Now& now : nodes_) {
        names = std::max(names, now.name.size());
        phases = std::max(phases, now.phase.size());
    }
    std::string text = cut_to(fmt::format("{:<{}}  {:<{}}  {:>8}  what it says", "node", names, "phase", phases, "since"), width) + '\n';
    for (const Now& now : nodes_)
        text += cut_to(fmt::format("{:<{}}  {:<{}}  {:>6} s  {}", now.name, names, now.phase, phases, seconds(now.since), now.trouble.empty() ? now.sentence : now.trouble), width) + '\n';
    return text;
}

std::string Progress::timeline() const {
    std::size_t widest = 6;
    for (const Now& now : nodes_) widest = std::max(widest, now.name.size());
    const auto cell = [&](const std::optional<Elapsed>& time) { return fmt::format("  {:>{}}", time ? seconds(*time) : "-", widest); };
    std::string text = fmt::format("{:<26}", "seconds from power-on");
    for (const Now& now : nodes_) text += fmt::format("  {:>{}}", now.name, widest);
    text += fmt::format("  {:>{}}\n", "all", widest);
    for (const Step step : steps) {
        text += fmt::format("{:<26}", meaning_of(step));
        for (std::size_t node = 0; node < nodes_.size(); ++node) text += cell(when(node, step));
        text += cell(when_all(step)) + '\n';
    }
    return text;
}

Json Progress::timeline_json() const {
    Json json = Json::object();
    for (const Step step : steps) {
        Json& one = json[std::string(name_of(step))];
        one = {{"all", nullptr}, {"nodes", Json::object()}};
        if (const auto time = when_all(step)) one["all"] = rounded(*time);
        for (std::size_t node = 0; node < nodes_.size(); ++node)
            if (const auto time = when(node, step)) one["nodes"][nodes_[node].name] = rounded(*time);
    }
    return json;
}

Json Progress::json(std::size_t node) const {
    const Now& now = nodes_.at(node);
    Json json{{"event", "node"}, {"node", now.name}, {"seconds", rounded(now.since)}, {"phase", now.phase}, {"sentence", now.sentence}};
    if (!now.trouble.empty()) json["trouble"] = now.trouble;
    if (!now.genesis.empty()) json["genesis"] = now.genesis;
    return json;
}

} // namespace ashlar::virtual_site
