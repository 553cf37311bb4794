// Ceph on three nodes: how it forms, what of it is encrypted, and that no object is lost when nodes, their power or their disks are.

#include "site_test.hpp"

#include <base/file.hpp>
#include <virtual_site/loop_disk.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr auto long_patience = 600s; // of a busy machine: some dozen programs start
constexpr std::uint64_t disk_size = std::uint64_t{3} << 30U;
constexpr const char* plan = R"(
[[disks.ceph]]
bus = ["nvme"]
min = 1
wipe = "if-ours"

[services]
galera = false
haproxy = false
keepalived = false
mariadb = false
memcached = false
ovn-central = false
ovn-controller = false
openvswitch = false
ovn-northd = false
prometheus = false
rabbitmq = false
)";

// On a node: puts objects until it is told to stop, and notes those that were acknowledged.
constexpr const char* writer = R"sh(
set -u
mkdir -p /run/writer /var/lib/writer
python3 -c 'import json; keys = json.load(open("/run/ashlar-ceph/s3.json")); print("user = \"%s:%s\"" % (keys["access_key"], keys["secret_key"]))' >/run/writer/curlrc
s3() { curl --config /run/writer/curlrc --silent --fail --max-time 90 --cacert /run/ashlar-ceph/authority.crt --aws-sigv4 aws:amz:us-east-1:s3 "$@"; }
case $1 in
write)
    until s3 --output /dev/null --request PUT "https://$2:7480/writer"; do sleep 1; done
    number=$(cat /var/lib/writer/acknowledged 2>/dev/null | wc -l)
    while [ ! -e /run/writer/stop ]; do
        number=$((number + 1))
        echo "object $number" >/run/writer/object
        if s3 --output /dev/null --upload-file /run/writer/object "https://$2:7480/writer/$number"; then echo "$number" >>/var/lib/writer/acknowledged; fi
        sleep 0.1
    done ;;
read)
    while read -r number; do
        [ "$(s3 "https://$2:7480/writer/$number")" = "object $number" ] || { echo "object $number is lost"; exit 1; }
    done </var/lib/writer/acknowledged ;;
esac
)sh";

class Ceph : public SiteTest {
protected:
    Ceph() {
        for (Node* node : nodes_) give_new_disk(*node);
    }

    void SetUp() override {
        power_on(nodes_);
        ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
        ASSERT_TRUE(are_well(nodes_)) << what_ceph_says();
    }

    void give_new_disk(Node& node) {
        const fs::path file = work_.path() / fmt::format("disk{}", disks_.size() + 1);
        make_disk_file(file, disk_size);
        node.give_disk(disks_.emplace_back(file).path());
    }

    // As a new one in the place of the old. The power is off.
    static void make_blank(const LoopDisk& disk) {
        const Fd out = open_file(disk.path(), O_WRONLY);
        write_all(out.get(), std::string(std::size_t{16} << 20U, '\0'), disk.path().native());
        ASSERT_EQ(::fsync(out.get()), 0);
    }

    // All that Ceph has there is as it should be, and the cluster says HEALTH_OK.
    [[nodiscard]] bool are_well(const Nodes& nodes) const {
        return wait_until(long_patience, [&] {
            return std::ranges::all_of(nodes, [](const Node* node) {
                auto states = formations_of(*node);
                for (const char* name : {"ceph", "ceph-mon", "ceph-osd", "ceph-rgw"})
                    if (states[name] != "settled") return false;
                return states["ceph-mgr"] == "settled" || states["ceph-mgr"] == "absent";
            }) && nodes[0]->run({"/usr/lib/ashlar/check/ceph-mgr"}).ok();
        });
    }
    [[nodiscard]] std::string what_ceph_says() const {
        std::string text = what_they_say(nodes_);
        for (const Node* node : nodes_) text += node->run({"sh", "-c", "timeout 10 ceph -s; timeout 10 ceph health detail; timeout 10 ceph osd tree"}).output;
        return text;
    }

