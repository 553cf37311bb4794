// `ashlarctl support-bundle` on a node into which secrets were planted, wherever they might come from.

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <control/server.hpp>
#include <signing/message_key.hpp>
#include <signing/node_id.hpp>

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <sys/stat.h>
#include <thread>

#include <fmt/format.h>

using namespace ashlar;
namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr std::string_view database = R"(
summary = "a database"
roles = ["control"]
units = ["db.service"]
healthy = "observation.up"
[observe]
run = ["/usr/lib/db/observe"]
prints = { up = "boolean" }
[secrets.admin]
[[render]]
path = "/run/db/key"
owner = "root:root"
mode = "0600"
text = "password=${secrets.admin}"
restart = ["db.service"]
[[step]]
id = "start"
kind = "local"
summary = "starts it"
when = "not units.active"
start = ["db.service"]
timeout = "10 s"
verify = "units.active"
)";

std::string key_text() { return std::string(SigningKey::generate(site_scheme).secret().text()); }

class SupportBundle : public testing::Test {
protected:
    SupportBundle() {
        plant("etc/shadow", shadow);
        plant("run/ashlar/etcd/key.pem", etcd_key);
        plant("run/db/key", "password=" + admin + "\n");
        plant("var/lib/ashlar/site/site.key", site_key);
        plant("var/lib/ashlar/site/ticket", ticket);
        plant("root/.ssh/id_ed25519", node_key);
        plant("usr/lib/ashlar/formations/db.toml", std::string(database));
        plant("usr/lib/ashlar/formations/role.json", R"({"format":1,"role":"control","extends":{"base":[],"control":["base"]}})");
        plant("etc/os-release", "ID=ashlar\n");
        plant("var/lib/ashlar/formations/formations.journal", "step join ended: " + admin + "\n");
        fs::create_symlink("../../../../etc/shadow", root() / "var/lib/ashlar/formations/link");
        // What programs of a node say, had somebody let it say too much.
        program("journalctl", "echo \"journal $*\"; echo 'key " + admin + "'; cat " + (root() / "run/ashlar/etcd/key.pem").native());
        program("systemctl", "echo units; grep -v BEGIN " + (root() / "run/ashlar/etcd/key.pem").native() + "; cat " + (root() / "etc/shadow").native());
        program("ip", "echo \"ip $*\"");
    }
    [[nodiscard]] fs::path root() const { return directory.path() / "root"; }
    void plant(const fs::path& path, const std::string& text) {
        fs::create_directories((root() / path).parent_path());
        write_file(root() / path, text, 0600);
    }
    void program(const std::string& name, const std::string& does) {
        fs::create_directories(directory.path() / "bin");
        write_file(directory.path() / "bin" / name, "#!/bin/sh\n" + does + "\n", 0755);
    }
    Outcome make(const std::string& name, const std::vector<std::string>& more = {}) {
        std::vector<std::string> argv{ASHLARCTL, "--socket", (directory.path() / "socket").native(), "support-bundle", (directory.path() / name).native(), "--root", root().native()};
        argv.insert(argv.end(), more.begin(), more.end());
        return run({.argv = argv, .environment = {{{"PATH", (directory.path() / "bin").native() + ":/usr/sbin:/usr/bin:/sbin:/bin"}}}});
    }
    // Each file in it, by its name.
    std::map<std::string, std::string> unpacked(const std::string& name) {
        const TemporaryDirectory out(directory.path(), "out-");
        (void)run_checked({.argv = {"tar", "-xf", (directory.path() / name).native(), "-C", out.path().native(), "--strip-components=1"}});
        std::map<std::string, std::string> all;
        for (const auto& entry : fs::recursive_directory_iterator(out.path()))
            if (!entry.is_directory()) all.emplace(entry.path().lexically_relative(out.path()).native(), read_file(entry.path()));
        return all;
    }

