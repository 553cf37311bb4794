// `ashlar up` as its user meets it: the program is run on the image, and nothing of what it made is left.

#include "bench.hpp"
#include "command.hpp"

#include <base/text.hpp>
#include <signing/bytes.hpp>
#include <virtual_site/progress.hpp>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <map>
#include <set>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto patience = 180s; // of a busy machine

class Up : public testing::Test {
protected:
    [[nodiscard]] std::vector<std::string> with_image(std::vector<std::string> words) const {
        words.insert(words.end(), {"--image", std::getenv("ASHLAR_SITE_IMAGE")});
        return words;
    }
    UpCommand command_;
};

// A fresh site, with nothing edited by hand.
TEST_F(Up, ANewSiteFormsAndNothingIsLeft) {
    const auto outcome = command_.run(with_image({"up", "demo", "--nodes", "3", "--until", "formed", "--json"}));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
    const auto events = events_in(outcome.output);
    EXPECT_EQ(events.front().at("event"), "begin");
    EXPECT_THAT(events.front().at("changes"), Contains("time servers are left out: nodes have this machine's clock"));
    const Json& formed = events.back();
    EXPECT_EQ(formed.at("event"), "formed");
    EXPECT_EQ(formed.at("genesis").get<std::string>().size(), 32U);
    double last = 0;
    for (const Step step : {Step::heard, Step::promised, Step::accepted, Step::genesis, Step::member}) {
        const Json& reached = formed.at("timeline").at(std::string(name_of(step)));
        EXPECT_EQ(reached.at("nodes").size(), 3U);
        EXPECT_GE(reached.at("all").get<double>(), last) << name_of(step);
        last = reached.at("all").get<double>();
    }
    EXPECT_LE(last, formed.at("seconds").get<double>() + 0.01);
    for (const Step step : {Step::network, Step::etcd}) EXPECT_EQ(formed.at("timeline").at(std::string(name_of(step))).at("nodes").size(), 3U) << name_of(step);
    EXPECT_THAT(command_.left_behind(), IsEmpty());
    fmt::print("from power-on to {} members: {}\n", events.front().at("nodes").size(), formed.at("timeline").dump());
}

TEST_F(Up, SomebodyGetsInUntilItIsInterrupted) {
    Running running = command_.start(with_image({"up", "demo", "--json"}));
    ASSERT_TRUE(running.says("\"event\":\"formed\"", patience)) << running.output();
    const auto entered = command_.run({"enter", "demo", "n02", "--", "ashlarctl", "status", "--json"});
    ASSERT_EQ(entered.exit_code, 0) << entered.errors;
    EXPECT_EQ(parse_json(entered.output, "status").at("site").at("name"), "n02");
    EXPECT_EQ(command_.run({"enter", "demo", "n02", "--", "sh", "-c", "exit 7"}).exit_code, 7);
    const auto second = command_.run(with_image({"up", "demo"}));
    EXPECT_EQ(second.exit_code, 3);
    EXPECT_THAT(second.errors, HasSubstr("cannot start site 'demo': it runs on this machine already"));
    EXPECT_EQ(running.end(SIGINT, patience), 0);
    EXPECT_THAT(command_.left_behind(), IsEmpty());
    EXPECT_THAT(command_.run({"enter", "demo", "n02"}).errors, HasSubstr("site 'demo' does not run on this machine"));
}

TEST_F(Up, InterruptedInTheMiddleItLeavesNothing) {
    for (const int signal : {SIGINT, SIGTERM}) {
        Running running = command_.start(with_image({"up", "demo", "--json"}));
        ASSERT_TRUE(running.says("\"phase\":\"hearing\"", patience)) << running.output();
        EXPECT_EQ(running.end(signal, patience), 130);
        EXPECT_THAT(command_.left_behind(), IsEmpty());
    }
}

// `ashlar up demo | head -1`
TEST_F(Up, AReaderThatGoesAwayEndsIt) {
    const std::string line = fmt::format("'{}' up demo --image '{}' | head -1; exit ${{PIPESTATUS[0]}}", std::getenv("ASHLAR"), std::getenv("ASHLAR_SITE_IMAGE"));
    const auto outcome = command_.run_program({"bash", "-c", line});
    EXPECT_EQ(outcome.exit_code, 3);
    EXPECT_EQ(outcome.errors, "ashlar: cannot write to 'standard output': Broken pipe\n");
    EXPECT_THAT(command_.left_behind(), IsEmpty());
}

TEST_F(Up, KeptNodesAreTheSameSiteAgain) {
    const auto genesis = [&] {
        const auto outcome = command_.run(with_image({"up", "demo", "--keep", "kept", "--until", "formed", "--json"}));
        EXPECT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
        return events_in(outcome.output).back().value("genesis", "none");
    };
    const std::string first = genesis();
    EXPECT_EQ(genesis(), first);
    EXPECT_THAT(command_.left_behind(), IsEmpty());
    (void)command_.run({"site", "new", "other"});
    EXPECT_THAT(command_.run(with_image({"up", "other", "--keep", "kept"})).errors,
                HasSubstr("kept': it has nodes of another site\n  hint: name another directory, or remove this one"));
    EXPECT_THAT(command_.run(with_image({"up", "other", "--keep", "."})).errors, HasSubstr("there is something else in it\n  hint: name a directory that is empty, or not there yet"));
}

