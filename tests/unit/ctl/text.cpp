#include <ctl/text.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using ctl::duration_text;
using ctl::status_text;

namespace {

Json status() {
    return {{"format", 1},
            {"hostname", "node-1"},
            {"role", "base"},
            {"release", "R0.0"},
            {"architecture", "amd64"},
            {"place", "disk"},
            {"root_hash", "0ed2"},
            {"phase", "writing"},
            {"sentence", "writing the new root"},
            {"next", "wait: it goes on by itself"},
            {"attempts", 0},
            {"slots", {{"running", {{"label", "root_R0.0"}, {"partition", 3}, {"size", 1}}},
                       {"other", {{"label", "_partial"}, {"partition", 5}, {"size", 1}}},
                       {"menu", Json::array({{{"release", "R0.1"}, {"blessed", false}, {"attempts_left", 0}, {"attempts_done", 3}},
                                             {{"release", "R0.0"}, {"blessed", true}},
                                             {{"release", "R0.0"}, {"blessed", false}, {"attempts_left", 1}, {"attempts_done", 2}}})}}}};
}

TEST(StatusText, IsOneScreen) {
    Json json = status();
    json["target"] = {{"release", "R0.1"}, {"root_hash", "1fe3"}, {"way", "delta"}, {"download", 3'400'000}, {"source", "/media"}, {"refused", Json::array({{{"way", "blocks"}, {"text", "cannot use it"}}})}};
    json["transfer"] = {{"written", 120'000'000}, {"size", 310'000'000}, {"fetched", 1'400'000}, {"download", 3'400'000}, {"bytes_per_second", 500'000.0}};
    json["ending"] = {{"release", "R0.1"}, {"text", "ashlar-gate-units failed"}};
    json["last_reset"] = {{"order", R"({"by":0,"node":{"hostname":"node-0","machine_id":"0"}})"},
                          {"time", "2026-01-02T03:05:00Z"},
                          {"erased", {{"bytes", 2'000'000'000}, {"ways", {"crypto-erase", "discard"}}}}};
    EXPECT_EQ(status_text(json), "node       node-1, base R0.0 on amd64\n"
                                 "root       0ed2\n"
                                 "running    root_R0.0 in partition 3\n"
                                 "other      _partial in partition 5\n"
                                 "menu       R0.1, given up after 3 attempts\n"
                                 "menu       R0.0, blessed\n"
                                 "menu       R0.0, 1 attempt left\n"
                                 "state      writing the new root\n"
                                 "target     R0.1 by delta, 3.4 MB to fetch, from /media\n"
                                 "refused    blocks: cannot use it\n"
                                 "transfer   120.0 MB of 310.0 MB written, 1.4 MB of 3.4 MB fetched, 500.0 kB/s, 0:04 left\n"
                                 "last       R0.1: ashlar-gate-units failed\n"
                                 "reset      2026-01-02T03:05:00Z, by user 0: was node-0; 2.0 GB erased by crypto-erase, discard\n"
                                 "next       wait: it goes on by itself\n");
}

TEST(StatusText, SaysWhatFirmwareRefusesAndWhatWasLetPass) {
    Json json = status();
    json["firmware_revocations"] = Json::array({{{"train", "R0"}, {"images", 9}, {"state", "obeyed"}, {"text", ""}}, {{"train", "R1"}, {"images", 1}, {"state", "refused"}, {"text", "another KEK"}}});
    json["stale_media"] = {{"train", "R1"}, {"serial", 7}, {"site", "north"}, {"reason", "the courier was late"}};
    EXPECT_THAT(status_text(json), testing::HasSubstr("firmware   refuses 9 revoked images of train R0\n"
                                                      "firmware   refused: it may start revoked images of train R1: another KEK\n"
                                                      "stale      serial 7 of train R1 had expired; site north let it pass: the courier was late\n"));
}

TEST(StatusText, OfAMediumSaysSo) {
    Json json = status();
    json["place"] = "medium";
    EXPECT_EQ(status_text(json), "node       node-1, base R0.0 on amd64\nstate      runs from a medium, with everything in memory\n");
    json["place"] = "container";
    EXPECT_EQ(status_text(json), "node       node-1, base R0.0 on amd64\nstate      runs in a container, whose releases are not its own to keep\n");
    json["place"] = "medium";
    json["installation"] = "not installing: no disk matches the rule\n  sda (sata, 1.0 TB): it carries ext4";
    EXPECT_EQ(status_text(json), "node       node-1, base R0.0 on amd64\nstate      runs from a medium, with everything in memory\n"
                                 "install    not installing: no disk matches the rule\n  sda (sata, 1.0 TB): it carries ext4\n");
}

TEST(StatusText, OfABrokenJournalIsTheFault) {
    Json json = status();
    json["fault"] = "cannot read the upgrade journal: there is no phase 'x'";
    EXPECT_EQ(status_text(json), "node       node-1, base R0.0 on amd64\nfault      cannot read the upgrade journal: there is no phase 'x'\n");
}

TEST(StatusText, SaysWhoWasLetIn) {
    Json json = status();
    json["place"] = "medium";
    const Json accepted{{"time", 1795546800}, {"way", "console"}, {"node", "node-1"}, {"reason", "disk does not open"}, {"signer", "SHA256:abc (site)"}, {"expires", 1795554000}, {"fault", ""}};
    Json refused = accepted;
    refused["fault"] = "the site has no break-glass key";
    json["break_glass"] = {accepted, refused};
    EXPECT_EQ(status_text(json), "node       node-1, base R0.0 on amd64\n"
                                 "opened     by break-glass until 2026-11-24 21:00 UTC (console): disk does not open, SHA256:abc (site)\n"
                                 "opened     not: break-glass refused at 2026-11-24 19:00 UTC (console): the site has no break-glass key\n"
                                 "state      runs from a medium, with everything in memory\n");
}

TEST(StatusText, OfALockedNodeIsShort) {
    const Json json{{"hostname", "node-1"}, {"role", "base"}, {"release", "R0.0"}, {"architecture", "amd64"}, {"place", "disk"}, {"locked", "the TPM says no"}};
    EXPECT_EQ(status_text(json), "node       node-1, base R0.0 on amd64\nlocked     /var, and no service runs: the TPM says no\n");
}

TEST(StatusText, InRescueSaysWhatIsMissing) {
    Json json{{"hostname", "node-1"}, {"role", "base"}, {"release", "R0.0"}, {"architecture", "amd64"}, {"place", "rescue"}, {"missing", ""}};
    const std::string rescue = "node       node-1, base R0.0 on amd64\nstate      rescue: nothing of this node is written\n";
    EXPECT_EQ(status_text(json), rescue);
    json["missing"] = "cannot open /var: the TPM does not (it says no)";
    EXPECT_EQ(status_text(json), rescue + "missing    cannot open /var: the TPM does not (it says no)\n");
}

TEST(SiteText, IsATreeWithItsQuorumAndWhatIsNext) {
    const auto member = [](const std::string& name, bool seat, bool heard) { return Json{{"node", name}, {"name", name}, {"roles", {"control"}}, {"seat", seat}, {"heard", heard}}; };
    Json site{{"site", "berlin-1"}, {"name", "n01"}, {"node", "n01"}, {"phase", "member"}, {"sentence", "member of the site"}, {"seat", true},
              {"members", {member("n01", true, true), member("n02", true, true), member("n03", true, false), member("n04", false, true)}},
              {"formations", {{"list", {{{"name", "db"}, {"state", "waiting"}, {"why", "waits for time"}, {"next", "it goes on when the clock can be believed"}}, {{"name", "etcd"}, {"state", "settled"}, {"why", "is as it should be"}, {"next", "nothing"}}}}}}};
    EXPECT_EQ(ctl::site_text({{"site", site}}), "site       berlin-1, as n01, a voter\n"
                                                "           member: member of the site\n"
                                                "nodes      n01          voter  control                  here\n"
                                                "           n02          voter  control                  heard\n"
                                                "           n03          voter  control                  not heard\n"
                                                "           n04                 control                  heard\n"
                                                "quorum     2 of 3 voters are heard: none of these may go as well\n"
                                                "services   db                       waiting  waits for time\n"
                                                "                                             next: it goes on when the clock can be believed\n"
                                                "           etcd                     settled  is as it should be\n");
    site["members"][1]["heard"] = false;
    EXPECT_THAT(ctl::site_text({{"site", site}}), testing::HasSubstr("1 of 3 voters are heard: too few"));
    site["members"] = {member("n01", true, true)};
    EXPECT_THAT(ctl::site_text({{"site", site}}), testing::HasSubstr("quorum     1 of 1 voter is heard\n"));
    site["members"] = Json::array();
    for (const auto* name : {"n01", "n02", "n03", "n04", "n05"}) site["members"].push_back(member(name, true, std::string_view(name) != "n05"));
    EXPECT_THAT(ctl::site_text({{"site", site}}), testing::HasSubstr("4 of 5 voters are heard: 1 more may go\n"));
}

TEST(ProposalText, ShowsAllOfItAndGivesATerminalNoOrders) {
    const Json line{{"proposal", "3f0c"}, {"what", "plan.apply"}, {"by", "anna"}, {"made", 1795546800}, {"expires", 1795554000}, {"expired", false}};
    EXPECT_EQ(ctl::proposals_text({{"proposals", Json::array()}}), "nothing waits for a second person\n");
    EXPECT_EQ(ctl::proposals_text({{"proposals", {line}}}), "3f0c  plan.apply   by anna, until 2026-11-24 21:00:00\n");
    EXPECT_THAT(ctl::proposed_text(line), testing::EndsWith("ashlarctl proposal agree 3f0c\n"));
    Json shown = line;
    shown["parameters"] = {{"files", {{"site.toml", "W3NpdGVdChtbMko="}, {"x.csv", "?"}}}}; // "[site]\n\x1b[2J"
    EXPECT_EQ(ctl::proposal_text(shown), "3f0c  plan.apply   by anna, until 2026-11-24 21:00:00\n\n---- site.toml ----\n[site]\n?[2J\n---- x.csv ----\n(it cannot be read)\n");
    shown["expired"] = true;
    shown["parameters"] = {{"name", "n05"}};
    EXPECT_EQ(ctl::proposal_text(shown), "3f0c  plan.apply   by anna, expired at 2026-11-24 21:00:00\nname       n05\n");
}

TEST(RotationText, SaysTheStepAndForWhomItWaits) {
    const auto answer = [](std::uint64_t step, const char* phase, std::vector<std::string> awaited, std::vector<std::string> left) { return Json{{"step", step}, {"phase", phase}, {"awaited", std::move(awaited)}, {"left", std::move(left)}}; };
    EXPECT_EQ(ctl::rotation_text(answer(0, "settled", {}, {})), "the authorities are those of the site's beginning\n");
    EXPECT_EQ(ctl::rotation_text(answer(1, "trusted", {"n02", "n03"}, {})), "step 1: all nodes learn to trust the next authorities beside those of now\nwaits for: n02, n03\n");
    EXPECT_EQ(ctl::rotation_text(answer(2, "issuing", {}, {"c07"})), "step 2: the next authorities issue, and every certificate is renewed; operators, too, need another one now\nleft behind: c07\n");
    EXPECT_EQ(ctl::rotation_text(answer(3, "settled", {}, {})), "step 3: the former authorities count no more\n");
}

TEST(ConsoleText, BeginsWithWhoAndWhere) {
    Json json = status();
    json["place"] = "medium";
    EXPECT_EQ(ctl::console_text(json, {"ens3 10.0.2.15"}), "Ashlar base R0.0\n\naddresses  ens3 10.0.2.15\nnode       node-1, base R0.0 on amd64\nstate      runs from a medium, with everything in memory\n");
    EXPECT_THAT(ctl::console_text(json, {}), testing::HasSubstr("addresses  none yet\n"));
}

TEST(SiteText, SaysWhereTheKeysLie) {
    Json json{{"site", {{"site", "berlin-1"}, {"phase", "member"}, {"sentence", "member of the site"}}}};
    EXPECT_EQ(ctl::site_text(json), "site       berlin-1\n           member: member of the site\n");
    json["site"]["keys"] = "tpm";
    EXPECT_THAT(ctl::site_text(json), testing::EndsWith("           its keys are sealed to its TPM\n"));
    json["site"]["keys"] = "state";
    EXPECT_THAT(ctl::site_text(json), testing::EndsWith("           its keys lie in plain on its disk\n"));
}

TEST(Duration, IsAsPeopleReadIt) {
    EXPECT_EQ(duration_text(3.6), "0:04");
    EXPECT_EQ(duration_text(75), "1:15");
    EXPECT_EQ(duration_text(3723), "1:02:03");
}

} // namespace
