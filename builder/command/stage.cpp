#include "stage.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include <fmt/format.h>

namespace ashlar::command {

using virtual_site::Step;

namespace {

constexpr int look_again = 100; // milliseconds
constexpr int interrupted = 130;

// Nobody reads any more: then nobody waits for the site either.
void flush() {
    if (std::fflush(stdout) != 0) throw system_error("write to", "standard output");
}

double rounded(virtual_site::Elapsed time) { return std::round(time.count() * 100) / 100; }

std::size_t terminal_width() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

} // namespace

Interruption::Interruption() {
    came_ = 0;
    for (std::size_t i = 0; i < signals.size(); ++i)
        if (before_[i] = std::signal(signals[i], signals[i] == SIGPIPE ? SIG_IGN : note); before_[i] == SIG_IGN) std::signal(signals[i], SIG_IGN); // nohup
}

Interruption::~Interruption() {
    for (std::size_t i = 0; i < signals.size(); ++i) std::signal(signals[i], before_[i]);
}

Stage::Stage(Options options, const virtual_site::SiteCopy& copy, std::size_t voters, const std::vector<std::unique_ptr<virtual_site::Body>>& bodies)
    : options_(std::move(options)), copy_(copy), bodies_(bodies), progress_(copy.nodes, voters), streams_(bodies.size()), was_on_(bodies.size()) {}

int Stage::play(const Interruption& interruption) {
    open();
    start_ = std::chrono::steady_clock::now();
    while (!interruption.came()) {
        if (may_power_on_next()) {
            power_on_next();
            continue;
        }
        wait();
        look();
        if (!formed_ && has_formed()) {
            formed_ = true;
            tell_formed();
            if (options_.until == Until::formed) return 0;
        }
        if (!formed_ && now() > options_.patience) return give_up();
    }
    return formed_ ? 0 : interrupted;
}

bool Stage::may_power_on_next() const {
    if (powered_on_ == bodies_.size()) return false;
    return powered_on_ == 0 || options_.order == Order::together || progress_.when(powered_on_ - 1, Step::daemon).has_value();
}

void Stage::power_on_next() {
    const std::size_t node = powered_on_++;
    bodies_[node]->power_on();
    was_on_[node] = true;
    if (progress_.say(node, now(), "starting", "its power is on")) tell(node);
}

void Stage::open() {
    if (options_.style == Style::json) {
        Json nodes = Json::array();
        for (const auto& node : copy_.nodes) nodes.push_back(node.name);
        return say(Json{{"event", "begin"}, {"site", options_.name}, {"nodes", nodes}, {"changes", copy_.changes}});
    }
    if (!copy_.changes.empty()) say(fmt::format("{}: nodes on this machine are told something else than site.toml says:", options_.place));
    for (const auto& change : copy_.changes) say("  " + change);
    if (options_.order == Order::one_by_one) say(std::string("machines are emulated: each is started when the one before it is up, which takes minutes"));
    draw();
}

void Stage::wait() {
    std::vector<pollfd> watched;
    for (const auto& stream : streams_) watched.push_back({stream.fd(), POLLIN, 0});
    ::poll(watched.data(), watched.size(), look_again);
}

// A node that was a member before says so before its etcd is there again.
bool Stage::has_formed() const {
    if (!progress_.is_formed()) return false;
    for (std::size_t node = 0; node < bodies_.size(); ++node)
        if (copy_.nodes[node].voter && !progress_.when(node, Step::etcd) && bodies_[node]->shows(Step::etcd).has_value()) return false;
    return true;
}

void Stage::look() {
    for (std::size_t node = 0; node < powered_on_; ++node) look_at(node);
}

void Stage::look_at(std::size_t node) {
    auto& body = *bodies_[node];
    const bool is_on = body.is_on();
    if (is_on != was_on_[node] && progress_.say(node, now(), is_on ? "starting" : "off", is_on ? "its power is on" : "it powered itself off")) tell(node);
    was_on_[node] = is_on;
    const auto look_for = [&](Step step) {
        if (!progress_.when(node, step) && body.shows(step).value_or(false)) progress_.reach(node, now(), step);
    };
    look_for(Step::network);
    if (progress_.when(node, Step::genesis)) look_for(Step::etcd);
    if (const Json report = body.boot_report(); !report.empty()) tell_boot(node, report);
    if (streams_[node].fd() < 0)
        if (const auto socket = body.control_socket(); !socket.empty()) streams_[node].listen_at(socket);
    if (const auto status = streams_[node].take())
        if (progress_.hear(node, now(), status->value("site", Json::object()))) tell(node);
}

// ---- What is told ------------------------------------------------------------------------------------------

void Stage::tell(std::size_t node) {
    if (options_.style == Style::json) return say(progress_.json(node));
    if (options_.style == Style::terminal) return draw();
    say(progress_.line(node));
}

void Stage::tell_boot(std::size_t node, const Json& report) {
    const auto& name = copy_.nodes[node].name;
    if (options_.style == Style::json) return say(Json{{"event", "boot"}, {"node", name}, {"seconds", rounded(now())}, {"status", report}});
    const auto seconds = [&](const char* what) { return report.value("microseconds", Json::object()).value(what, 0.0) / 1e6; };
    say(fmt::format("{:>7.1f} s  {}  booted: {}, Secure Boot {}, TPM {}; by its own clock {:.1f} s to the root, {:.1f} s to the end", now().count(), name, report.value("state", ""),
                    report.value("secure_boot", false) ? "on" : "off", report.value("pcr11", "").empty() ? "absent" : "present", seconds("userspace"), seconds("finish")));
}

void Stage::tell_formed() {
    const auto& nodes = progress_.nodes();
    if (options_.style == Style::json) {
        return say(Json{{"event", "formed"}, {"site", options_.name}, {"seconds", rounded(now())}, {"genesis", nodes.front().genesis}, {"timeline", progress_.timeline_json()}});
    }
    if (options_.timeline == Timeline::shown) say("\n" + progress_.timeline());
    say(fmt::format("site '{}' has formed, {:.1f} s after power-on: {}", options_.name, now().count(), nodes.size() == 1 ? "its node is a member" : fmt::format("{} nodes are members", nodes.size())));
    if (options_.until == Until::interrupted) say(fmt::format("`ashlar enter {} {}` gets into a node; Ctrl-C ends the site", options_.place, nodes.front().name));
}

int Stage::give_up() {
    const auto waiting = progress_.waiting();
    if (options_.style == Style::json) {
        say(Json{{"event", "timeout"}, {"site", options_.name}, {"seconds", rounded(now())}, {"waiting", waiting}, {"timeline", progress_.timeline_json()}});
        return 1;
    }
    if (options_.timeline == Timeline::shown) say("\n" + progress_.timeline());
    say(fmt::format("site '{}' has not formed in {:.0f} s:", options_.name, now().count()));
    for (const auto& one : waiting) say("  " + one);
    return 1;
}

// ---- How ------------------------------------------------------------------------------------------------------

void Stage::draw() {
    if (options_.style != Style::terminal) return;
    const std::string table = progress_.table(terminal_width() - 1);
    if (drawn_ > 0) fmt::print("\x1b[{}F\x1b[J", drawn_);
    fmt::print("{}", table);
    drawn_ = bodies_.size() + 1;
    flush();
}

// The table stays below what is said.
void Stage::say(const std::string& text) {
    const bool drawn = drawn_ > 0;
    if (drawn) fmt::print("\x1b[{}F\x1b[J", drawn_);
    drawn_ = 0;
    fmt::print("{}\n", text);
    flush();
    if (drawn) draw();
}

void Stage::say(const Json& json) {
    fmt::print("{}\n", json.dump());
    flush();
}

} // namespace ashlar::command