    TemporaryDirectory directory{testing::TempDir(), "support-"};
    const std::string etcd_key = key_text(), node_key = key_text();
    const std::string admin = "8f14e45fceea167a5a36dedd4bea2543b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7";
    const std::string site_key = "0c9d8e78f14e45fceea167a5a36dedd4bea2543b2c1d0e9f8a7b6c5d4e3f2a1b\n", ticket = "ticket 5a36dedd4bea2543b2c1d0e9f8a7b6c5\n";
    const std::string shadow = "root:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:19000:0:99999:7:::\n";
};

TEST_F(SupportBundle, HasWhatHelpsAndNoSecret) {
    control::Server server(directory.path() / "socket", [&](const std::string& method, const Json& parameters, const control::Caller&) -> Json {
        if (method == "org.ashlar.Node.Status") return {{"format", 1}, {"hostname", "n01"}, {"remark", node_key}};
        if (parameters.at("request").at("ask") == "status") return {{"format", 1}, {"answer", {{"members", Json::array()}, {"etcd", {{{"id", "1"}, {"learner", false}}}}, {"remark", "db/admin is " + admin}}}};
        throw Error("cannot ask that here: this node has no seat with the voters", "ask on a voter");
    });
    std::jthread running([&] { server.run([] {}); });
    const std::shared_ptr<void> end(nullptr, [&](void*) { server.stop(); }); // whatever fails below
    const Outcome outcome = make("n01.tar.gz");
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("written: '"));
    struct stat status{};
    ASSERT_EQ(::stat((directory.path() / "n01.tar.gz").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);

    const auto pages = unpacked("n01.tar.gz");
    EXPECT_THAT(pages.at("status.json"), HasSubstr("\"hostname\": \"n01\""));
    EXPECT_THAT(pages.at("site.json"), HasSubstr("\"etcd\""));
    EXPECT_THAT(pages.at("audit.json"), HasSubstr("this node has no seat with the voters")) << "what cannot be asked says why";
    EXPECT_THAT(pages.at("journal-last-start.txt"), HasSubstr("journal --no-pager --boot=-1 --unit=ashlar*"));
    EXPECT_THAT(pages.at("routes.txt"), HasSubstr("ip route"));
    EXPECT_THAT(pages.at("version.txt"), testing::StartsWith("ashlarctl "));
    EXPECT_TRUE(pages.contains("disks.json"));
    EXPECT_EQ(pages.at("os-release"), "ID=ashlar\n");
    EXPECT_EQ(pages.at("formations/formations.journal"), "step join ended: [removed]\n");
    EXPECT_THAT(pages.at("contents.txt"), HasSubstr("units-failed.txt"));
    EXPECT_FALSE(pages.contains("formations/link"));

    std::vector<std::string> planted{admin, "X3DX6M94c7o", site_key.substr(0, 64), ticket.substr(7, 32)};
    for (const auto* key : {&etcd_key, &node_key}) {
        planted.push_back(key->substr(28, 64));  // its first line
        planted.push_back(key->substr(93, 64));  // and the second
    }
    for (const auto& [name, text] : pages)
        for (const auto& secret : planted) EXPECT_THAT(text, Not(HasSubstr(secret))) << name;
    // They were there to be found.
    EXPECT_THAT(pages.at("journal-this-start.txt"), HasSubstr("key [removed]"));
    EXPECT_THAT(pages.at("units.txt"), HasSubstr("root:[removed]:19000"));
}

TEST_F(SupportBundle, IsMadeWhereNothingRuns) {
    const Outcome outcome = make("n01.tar.gz", {"--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_EQ(parse_json(outcome.output, "answer").at("file"), (directory.path() / "n01.tar.gz").native());
    EXPECT_THAT(unpacked("n01.tar.gz").at("status.json"), HasSubstr("cannot reach ashlard"));
    EXPECT_THAT(make("n01.tar.gz").errors, HasSubstr("it is there already"));
    EXPECT_THAT(make("n01").errors, HasSubstr("name it ….tar.gz or ….tar.zst"));
    EXPECT_EQ(run({.argv = {ASHLARCTL, "support-bundle", "x.tar.gz", "--voter", "10.0.0.1"}}).exit_code, 2);
}

} // namespace
