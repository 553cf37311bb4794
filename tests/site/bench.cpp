#include "bench.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <root/namespace.hpp>
#include <site/key.hpp>
#include <site/ticket.hpp>

#include <cstdlib>
#include <string_view>
#include <thread>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {

namespace fs = std::filesystem;

namespace {

fs::path image() { return std::getenv("ASHLAR_SITE_IMAGE"); }

std::string site_text(const Sketch& sketch, const SiteId& id) {
    std::string text = fmt::format(R"([site]
name = "{}"
id = "{}"

[genesis]
mode = "listed"
voters = {}

[install]
in_place = true
encryption = "off"

[[link]]
name = "lan"
interface = ["host0"]

[planes.management]
link = "lan"
subnets = ["{}"]
)", sketch.name, id.text(), sketch.voters, sketch.subnet());
    for (unsigned i = 1; i <= sketch.voters + sketch.others; ++i)
        text += fmt::format("\n[[node]]\nname = \"{0}-{1}\"\nserial = \"{1}\"\nvoter = {3}\nroles = [{4}]\naddresses = {{ management = [\"{2}\"] }}\n", sketch.name, sketch.serial(i), sketch.address(i), i <= sketch.voters, sketch.roles);
    return text + sketch.more;
}

} // namespace

std::string said(const Node& node, std::vector<std::string> argv) {
    const auto outcome = node.run(std::move(argv));
    EXPECT_TRUE(outcome.ok()) << outcome.output << outcome.errors;
    return std::string(trim(outcome.output));
}

Json status_of(const Node& node) { return parse_json(said(node, {"ashlarctl", "status", "--json"}), "status"); }

Json site_of(const Node& node) {
    const auto outcome = node.run({"ashlarctl", "status", "--json"});
    return outcome.ok() ? parse_json(outcome.output, "status").value("site", Json::object()) : Json::object();
}

bool is_up(const Node& node) {
    return wait_until(std::chrono::seconds(120), [&] { return trim(node.run({"systemctl", "is-system-running"}).output) == "running"; });
}

bool wait_until(std::chrono::seconds longest, const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    return true;
}

Bench::Bench() : work_(fs::temp_directory_path(), "ashlar-site-"), root_(image(), work_.path() / "root") {}

fs::path Bench::site(const Sketch& sketch) {
    return site(sketch.name, [&](const SiteId& id) { return site_text(sketch, id); });
}

fs::path Bench::site(const std::string& name, const std::function<std::string(const SiteId& id)>& text) {
    const fs::path medium = work_.path() / ("medium-" + name);
    fs::create_directory(medium);
    const SiteId id = SiteId::random();
    write_file(medium / "site.toml", text(id));
    site::SiteKey::generate(id).save_new(medium / "site.key");
    return medium;
}

fs::path Bench::with_ticket(const fs::path& medium) {
    const auto key = site::SiteKey::load(medium / "site.key");
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    fs::path with_ticket = medium;
    with_ticket += "-ticket";
    fs::create_directory(with_ticket);
    fs::copy(medium / "site.toml", with_ticket);
    site::save_new_ticket(site::make_ticket(key, {.site = key.site(), .id = site::TicketId::random(), .node = std::nullopt, .expires = now + std::chrono::hours(1), .uses = 1}, now), with_ticket / "ticket");
    return with_ticket;
}

Node& Bench::add(const std::string& name, const fs::path& medium) { return *nodes_.emplace_back(std::make_unique<Node>(name, work_.path() / name, root_, medium)); }

} // namespace ashlar::virtual_site

namespace {

constexpr int cannot_run_here = 77; // docs/guides/testing.md

// One node is started, and that is all: what fails then is the machine's, and no test's.
int can_run() {
    using namespace ashlar::virtual_site;
    try {
        ashlar::root::enter_site_namespace();
        Bench bench;
        bench.add("n1", bench.site({.name = "trial", .voters = 1})).power_on();
        return 0;
    } catch (const ashlar::Error& error) {
        std::fprintf(stderr, "test_nodes: no node can be started on this machine: %s\n", error.render().c_str());
        return cannot_run_here;
    }
}

} // namespace

int main(int argc, char** argv) {
    if (std::getenv("ASHLAR_SITE_IMAGE") == nullptr) {
        std::fputs("test_nodes: tests/site/run says with which image it works (ASHLAR_SITE_IMAGE)\n", stderr);
        return 2;
    }
    if (argc == 2 && std::string_view(argv[1]) == "--can-run") return can_run();
    try {
        ashlar::root::enter_site_namespace();
    } catch (const ashlar::Error& error) {
        std::fprintf(stderr, "test_nodes: %s\n", error.render().c_str());
        return 3;
    }
    testing::InitGoogleMock(&argc, argv);
    return RUN_ALL_TESTS();
}