// In ring long.
TEST_F(Up, AnAnonymousSiteHasItsAddressesFromHere) {
    const auto file = command_.directory() / "demo/site.toml";
    const std::string text = read_file(file), id = text.substr(text.find("\nid = ") + 1, 39);
    write_file(file, fmt::format("[site]\nname = \"demo\"\n{}\n[genesis]\nmode = \"anonymous\"\nvoters = 3\nexpect = 3\n[install]\nencryption = \"off\"\n", id));
    const auto outcome = command_.run(with_image({"up", "demo", "--until", "formed", "--json"}));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
    EXPECT_THAT(events_in(outcome.output).front().at("changes"), Contains("addresses come from a DHCP server that this command starts"));
    EXPECT_EQ(events_in(outcome.output).back().at("timeline").at("network").at("nodes").size(), 3U);
    EXPECT_THAT(command_.left_behind(), IsEmpty());
}

TEST_F(Up, WhoIsMissedIsSaidWhenTimeIsOver) {
    const auto outcome = command_.run(with_image({"up", "demo", "--nodes", "2", "--until", "formed", "--timeout", "12s"}));
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.output, HasSubstr("  'n03' is a voter and is not started: the site will wait for it\n"));
    EXPECT_THAT(outcome.output, HasSubstr("site 'demo' has not formed in 12 s:\n  n01: hearing: 2 of 3 voters: waiting for n03 (serial WRITE-SERIAL-3), never heard\n"));
    EXPECT_THAT(command_.left_behind(), IsEmpty());
}

TEST_F(Up, WhatCannotBeStartedIsSaid) {
    EXPECT_EQ(command_.run(with_image({"up", "demo", "--nodes", "4"})).errors, "ashlar: cannot start 4 nodes of site 'demo': it lists 3\n"
                                                                                   "  hint: write more into site.toml or its table, or say --nodes 3\n");
    EXPECT_EQ(command_.run({"up", "demo", "--image", "a.raw"}).errors, "ashlar: cannot start nodes from 'a.raw': there is no such image\n");
    const std::string image = std::getenv("ASHLAR_SITE_IMAGE");
    EXPECT_EQ(command_.run({"up", "demo", "--image", image, "--image", image}).errors, "ashlar: cannot use '--image': one for all nodes is given twice\n"
                                                                                       "  hint: give one for all, or ROLE=FILE for each role\n");
    EXPECT_EQ(command_.run(with_image({"up", "demo", "--timeout", "soon"})).errors, "ashlar: cannot wait 'soon': that is not a time\n  hint: write a whole number and s, m or h, such as 10m\n");
    write_file(command_.directory() / "alone.toml", "[site]\nname = \"lab\"\n[install]\nencryption = \"off\"\n");
    EXPECT_EQ(command_.run(with_image({"up", "alone.toml"})).errors, "ashlar: cannot start site 'lab': it has no [genesis], so its nodes stay by themselves\n"
                                                                         "  hint: `ashlar site new` makes a site that begins; `ashlar boot` starts an image alone\n");
    std::filesystem::remove(command_.directory() / "demo/site.key");
    EXPECT_EQ(command_.run(with_image({"up", "demo", "--keep", "kept"})).errors, "ashlar: cannot start site 'demo': there is no 'demo/site.key'\n"
                                                                   "  hint: media of its nodes need it; `ashlar site new` makes one with a site, and never again\n");
    EXPECT_FALSE(std::filesystem::exists(command_.directory() / "kept"));
    EXPECT_THAT(command_.left_behind(), IsEmpty());
}

// Those of the texts that are anywhere in a file, which may be gigabytes.
std::set<std::string> found_in(const std::filesystem::path& file, const std::vector<std::string>& texts) {
    constexpr std::size_t part = std::size_t{16} << 20U, overlap = 256; // no text is longer
    const Fd open = open_file(file, O_RDONLY);
    std::set<std::string> found;
    std::string seen;
    Bytes read(part);
    while (const std::size_t got = read_some(open.get(), read, file.native())) {
        seen += text_of(ByteView(read).first(got));
        for (const auto& text : texts)
            if (seen.find(text) != std::string::npos) found.insert(text);
        seen.erase(0, seen.size() - std::min(seen.size(), overlap));
    }
    return found;
}

// Minutes to an hour where machines are emulated: ring long.
TEST_F(Up, MachinesFoundTheirSiteUnderSecureBootWithTpms) {
    const char* keys = std::getenv("ASHLAR_SITE_KEYS");
    ASSERT_NE(keys, nullptr) << "ASHLAR_SITE_KEYS names the directory of the keys that signed the image";
    const auto outcome = command_.run(with_image({"--keys", keys, "up", "demo", "--qemu", "--keep", "machines", "--until", "formed", "--json"}));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
    const auto events = events_in(outcome.output);
    EXPECT_EQ(events.back().at("event"), "formed");
    std::map<std::string, Json> boots; // the last of each: from its own disk
    for (const Json& event : events)
        if (event.at("event") == "boot") boots[event.at("node")] = event.at("status");
    ASSERT_EQ(boots.size(), 3U);
    for (const auto& [node, status] : boots) {
        EXPECT_EQ(status.at("state"), "running") << node << ' ' << status;
        EXPECT_EQ(status.at("secure_boot"), true) << node;
        EXPECT_EQ(status.at("pcr11").get<std::string>().size(), 64U) << node;
    }
    // Nobody who takes the disk away has the site's key, or the node's: as a state in plain has it.
    const std::string site_key(trim(read_file(command_.directory() / "demo/site.key"))), sealed = "\"holder\": \"tpm\"";
    for (const auto& [node, status] : boots) {
        const auto disk = command_.directory() / "machines/nodes" / node / "disk.raw";
        EXPECT_THAT(found_in(disk, {sealed, site_key, "\"private\": \"LS0t"}), ElementsAre(sealed)) << node;
    }
    EXPECT_THAT(command_.left_behind(), IsEmpty());
    fmt::print("machines: {}\n", events.back().dump());
}

} // namespace
} // namespace ashlar::virtual_site
