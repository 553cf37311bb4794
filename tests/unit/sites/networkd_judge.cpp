// systemd-networkd itself reads what is rendered for it, in namespaces of its own, and finds no fault. The kernel need have
// neither bonds nor VLANs for that: whether they come up is proven where it has.

#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <site/networkd.hpp>

#include <gmock/gmock.h>

#include <filesystem>

using namespace ashlar;
using namespace ashlar::site;
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

constexpr const char* networkd = "/lib/systemd/systemd-networkd";
// Whatever it prints: it goes on until it is stopped.
constexpr const char* script = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/network && cp \"$0\"/* /run/systemd/network/ && mount -t sysfs -o ro sysfs /sys && "
                               "SYSTEMD_LOG_LEVEL=info SYSTEMD_LOG_TARGET=console timeout 2 \"$1\" 2>&1; true";

// Its complaints about files.
std::vector<std::string> complaints(const NetworkFiles& files) {
    const TemporaryDirectory directory(fs::temp_directory_path());
    for (const auto& [name, text] : files) write_file(directory.path() / name, text);
    const Outcome outcome = run({.argv = {"unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script, directory.path().native(), networkd}});
    EXPECT_THAT(outcome.output, HasSubstr("Enumeration completed")) << outcome.errors;
    std::vector<std::string> found;
    for (const auto line : split(outcome.output, '\n'))
        if (line.starts_with("/run/systemd/network/")) found.emplace_back(line);
    return found;
}

class NetworkdJudge : public testing::Test {
protected:
    void SetUp() override {
        if (!fs::exists(networkd)) GTEST_SKIP() << "there is no systemd-networkd";
        if (!run({.argv = {"unshare", "--mount", "--net", "true"}}).ok()) GTEST_SKIP() << "no namespaces here";
    }
};

NetworkFiles rendered() {
    const Site site = ashlar::site::read(toml::source_from_text("site.toml", R"([site]
name = "a"
[install]
encryption = "off"
[[link]]
name = "bond0"
bond = "lacp"
driver = ["ice"]
mtu = 9000
[[link]]
name = "cache"
bond = "active-backup"
driver = ["igb"]
[planes.management]
link = "bond0"
vlan = 10
subnets = ["10.0.0.0/24", "fd00::/64"]
gateways = ["10.0.0.1", "fd00::1"]
routes = [{ to = "192.0.2.0/24", via = "10.0.0.2" }, { to = "fd01::/64", via = "fd00::2" }]
dns = ["10.0.0.3", "fd00::3"]
domains = ["example.org"]
[planes.storage]
link = "cache"
addresses = "automatic"
[planes.provider]
link = "bond0"
[[node]]
name = "n01"
serial = "S1"
addresses = { management = ["10.0.0.11", "fd00::11"] }
)"));
    const std::vector<Port> ports{{.name = "enp1s0f0", .mac = *Mac::parse("3c:ec:ef:00:00:01"), .driver = "ice", .speed = 25000},
                                  {.name = "enp1s0f1", .mac = *Mac::parse("3c:ec:ef:00:00:02"), .driver = "ice", .speed = 25000},
                                  {.name = "host0", .mac = *Mac::parse("3c:ec:ef:00:00:03"), .permanent = false, .driver = "igb", .speed = 1000}};
    return std::get<NetworkFiles>(network_files(site, &site.nodes.front(), ports));
}

} // namespace

TEST_F(NetworkdJudge, FindsNoFault) { EXPECT_THAT(complaints(rendered()), IsEmpty()); }

TEST_F(NetworkdJudge, WouldFindOne) {
    NetworkFiles files = rendered();
    files["30-bond0.network"] += "MadeUp=yes\n";
    EXPECT_THAT(complaints(files), ElementsAre(HasSubstr("Unknown key 'MadeUp' in section [Network]")));
}
