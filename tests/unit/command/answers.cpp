// Answers for people and, with --json, for programs.

#include "site.hpp"

#include <signing/digest.hpp>

#include <gmock/gmock.h>
#include <thread>

using namespace ashlar;
using namespace ashlar::command;

namespace {

Json json(const Site& site, std::vector<std::string> words, int exit_code = 0) {
    words.insert(words.begin(), "--json");
    return parse_json(site.answer(std::move(words), exit_code), "answer");
}

} // namespace

TEST(Store, VerifyNamesWhatIsDamagedAndMovesItWhenAsked) {
    Site site;
    EXPECT_EQ(site.answer({"store", "verify"}), "store: 0 things, 0 B: nothing is damaged\n");
    const std::string digest(64, 'a'), is = sha256("something else").hex(), path = "blobs/aa/" + digest;
    site.write("store/" + path, "something else");
    EXPECT_EQ(site.answer({"store", "verify"}, 1), "damaged: " + path + ": SHA-256 is " + is +
                                                       "\n`ashlar store verify --repair` moves what is damaged away, so that builds fetch or make it again\n");
    EXPECT_EQ(json(site, {"store", "verify"}, 1),
              (Json{{"store", "store"}, {"objects", 1}, {"bytes", 14}, {"damaged", {{{"path", path}, {"cause", "SHA-256 is " + is}}}}, {"moved", false}}));
    EXPECT_EQ(site.answer({"store", "verify", "--repair"}, 1), "damaged, moved to quarantine: " + path + ": SHA-256 is " + is + "\n");
    EXPECT_EQ(site.answer({"store", "verify"}), "store: 0 things, 0 B: nothing is damaged\n");
}

TEST(Store, StatsAndGcOfAnEmptyStore) {
    const Site site;
    const Json nothing{{"count", 0}, {"bytes", 0}};
    EXPECT_EQ(site.answer({"store", "gc"}), "removed: 0 packages and indices (0 B), 0 results (0 B); 0 B stay\n");
    EXPECT_EQ(json(site, {"store", "gc", "--dry-run"}), (Json{{"store", "store"}, {"dry_run", true}, {"removed", Json::array()}, {"blobs", nothing},
                                                             {"results", nothing}, {"left", 0}, {"excess", 0}}));
    EXPECT_EQ(json(site, {"store", "stats"}), (Json{{"store", "store"}, {"total", nothing}, {"blobs", Json::object()}, {"results", Json::object()},
                                                    {"partial", nothing}, {"quarantine", nothing}, {"roots", Json::array()}, {"reachable", nothing},
                                                    {"unreachable", nothing}, {"old", nothing}, {"days", 30}}));
    EXPECT_EQ(site.answer({"store", "stats", "--days", "7"}), "store: 0 B\nin all\n"
                                                              "  kept by something                       0         0 B\n"
                                                              "  kept by nothing                         0         0 B\n"
                                                              "    and not used for 7 days               0         0 B\n");
    EXPECT_EQ(site.refusal({"store", "gc", "--max-size", "20 GB"}, 3),
              "ashlar: cannot use '--max-size 20 GB': not a size\n  hint: write a whole number and KiB, MiB, GiB or TiB, such as \"96 MiB\"\n");
}

TEST(Store, WhatALockNamesStaysAsLongAsTheLock) {
    Site site;
    (void)site.answer({"lock"});
    const Json lock = json(site, {"store", "stats"}).at("roots").at(0);
    EXPECT_EQ(lock.at("reason"), "lock of train R0");
    EXPECT_EQ(lock.at("here").at("count"), 1) << "the index of the folder";
    EXPECT_EQ(lock.at("missing"), 3) << "packages are only fetched when somebody builds";
    (void)site.answer({"store", "tools"});
    const Json all = json(site, {"store", "gc", "--keep-days", "0", "--max-size", "1 KiB"}, 1);
    EXPECT_EQ(all.at("blobs").at("count"), 0);
    EXPECT_EQ(all.at("results").at("count"), 1) << "the tools";
    site.remove("recipes/trains/R0.lock");
    const Json rest = json(site, {"store", "gc", "--keep-days", "0"});
    EXPECT_EQ(rest.at("removed").at(0).at("cause"), "what it was for is gone");
    EXPECT_EQ(rest.at("blobs").at("count"), 1);
}

