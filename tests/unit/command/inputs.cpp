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

TEST(Inputs, LockedWantsALock) {
    const Site site;
    EXPECT_EQ(site.refusal({"plan", "--locked", "base"}, 3), "ashlar: cannot plan from 'recipes/trains/R0.lock': it is not there\n"
                                                             "  hint: make it with `ashlar lock R0`\n");
}