    [[nodiscard]] std::string gateway(const Node& node) const { return address(node) + ":7480"; }
    [[nodiscard]] static Outcome shell(const Node& node, const std::string& script) { return node.run({"sh", "-c", script}); }
    [[nodiscard]] static unsigned number_of(const Node& node, const std::string& of) { return static_cast<unsigned>(std::stoul(said(node, {"sh", "-c", "cat " + of + " 2>/dev/null | wc -l"}))); }
    [[nodiscard]] static unsigned acknowledged(const Node& node) { return number_of(node, "/var/lib/writer/acknowledged"); }

    void begin_to_write(const Node& node) const { said(node, {"systemd-run", "--quiet", "--unit=writer", "sh", "-c", writer, "sh", "write", address(node)}); }
    static void stop_writing(const Node& node) { (void)shell(node, "touch /run/writer/stop; while systemctl is-active --quiet writer; do sleep 0.2; done; rm /run/writer/stop"); }
    [[nodiscard]] Outcome read_all(const Node& with, const Node& from) const { return with.run({"sh", "-c", writer, "sh", "read", address(from)}); }
    [[nodiscard]] static bool comes_to_write(const Node& node, unsigned more) {
        const unsigned before = acknowledged(node);
        return wait_until(patience, [&] { return acknowledged(node) >= before + more; });
    }

    const TemporaryDirectory work_{fs::temp_directory_path(), "ashlar-ceph-"};
    std::vector<LoopDisk> disks_;
    const Nodes nodes_ = voters_of({.name = "berlin", .more = plan, .roles = R"("hyperconverged")"});
};

TEST_F(Ceph, FormsOnThreeNodesAndSpeaksWithNobodyInTheClear) {
    for (const Node* node : nodes_) {
        const auto check = nodes_[0]->run({"/usr/lib/ashlar/check/ceph-rgw", gateway(*node)});
        EXPECT_TRUE(check.ok()) << check.output << check.errors << what_ceph_says();
    }
    Node& node = *nodes_[0];

    // Monitors: encrypted, or not at all; with a key of this cluster, or not at all.
    EXPECT_THAT(said(node, {"ceph", "mon", "dump"}), Not(HasSubstr("v1:")));
    EXPECT_EQ(said(node, {"ss", "-Hltn", "sport = :6789"}), "");
    EXPECT_TRUE(shell(node, "timeout 20 ceph --connect-timeout 5 status").ok());
    EXPECT_FALSE(shell(node, "timeout 20 ceph --connect-timeout 5 --ms-client-mode crc --ms-mon-client-mode crc status").ok());
    EXPECT_FALSE(shell(node, R"(k=$(mktemp -p /run) && ceph-authtool "$k" --create-keyring --gen-key --name client.admin >/dev/null && timeout 20 ceph --connect-timeout 5 --keyring "$k" status)").ok()) << "with a key of another cluster";
    EXPECT_EQ(said(node, {"sh", "-c", "ceph osd dump --format json | python3 -c 'import json, sys; print(sorted({a[\"type\"] for o in json.load(sys.stdin)[\"osds\"] for k in (\"public_addrs\", \"cluster_addrs\", \"heartbeat_back_addrs\", \"heartbeat_front_addrs\") for a in o[k][\"addrvec\"]}))'"}), "['v2']");

    // Gateways: TLS by the site's authority, or not at all.
    EXPECT_FALSE(node.run({"curl", "--silent", "--fail", "--max-time", "10", "http://" + gateway(node)}).ok());
    EXPECT_TRUE(node.run({"curl", "--silent", "--max-time", "10", "--cacert", "/run/ashlar-ceph/authority.crt", "https://" + gateway(node)}).ok());
    EXPECT_EQ(node.run({"curl", "--silent", "--max-time", "10", "https://" + gateway(node)}).exit_code, 60) << "who does not know the authority";

    // Keys are root's and the service's alone.
    EXPECT_EQ(said(node, {"sh", "-c", "find /etc/ceph /run/ashlar-ceph -type f -perm /077 -exec grep -l 'key = ' {} +; true"}), "");
}

