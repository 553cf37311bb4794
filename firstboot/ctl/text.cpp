#include <ctl/text.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::ctl {

namespace {

std::string line(std::string_view name, std::string_view value) { return fmt::format("{:<10} {}\n", name, value); }

std::string entry_text(const Json& entry) {
    const auto release = entry.at("release").get<std::string>();
    if (entry.at("blessed").get<bool>()) return release + ", blessed";
    const auto left = entry.at("attempts_left").get<unsigned>(), done = entry.at("attempts_done").get<unsigned>();
    if (left == 0) return fmt::format("{}, given up after {} {}", release, done, done == 1 ? "attempt" : "attempts");
    return fmt::format("{}, {} {} left", release, left, left == 1 ? "attempt" : "attempts");
}

std::string time_text(const Json& seconds) { return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(seconds.get<std::time_t>())); }

// Somebody was let in beside those whom the site names, or tried to be: the last of them.
std::string break_glass_text(const Json& status) {
    constexpr std::size_t most_lines = 4;
    if (!status.contains("break_glass")) return {};
    const Json& uses = status.at("break_glass");
    std::string text;
    for (std::size_t i = uses.size() - std::min(uses.size(), most_lines); i < uses.size(); ++i) {
        const Json& use = uses.at(i);
        const auto way = use.at("way").get<std::string>(), fault = use.at("fault").get<std::string>();
        text += line("opened", fault.empty() ? fmt::format("by break-glass until {} ({}): {}, {}", time_text(use.at("expires")), way, use.at("reason").get<std::string>(), use.at("signer").get<std::string>())
                                             : fmt::format("not: break-glass refused at {} ({}): {}", time_text(use.at("time")), way, fault));
    }
    return text;
}

std::string slot_text(const Json& slot) {
    return fmt::format("{} in partition {}", slot.at("label").get<std::string>(), slot.at("partition").get<unsigned>());
}

// Of the note: docs/formats/reset-note.md.
std::string reset_text(const Json& note) {
    const Json order = parse_json(note.at("order").get<std::string>(), "last_reset");
    return fmt::format("{}, by user {}: was {}; {} erased by {}", note.at("time").get<std::string>(), order.at("by").get<unsigned>(),
                       order.at("node").at("hostname").get<std::string>(), human_bytes(note.at("erased").at("bytes").get<std::uint64_t>()),
                       join(note.at("erased").at("ways").get<std::vector<std::string>>(), ", "));
}

} // namespace

std::string duration_text(double seconds) {
    const auto whole = static_cast<unsigned long long>(seconds + 0.5);
    if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string transfer_text(const Json& status) {
    if (!status.contains("transfer")) return {};
    const Json& transfer = status.at("transfer");
    const auto written = transfer.at("written").get<std::uint64_t>(), size = transfer.at("size").get<std::uint64_t>();
    const auto fetched = transfer.at("fetched").get<std::uint64_t>(), download = transfer.at("download").get<std::uint64_t>();
    const double rate = transfer.at("bytes_per_second").get<double>();
    std::string text = fmt::format("{} of {} written, {} of {} fetched", human_bytes(written), human_bytes(size), human_bytes(fetched), human_bytes(download));
    if (rate > 0) text += fmt::format(", {}/s", human_bytes(static_cast<std::uint64_t>(rate)));
    if (rate > 0 && download > fetched) text += fmt::format(", {} left", duration_text(static_cast<double>(download - fetched) / rate));
    return text;
}

std::string trust_text(const Json& status) {
    std::string text;
    for (const Json& one : status.value("firmware_revocations", Json::array())) {
        const auto train = one.at("train").get<std::string>();
        text += line("firmware", one.at("state") == "obeyed" ? fmt::format("refuses {} revoked image{} of train {}", one.at("images").get<std::size_t>(), one.at("images") == 1 ? "" : "s", train)
                                                             : fmt::format("{}: it may start revoked images of train {}: {}", one.at("state").get<std::string>(), train, one.at("text").get<std::string>()));
    }
    if (!status.contains("stale_media")) return text;
    const Json& word = status.at("stale_media");
    return text + line("stale", fmt::format("serial {} of train {} had expired; site {} let it pass: {}", word.at("serial").get<std::uint64_t>(), word.at("train").get<std::string>(),
                                            word.at("site").get<std::string>(), word.at("reason").get<std::string>()));
}

std::string status_text(const Json& status) {
    std::string text = line("node", fmt::format("{}, {} {} on {}", status.at("hostname").get<std::string>(), status.at("role").get<std::string>(),
                                                status.at("release").get<std::string>(), status.at("architecture").get<std::string>()));
    text += break_glass_text(status);
    if (status.at("place") == "rescue") {
        text += line("state", "rescue: nothing of this node is written");
        const auto missing = status.at("missing").get<std::string>();
        return missing.empty() ? text : text + line("missing", missing);
    }
    if (status.contains("locked")) return text + line("locked", fmt::format("/var, and no service runs: {}", status.at("locked").get<std::string>()));
    if (status.at("place") == "medium") {
        text += line("state", "runs from a medium, with everything in memory");
        return status.contains("installation") ? text + line("install", status.at("installation").get<std::string>()) : text;
    }
    text += site_text(status);
    if (status.at("place") == "container") return text + line("state", "runs in a container, whose releases are not its own to keep");
    if (status.contains("fault")) return text + line("fault", status.at("fault").get<std::string>());
    text += line("root", status.at("root_hash").get<std::string>());
    const Json& slots = status.at("slots");
    if (slots.contains("running")) {
        text += line("running", slot_text(slots.at("running")));
        text += line("other", slot_text(slots.at("other")));
        for (const Json& entry : slots.at("menu")) text += line("menu", entry_text(entry));
    }
    text += line("state", status.at("sentence").get<std::string>());
    if (status.contains("target")) {
        const Json& target = status.at("target");
        text += line("target", fmt::format("{} by {}, {} to fetch, from {}", target.at("release").get<std::string>(), target.at("way").get<std::string>(),
                                           human_bytes(target.at("download").get<std::uint64_t>()), target.at("source").get<std::string>()));
        for (const Json& refusal : target.value("refused", Json::array()))
            text += line("refused", fmt::format("{}: {}", refusal.at("way").get<std::string>(), refusal.at("text").get<std::string>()));
    }
    if (const std::string transfer = transfer_text(status); !transfer.empty()) text += line("transfer", transfer);
    if (status.at("attempts").get<unsigned>() > 0) text += line("attempts", fmt::format("{}", status.at("attempts").get<unsigned>()));
    if (status.contains("ending")) {
        const auto release = status.at("ending").at("release").get<std::string>();
        text += line("last", fmt::format("{}{}{}", release, release.empty() ? "" : ": ", status.at("ending").at("text").get<std::string>()));
    }
    text += trust_text(status);
    if (status.contains("last_reset")) text += line("reset", reset_text(status.at("last_reset")));
    return text + line("next", status.at("next").get<std::string>());
}

std::string console_text(const Json& status, const std::vector<std::string>& addresses) {
    std::string text = fmt::format("Ashlar {} {}\n\n", status.at("role").get<std::string>(), status.at("release").get<std::string>());
    text += line("addresses", addresses.empty() ? "none yet" : join(addresses, ", "));
    return text + status_text(status);
}

} // namespace ashlar::ctl
