// A lock beside the train counts for whoever looks at its roles, as it does for who builds them.

#include "site.hpp"

using namespace ashlar;
using namespace ashlar::command;

namespace {

class LockedSite : public testing::Test {
protected:
    LockedSite() {
        (void)site.answer({"lock"});
        site.package("openssh-server", "2", "Depends: libssl4\n");
        site.package("libssl4", "4.0");
    }
    Site site;
};

} // namespace

TEST_F(LockedSite, PlanTakesTheLock) {
    EXPECT_EQ(site.answer({"--offline", "plan", "base"}),
              "libssl3                              3.0                                 20.7 kB  local/main\n"
              "linux                                6.12                                20.7 kB  local/main\n"
              "openssh-server                       1                                   20.7 kB  local/main\n"
              "\n"
              "role base: 3 packages, 62.0 kB to fetch\n"
              "  local/main                             3 packages    62.0 kB\n");
}

TEST_F(LockedSite, PlanLiveTakesTheArchives) {
    EXPECT_EQ(site.answer({"plan", "--live", "base"}),
              "libssl4                              4.0                                 20.7 kB  local/main\n"
              "linux                                6.12                                20.7 kB  local/main\n"
              "openssh-server                       2                                   20.7 kB  local/main\n"
              "\n"
              "role base: 3 packages, 62.0 kB to fetch, 307.2 kB installed\n"
              "  local/main                             3 packages    62.0 kB\n");
}

TEST_F(LockedSite, AnswersInJsonSayWhereTheyAreFrom) {
    const auto from = [&](std::vector<std::string> words) { return parse_json(site.answer(std::move(words)), "plan").at("from"); };
    EXPECT_EQ(from({"--json", "plan", "base"}), "lock");
    EXPECT_EQ(from({"--json", "plan", "base", "--live"}), "archives");
}

TEST_F(LockedSite, WhyTakesTheArchivesOfTheLock) {
    EXPECT_EQ(site.answer({"--offline", "why", "base", "libssl3"}),
              "'openssh-server' 1 is asked for\n'openssh-server' has 'Depends: libssl3': 'libssl3' 3.0\n");
    EXPECT_EQ(site.answer({"why", "--live", "base", "libssl4"}),
              "'openssh-server' 2 is asked for\n'openssh-server' has 'Depends: libssl4': 'libssl4' 4.0\n");
}

TEST_F(LockedSite, TheLockIsNamed) {
    EXPECT_EQ(site.run({"--progress", "plain", "plan", "base"}).errors, "inputs from recipes/trains/R0.lock\n");
}

// What a recipe asks for after it was locked would silently be missing from the image.
TEST_F(LockedSite, ARecipeThatChangedSinceIsRefused) {
    site.role("base", "kind = \"node\"\nsummary = \"The base\"\npackages = [\"openssh-server=2\", \"curl\"]\nexclude = [\"libssl3\"]\n"
                      "initrd = \"initrd\"\n\n[kernel]\npackage = \"linux\"\n");
    (void)site.answer({"key", "new"});
    site.package("openssh-server", "1", "Depends: libssl3\n");
    const std::string changed = "ashlar: recipes/roles/base.toml:3:13: the lock of train 'R0' has 'openssh-server' 1\n"
                                "  3 | packages = [\"openssh-server=2\", \"curl\"]\n"
                                "    |             ^~~~~~~~~~~~~~~~~~\n"
                                "lock again with `ashlar lock R0`, or take --live\n"
                                "\n"
                                "recipes/roles/base.toml:3:33: 'curl' is not in the lock of train 'R0'\n"
                                "  3 | packages = [\"openssh-server=2\", \"curl\"]\n"
                                "    |                                 ^~~~~~\n"
                                "lock again with `ashlar lock R0`, or take --live\n"
                                "\n"
                                "recipes/roles/base.toml:4:12: 'libssl3' is in the lock of train 'R0'\n"
                                "  4 | exclude = [\"libssl3\"]\n"
                                "    |            ^~~~~~~~~\n"
                                "lock again with `ashlar lock R0`, or take --live\n";
    EXPECT_EQ(site.refusal({"build", "base"}, 3), changed);
    EXPECT_EQ(site.refusal({"plan", "base"}, 3), changed);
    EXPECT_EQ(site.refusal({"why", "base", "curl"}, 3), changed);
}

TEST_F(LockedSite, APackageAskedForByWhatItProvidesIsInTheLock) {
    site.package("openssh-server", "1", "Provides: ssh-server\nDepends: libssl3\n");
    site.role("base", "kind = \"node\"\nsummary = \"The base\"\npackages = [\"ssh-server\"]\ninitrd = \"initrd\"\n\n"
                      "[kernel]\npackage = \"linux\"\n");
    (void)site.answer({"lock"});
    (void)site.answer({"plan", "base"});
}

TEST(Inputs, AConfigurationThatIsNamedIsThere) {
    Site site;
    site.remove("ashlar.toml");
    EXPECT_EQ(site.refusal({"plan", "base"}, 3), "ashlar: cannot read 'ashlar.toml': there is no such file\n  hint: ASHLAR_CONFIG names it\n");
}

TEST(Inputs, LockedWantsALock) {
    const Site site;
    EXPECT_EQ(site.refusal({"plan", "--locked", "base"}, 3), "ashlar: cannot plan from 'recipes/trains/R0.lock': it is not there\n"
                                                             "  hint: make it with `ashlar lock R0`\n");
}

TEST_F(LockedSite, TheToolsDoNotNeedWhatIsCompiledForTheImages) {
    std::string lock = read_file(site.path() / "recipes/trains/R0.lock");
    const std::string none = "\"outputs\": {}";
    ASSERT_NE(lock.find(none), lock.npos);
    lock.replace(lock.find(none), none.size(), "\"outputs\": {\n    \"ashlard\": \"sha256:" + std::string(64, 'a') + "\"\n  }");
    site.write("recipes/trains/R0.lock", lock);
    EXPECT_NE(site.answer({"--offline", "store", "tools"}), "");
}
