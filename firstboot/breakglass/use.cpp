#include <breakglass/use.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::breakglass {

namespace fs = std::filesystem;

namespace {

using std::chrono::seconds;

constexpr const char* record = "run/ashlar/break-glass.json";
constexpr std::size_t most_uses = 16;
// Clocks that are kept by the network differ by less.
constexpr std::chrono::minutes usual_difference{5};

std::string text_of(Time time) { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(time.time_since_epoch().count()))); }

// Since the machine was started, whatever its clock says.
seconds uptime() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return seconds(now.tv_sec);
}

// The root is verified block by block, so its times are as signed as it is.
Time build_time(const fs::path& root) {
    const fs::path file = root / "usr/lib/os-release";
    struct stat info{};
    if (::stat(file.c_str(), &info) != 0) throw system_error("look at", file.native());
    return Time(seconds(info.st_mtime));
}

Json read_record(const fs::path& root) {
    const fs::path file = root / record;
    return fs::exists(file) ? parse_json(read_file(file), file.native()) : Json{{"format", 1}, {"uses", Json::array()}};
}

Use use_from(const Json& json) {
    return {.time = Time(seconds(json.at("time").get<std::int64_t>())), .way = json.at("way"), .node = json.at("node"), .reason = json.at("reason"), .signer = json.at("signer"),
            .expires = Time(seconds(json.at("expires").get<std::int64_t>())), .fault = json.at("fault")};
}

void log(const Use& use) {
    const std::string text = use.fault.empty() ? fmt::format("break-glass accepted by {} until {}: {} [{}]", use.way, text_of(use.expires), use.reason, use.signer)
                                               : fmt::format("break-glass refused by {}: {}{}{}", use.way, use.fault, use.reason.empty() ? "" : "; its reason: ", use.reason);
    ::openlog("ashlar", LOG_NDELAY, LOG_AUTH);
    ::syslog(LOG_NOTICE, "%s", text.c_str());
    ::closelog();
}

bool is_again(Json before, Json now) {
    for (Json* use : {&before, &now})
        for (const char* when : {"time", "uptime"}) use->erase(when);
    return before == now;
}

// Who types nonsense at a console must not make the node forget whom it let in, and when.
Json::iterator dispensable(Json& list) {
    const auto refused = std::ranges::find_if(list, [](const Json& one) { return !one.at("fault").get<std::string>().empty(); });
    return refused == list.end() ? list.begin() : refused;
}

// What stands behind `name` on its line.
std::string_view value(std::string_view printed, std::string_view name) {
    for (const auto line : split(printed, '\n'))
        if (const auto text = trim(line); text.starts_with(name)) return trim(text.substr(name.size()));
    return {};
}

Time local_time_from(std::string_view text) {
    std::tm fields{};
    return ::strptime(std::string(text).c_str(), "%Y-%m-%dT%H:%M:%S", &fields) == nullptr ? Time() : Time(seconds(::timegm(&fields)));
}

} // namespace

Trust this_node(const fs::path& root) { return {.node = std::string(trim(read_file(root / "etc/hostname"))), .signers = root / "etc/ssh/ashlar/break_glass"}; }

Clock this_clock(const fs::path& root) {
    Clock clock{.now = std::chrono::floor<seconds>(std::chrono::system_clock::now()), .at_least = build_time(root)};
    const Json content = read_record(root);
    for (const Json& one : content.at("uses"))
        if (const Use use = use_from(one); use.fault.empty()) clock.at_least = std::max(clock.at_least, use.time + (uptime() - seconds(one.at("uptime").get<std::int64_t>())));
    return clock;
}

Time time_of_use(const Clock& clock, Time issued) {
    const Time known = std::max(clock.now, clock.at_least);
    return issued > known + usual_difference ? issued : known;
}

Use judge(std::string_view file, const Trust& trust, const Clock& clock, const fs::path& scratch) {
    Use use{.time = std::max(clock.now, clock.at_least), .way = "console"};
    try {
        const SignedBreakGlass read = parse_break_glass(file);
        const auto signature = check_break_glass(read, trust.signers, scratch);
        use.fault = signature.fault;
        if (!use.fault.empty()) return use;
        // Only what was signed is written down.
        use.signer = signature.signer;
        use.node = read.token.node;
        use.reason = read.token.reason;
        use.expires = read.token.expires;
        // The time of a token for another node is none that we know.
        if (use.node != trust.node) {
            use.fault = fmt::format("it is for '{}', and this is '{}'", use.node, trust.node);
            return use;
        }
        use.time = time_of_use(clock, read.token.issued);
        if (use.time >= use.expires) use.fault = fmt::format("it expired at {}, and it is {}", text_of(use.expires), text_of(use.time));
    } catch (const Error& error) {
        use.fault = error.message();
    }
    return use;
}

Use use_of_certificate(std::string_view printed, Time now) {
    Use use{.time = now, .way = "ssh"};
    use.reason = value(printed, "Key ID: ");
    std::erase(use.reason, '"');
    const auto authority = value(printed, "Signing CA: ");
    if (const auto at = authority.find("SHA256:"); at != authority.npos) use.signer = authority.substr(at, authority.find(' ', at) - at);
    const auto valid = value(printed, "Valid: from ");
    if (const auto to = valid.find(" to "); to != valid.npos) use.expires = local_time_from(valid.substr(to + 4));
    constexpr std::string_view principal = "break-glass.";
    if (const auto at = printed.find(principal); at != printed.npos) use.node = printed.substr(at + principal.size(), printed.find('\n', at) - at - principal.size());
    return use;
}

std::vector<Use> uses(const fs::path& root) {
    std::vector<Use> list;
    const Json content = read_record(root);
    for (const Json& one : content.at("uses")) list.push_back(use_from(one));
    return list;
}

void note(const Use& use, const fs::path& root) {
    log(use);
    fs::create_directories((root / record).parent_path());
    // Two consoles may be used at once.
    const Fd lock = open_file((root / record).native() + ".lock", O_WRONLY | O_CREAT, 0600);
    if (::flock(lock.get(), LOCK_EX) != 0) throw system_error("lock", (root / record).native());
    Json content = read_record(root);
    Json one = to_json(std::vector{use}).at(0);
    one["uptime"] = uptime().count();
    Json& list = content["uses"];
    std::erase_if(list.get_ref<Json::array_t&>(), [&](const Json& other) { return is_again(other, one); });
    list.push_back(std::move(one));
    if (list.size() > most_uses) list.erase(dispensable(list));
    write_file(root / record, pretty(content));
}

Json to_json(const std::vector<Use>& uses) {
    Json list = Json::array();
    for (const Use& use : uses)
        list.push_back({{"time", use.time.time_since_epoch().count()}, {"way", use.way}, {"node", use.node}, {"reason", use.reason}, {"signer", use.signer},
                        {"expires", use.expires.time_since_epoch().count()}, {"fault", use.fault}});
    return list;
}

} // namespace ashlar::breakglass