TEST_F(Ceph, LosesNoObjectToPowerCuts) {
    Node &writing = *nodes_[0], &lost = *nodes_[2];
    begin_to_write(writing);
    ASSERT_TRUE(comes_to_write(writing, 20)) << what_ceph_says();

    lost.cut_power();
    EXPECT_TRUE(comes_to_write(writing, 50)) << what_ceph_says();
    lost.power_on();
    ASSERT_TRUE(are_well(nodes_)) << what_ceph_says();
    ASSERT_TRUE(comes_to_write(writing, 10));

    cut_power(nodes_);
    power_on(nodes_);
    ASSERT_TRUE(are_well(nodes_)) << what_ceph_says();
    const unsigned before = acknowledged(writing);
    EXPECT_GE(before, 80U);
    const auto all = read_all(writing, lost);
    EXPECT_TRUE(all.ok()) << all.output << all.errors;

    begin_to_write(writing);
    ASSERT_TRUE(comes_to_write(writing, 10));
    stop_writing(writing);
    shut_down(nodes_);
    power_on(nodes_);
    ASSERT_TRUE(are_well(nodes_)) << what_ceph_says();
    EXPECT_TRUE(read_all(writing, lost).ok());
}

// Its system is new and its data disk is the old one: the OSD on it goes on.
TEST_F(Ceph, AdoptsTheDiskOfANodeThatWasReflashed) {
    Node &other = *nodes_[0], &again = *nodes_[2];
    begin_to_write(other);
    ASSERT_TRUE(comes_to_write(other, 20));
    const std::string osds = said(other, {"ceph", "osd", "ls"});
    const auto uuids = [&] { return said(other, {"sh", "-c", "ceph osd dump | grep ^osd | awk '{print $NF}' | sort"}); };
    const std::string before = uuids();
    const auto node = site_of(again).at("node");

    again.cut_power();
    again.reflash();
    again.power_on();
    ASSERT_TRUE(wait_until(patience, [&] { return site_of(again).contains("code"); })) << what_they_say(nodes_);
    said(other, {"ashlarctl", "node", "approve", "berlin-n3"});
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    ASSERT_TRUE(are_well(nodes_)) << what_ceph_says();
    EXPECT_NE(site_of(again).at("node"), node);
    EXPECT_EQ(said(other, {"ceph", "osd", "ls"}), osds);
    EXPECT_EQ(uuids(), before);
    EXPECT_THAT(said(other, {"ceph", "mon", "dump"}), Not(HasSubstr(node.get<std::string>())));
    stop_writing(other);
    EXPECT_TRUE(read_all(other, again).ok());
}

// Its system is there and its /var is not, or the data disk is not: the others let go what it was, and it joins.
TEST_F(Ceph, TakesBackANodeThatLostItsData) {
    Node &other = *nodes_[0], &again = *nodes_[2];
    begin_to_write(other);
    ASSERT_TRUE(comes_to_write(other, 20));
    again.cut_power();
    again.lose_var();
    again.power_on();
    ASSERT_TRUE(are_well(nodes_)) << what_ceph_says();

    again.cut_power();
    make_blank(disks_.back());
    again.power_on();
    ASSERT_TRUE(are_well(nodes_)) << what_ceph_says();
    EXPECT_EQ(said(other, {"sh", "-c", "ceph osd ls | wc -l"}), "3");
    stop_writing(other);
    EXPECT_TRUE(read_all(other, again).ok());
}

// A node that never comes back: with the word that it is gone, nothing of it is left, and the data are where they can be.
TEST_F(Ceph, ForgetsANodeThatIsGoneForGood) {
    Node &other = *nodes_[0], &gone = *nodes_[2];
    begin_to_write(other);
    ASSERT_TRUE(comes_to_write(other, 20));
    const std::string node = site_of(gone).at("node");
    gone.cut_power();
    said(other, {"ashlarctl", "node", "remove", "berlin-n3"});
    ASSERT_TRUE(wait_until(long_patience, [&] {
        return said(other, {"sh", "-c", "ceph osd ls | wc -l"}) == "2" && shell(other, "ceph mon dump 2>/dev/null | grep -c " + node).output == "0\n";
    })) << what_ceph_says();
    EXPECT_THAT(shell(other, "ceph auth ls 2>/dev/null").output, Not(HasSubstr(node)));
    stop_writing(other);
    EXPECT_TRUE(read_all(other, *nodes_[1]).ok());
    // Two copies of three can be kept: that is for a person to know.
    EXPECT_THAT(shell(other, "ceph health detail").output, ContainsRegex("undersized"));
}

} // namespace
} // namespace ashlar::virtual_site
