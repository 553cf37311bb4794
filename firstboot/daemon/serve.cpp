#include "serve.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <control/client.hpp>
#include <control/server.hpp>
#include <firstboot/identity.hpp>
#include <journald/log.hpp>
#include <service/entries.hpp>
#include <service/metrics.hpp>
#include <node/container.hpp>
#include <service/service.hpp>
#include <site_member/site_service.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <malloc.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar {

namespace {

// For node_exporter's --collector.textfile.directory.
constexpr const char* metrics_file = "/run/ashlar/metrics/ashlar.prom";

control::Server* running = nullptr; // for the signal handler

void stop_running(int) {
    if (running != nullptr) running->stop();
}

firstboot::Identity say_who(const journald::Log& log) {
    utsname names{};
    ::uname(&names);
    firstboot::Identity identity = firstboot::read_identity("/");
    firstboot::write_identity("/", identity);
    log.say(service::ready_entry(identity, names.nodename));
    return identity;
}

// Where this node keeps who it is; nothing on a medium.
std::optional<std::filesystem::path> state_of(const std::optional<steps::Node>& node) {
    if (node) return node->state;
    return node::is_in_container() ? std::optional(node::container_state()) : std::nullopt;
}

constexpr std::string_view site_interface = "org.ashlar.Site.";

forming::Self::Upgrade upgrade_of(upgrade::Phase phase) {
    using forming::Self;
    if (phase == upgrade::Phase::resting) return Self::Upgrade::none;
    return phase == upgrade::Phase::trying ? Self::Upgrade::trial : Self::Upgrade::under_way;
}

// docs/formats/control.md, "The site".
Json answer_of_site(const std::optional<site_member::SiteService>& site, const std::string& method, const Json& parameters, const control::Caller& caller) {
    if (!site) throw Error("cannot ask that: this node belongs to no site", "it runs from a medium");
    const auto member = site->member();
    const auto name = method.substr(site_interface.size());
    if (name == "Why") return {{"text", member->why(parameters.value("name", std::string()))}};
    if (name == "Timeline") return member->timeline();
    if (name == "Authority") return member->authority();
    constexpr std::array for_root{"Ask", "Checks", "OperatorCertificate", "Recover", "RecoveryOrder", "Found", "FoundationOrder"};
    if (std::ranges::find(for_root, name, [](const char* known) { return std::string_view(known); }) == for_root.end()) throw Error(fmt::format("cannot answer '{}': there is no such method", method));
    if (caller.user != 0) throw Error("cannot ask that: only root at this node may", "use sudo, or an operator's certificate");
    const auto text = [&](const char* key) { return parameters.value(key, std::string()); };
    const auto names = [&](const char* key) { return parameters.value(key, std::vector<std::string>()); };
    if (name == "Checks") return member->checks();
    if (name == "OperatorCertificate") return member->operator_certificate(text("request"));
    if (name == "RecoveryOrder") return {{"order", member->recovery_order(names("lost"))}};
    if (name == "FoundationOrder") return {{"order", member->foundation_order(names("without"), names("despite"))}};
    if (name == "Recover") {
        if (parameters.contains("order")) member->recover_by(text("order"));
        else member->recover(names("lost"));
        return Json::object();
    }
    if (name == "Found") {
        member->found_by(text("order"));
        return Json::object();
    }
    return member->ask(parameters.value("request", Json::object()), caller.user);
}

} // namespace

void notify(const char* state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path == nullptr || (path[0] != '/' && path[0] != '@') || std::strlen(path) >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path, std::strlen(path));
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
    [[maybe_unused]] const auto sent = ::sendto(fd, state, std::strlen(state), MSG_NOSIGNAL,
                                                reinterpret_cast<const sockaddr*>(&address), length);
    ::close(fd);
}

int serve() {
    // Each thread of a pool would come to an own heap otherwise (malloc(3)), and each heap keeps what its busiest moment took.
    (void)::mallopt(M_ARENA_MAX, 2);
    const journald::Log log("ashlard");
    const firstboot::Identity identity = say_who(log);
    std::atomic<control::Server*> server_of_changes = nullptr;
    const auto changed = [&] {
        if (control::Server* told = server_of_changes) told->changed();
    };
    const auto node = steps::this_node();
    service::Service service(identity, node, changed, [&](const journald::Entry& entry) { log.say(entry); });
    std::optional<site_member::SiteService> site;
    if (const auto state = state_of(node)) {
        site.emplace(*state, identity, site_member::SiteMember::Surroundings{.changed = changed, .alarm = [&](const std::string& text) { log.say(service::site_alarm_entry(text, identity.release)); }, .upgrade = [&] { return upgrade_of(service.phase()); }, .start_again = [] { ::kill(::getpid(), SIGTERM); }, // systemd starts it again
                                                                                            .wipe = [&] { service.wipe(); }});
        service.has_site([&] { return site->status(); });
    }
    control::Server server(control::socket_path, [&](const std::string& method, const Json& parameters, const control::Caller& caller) {
        return method.starts_with(site_interface) ? answer_of_site(site, method, parameters, caller) : service.answer(method, parameters, caller);
    });
    std::filesystem::create_directories(std::filesystem::path(metrics_file).parent_path());
    running = &server;
    server_of_changes = &server;
    for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, stop_running);
    notify("READY=1");
    std::string metrics;
    server.run([&] {
        notify("WATCHDOG=1");
        std::string now = service::metrics_text(service.status());
        if (now != metrics) write_file(metrics_file, now);
        metrics = std::move(now);
    });
    running = nullptr;
    // What is under way ends with the process: it goes on at the next start.
    std::_Exit(0);
}

int report_health(const std::string& method, const std::string& reason) {
    const Json reply = control::call(control::socket_path, "org.ashlar.Node." + method, {{"reason", reason}});
    if (reply.at("wanted").get<bool>()) fmt::print("ashlard: {}\n", method == "Healthy" ? "healthy" : reason);
    return 0;
}

} // namespace ashlar
