// `ashlar formation check`: a file by itself, and all of the recipes with the roles that carry them; `ashlar build` says the same
// before it builds.

#include "site.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::command;
using testing::HasSubstr;

namespace {

constexpr const char* hold = "summary = \"Holds\"\nroles = [\"base\"]\nhealthy = \"observation.up\"\n[observe]\nrun = [\"/usr/bin/x\"]\nprints = { up = \"boolean\" }\n";

void carry(Site& site) {
    site.role("base", "kind = \"node\"\nsummary = \"The base\"\npackages = [\"openssh-server\"]\ninitrd = \"initrd\"\nformations = [\"hold\"]\n\n[kernel]\npackage = \"linux\"\n");
}

} // namespace

TEST(FormationCheck, OfAllAndOfOne) {
    Site site;
    site.write("recipes/formations/hold.toml", hold);
    carry(site);
    EXPECT_EQ(site.answer({"formation", "check"}), "hold: Holds; 0 steps\n");
    EXPECT_EQ(site.answer({"formation", "check", "recipes/formations/hold.toml"}), "hold: Holds; 0 steps\n");
    EXPECT_EQ(parse_json(site.answer({"--json", "formation", "check"}), "answer"), Json::parse(R"([{"name": "hold", "summary": "Holds", "roles": ["base"], "requires": [], "steps": []}])"));
}

TEST(FormationCheck, RefusesWhatNoRoleCarriesAndSoDoesABuild) {
    Site site;
    site.write("recipes/formations/hold.toml", hold);
    EXPECT_EQ(site.refusal({"formation", "check"}, 3), "ashlar: recipes/formations/hold.toml:2:10: role 'base' runs 'hold' and does not carry it\n"
                                                       "  2 | roles = [\"base\"]\n    |          ^~~~~~\n"
                                                       "add \"hold\" to 'formations' of the role 'base'\n");
    EXPECT_THAT(site.refusal({"build", "base"}, 3), HasSubstr("role 'base' runs 'hold' and does not carry it"));
}