TEST(Store, SeveralCommandsAtOnce) {
    Site site;
    (void)site.answer({"lock"});
    std::vector<std::thread> users;
    for (const std::vector<std::string>& words : {std::vector<std::string>{"store", "tools"}, {"lock"}, {"store", "gc", "--keep-days", "0"}, {"plan", "base", "--live"}})
        users.emplace_back([&site, words] {
            for (int i = 0; i < 4; ++i) (void)site.answer(words);
        });
    for (auto& user : users) user.join();
    EXPECT_THAT(site.answer({"store", "verify"}), testing::EndsWith("nothing is damaged\n"));
    EXPECT_TRUE(fs::is_empty(site.path() / "store/tmp"));
}

TEST(Store, PushWantsSomewhereToPushTo) {
    Site site;
    EXPECT_EQ(site.refusal({"store", "push"}, 3), "ashlar: cannot push to a shared store: none is named\n"
                                                  "  hint: name one with --shared-store, or as 'shared_store' in Ashlar's configuration\n");
    EXPECT_EQ(site.refusal({"store", "push", "--shared-store", "http://127.0.0.1:1/x/"}, 3),
              "ashlar: cannot push to 'http://127.0.0.1:1/x': nothing is to be sent there\n"
              "  hint: set 'shared_store_upload = true' in Ashlar's configuration\n");
}

TEST(Store, ToolsIsAPath) {
    const Site site;
    const std::string path = json(site, {"store", "tools"}).at("tools");
    EXPECT_TRUE(fs::is_directory(site.path() / path)) << path;
    EXPECT_EQ(site.answer({"store", "tools"}), path + "\n");
}

TEST(BreakGlass, MakesATokenAndACertificate) {
    const Site site;
    for (const char* name : {"glass", "anna"}) run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", (site.path() / name).native()}});
    const std::string token = site.answer({"break-glass", "node-1", "--key", "glass", "--reason", "disk does not open"});
    EXPECT_THAT(token, testing::StartsWith("ashlar-break-glass 1\nnode: node-1\nissued: "));
    EXPECT_THAT(token, testing::EndsWith("-----END SSH SIGNATURE-----\n"));
    EXPECT_EQ(site.answer({"break-glass", "node-1", "--key", "glass", "--for", "30m", "--ssh-key", "anna.pub", "-o", "token"}),
              "token: paste it at the console of node-1 after pressing b, or put it on a FAT stick as ashlar/break-glass\n");
    EXPECT_THAT(read_file(site.path() / "token"), testing::HasSubstr("\nreason: no reason given\n"));
    EXPECT_TRUE(fs::exists(site.path() / "anna-cert.pub"));
    EXPECT_EQ(json(site, {"break-glass", "node-1", "--key", "glass"}).at("node"), "node-1");
    EXPECT_EQ(site.refusal({"break-glass", "node-1", "--key", "glass", "--for", "8d"}, 3),
              "ashlar: cannot use the break-glass token: it is not valid for more than no time and at most 7 days\n  hint: make another when it has expired\n");
    for (const char* time : {"2", "h", "2w", "-2h", ""})
        EXPECT_EQ(site.refusal({"break-glass", "node-1", "--key", "glass", "--for", time}, 3),
                  fmt::format("ashlar: cannot make a token for '{}': that is not a time\n  hint: write a whole number and m, h or d, such as 2h; at most 7d\n", time));
}

