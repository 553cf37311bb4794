// Answers for people and, with --json, for programs.

#include "site.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::command;

namespace {

Json json(const Site& site, std::vector<std::string> words, int exit_code = 0) {
    words.insert(words.begin(), "--json");
    return parse_json(site.answer(std::move(words), exit_code), "answer");
}

} // namespace

TEST(Store, CheckNamesWhatItRemoved) {
    Site site;
    EXPECT_EQ(site.answer({"store", "check"}), "store: nothing is damaged\n");
    EXPECT_EQ(json(site, {"store", "check"}), (Json{{"store", "store"}, {"damaged", Json::array()}}));

    const std::string digest(64, 'a');
    site.write("store/blobs/aa/" + digest, "something else");
    EXPECT_EQ(site.answer({"store", "check"}, 1), "damaged, removed: sha256:" + digest + "\n");
    site.write("store/blobs/aa/" + digest, "something else");
    EXPECT_EQ(json(site, {"store", "check"}, 1).at("damaged"), Json::array({"sha256:" + digest}));
}

TEST(Store, ShowAndPruneCount) {
    const Site site;
    EXPECT_EQ(site.answer({"store", "prune"}), "removed: 0 packages and indices (0 B), 0 results (0 B)\n");
    const Json nothing{{"blobs", 0}, {"blob_bytes", 0}, {"stages", 0}, {"stage_bytes", 0}};
    EXPECT_EQ(json(site, {"store", "prune"}), nothing);
    EXPECT_EQ(json(site, {"store", "show"}), nothing);
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