TEST(Key, VariablesSayWhatToDoWithARevocation) {
    const Site site;
    (void)site.answer({"key", "new"});
    const fs::path certificates = fs::path(ASHLAR_SOURCE_DIR) / "recipes/keys/uefi";
    fs::create_directories(site.path() / "recipes/keys");
    fs::copy(certificates, site.path() / "recipes/keys/uefi", fs::copy_options::recursive);
    EXPECT_EQ(site.answer({"key", "variables"}),
              "secure-boot: PK, KEK, db as .auth and .esl; docs/guides/secure-boot.md says how to enrol them\n");
    const std::string program = fs::path(ASHLAR_SOURCE_DIR) / "tests/fuzz/corpus/pe/stub.efi";
    EXPECT_EQ(site.answer({"key", "variables", "--revoke", program}),
              "secure-boot: PK, KEK, db, dbx as .auth and .esl; docs/guides/secure-boot.md says how to enrol them\n"
              "secure-boot/dbx-append.auth: for servers in use, adds to what their dbx revokes already; dbx.auth replaces all of it\n");
    EXPECT_THAT(json(site, {"key", "variables", "--revoke", program}).at("files"), testing::Contains("dbx-append.auth"));
}

TEST(Why, APackageThatNobodyHas) {
    Site site;
    site.package("exim4", "4.98");
    site.package("vim", "9");
    EXPECT_EQ(site.answer({"why", "base", "exim"}, 1), "no archive has 'exim' or a package that provides it; did you mean 'exim4'?\n");
    EXPECT_EQ(json(site, {"why", "base", "exim"}, 1).at("possible"), false);
}

TEST(Plan, AConflictIsShownWhereTheRecipeAsksForIt) {
    Site site;
    const auto node = [](const std::string& packages, const std::string& kernel) {
        return "kind = \"node\"\nsummary = \"The base\"\npackages = [" + packages + "]\ninitrd = \"initrd\"\n\n[kernel]\npackage = \"" + kernel + "\"\n";
    };
    site.role("base", node("\"openssh-server\", \"libssl3=4.0\"", "linux"));
    EXPECT_EQ(site.refusal({"plan", "base"}, 3), "ashlar: recipes/roles/base.toml:3:31: role 'base' cannot be installed:\n"
                                                 "'libssl3' is not offered as 4.0, only as 3.0 (local)\n"
                                                 "  3 | packages = [\"openssh-server\", \"libssl3=4.0\"]\n"
                                                 "    |                               ^~~~~~~~~~~~~\n");
    site.role("base", node("\"openssh-server\"", "linux-cloud"));
    EXPECT_EQ(site.refusal({"plan", "base"}, 3), "ashlar: recipes/roles/base.toml:7:11: role 'base' cannot be installed:\n"
                                                 "no archive has 'linux-cloud' or a package that provides it\n"
                                                 "  7 | package = \"linux-cloud\"\n"
                                                 "    |           ^~~~~~~~~~~~~\n");
    site.package("libssl3", "3.0", "Conflicts: linux\n");
    site.role("base", node("\"openssh-server\"", "linux"));
    EXPECT_EQ(site.refusal({"plan", "base"}, 3), "ashlar: recipes/roles/base.toml:7:11: role 'base' cannot be installed:\n"
                                                 "these cannot be installed together\n"
                                                 "├─ 'linux' 6.12 is asked for\n"
                                                 "│  └─ 'libssl3' conflicts with 'linux' 6.12\n"
                                                 "└─ 'openssh-server' 1 is asked for\n"
                                                 "   └─ 'openssh-server' needs 'libssl3' 3.0\n"
                                                 "      └─ 'libssl3' conflicts with 'linux' 6.12\n"
                                                 "  7 | package = \"linux\"\n"
                                                 "    |           ^~~~~~~\n");
    site.role("base", node("\"openssh-server\"", "linux") + "\n[providers]\nmta = \"exim4\"\n");
    EXPECT_EQ(site.refusal({"plan", "base"}, 3), "ashlar: recipes/roles/base.toml:10:1: role 'base' cannot be installed:\n"
                                                 "providers.mta = \"exim4\" cannot be followed\n"
                                                 "└─ no archive has 'exim4' or a package that provides it\n"
                                                 "  10 | mta = \"exim4\"\n"
                                                 "     | ^~~\n");
}
