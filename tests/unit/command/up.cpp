// `ashlar up` and `ashlar enter`, as far as nothing is started: tests/site has the rest.

#include "site.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::command;

TEST(Up, OptionsOfMachinesAreForMachines) {
    const Site site;
    EXPECT_EQ(site.refusal({"up", "a", "--kvm"}, 2), "ashlar: cannot use '--kvm' without '--qemu'\n  hint: see `ashlar up --help`\n");
    EXPECT_EQ(site.refusal({"up", "a", "--memory", "512"}, 2), "ashlar: cannot use '--memory' without '--qemu'\n  hint: see `ashlar up --help`\n");
    EXPECT_EQ(site.refusal({"up", "a", "--until", "over"}, 2), "ashlar: cannot use '--until': 'over' is not one of formed, interrupted\n  hint: see `ashlar up --help`\n");
    EXPECT_EQ(site.refusal({"up"}, 2), "ashlar: cannot run 'ashlar up': SITE is missing\n  hint: see `ashlar up --help`\n");
    EXPECT_EQ(site.refusal({"up", "a", "--nodes", "0"}, 2), "ashlar: cannot use '--nodes': Value 0 not in range 1 to 250\n  hint: see `ashlar up --help`\n");
}

TEST(Enter, ASiteThatDoesNotRunIsSaidNotTo) {
    const Site site;
    (void)site.answer({"site", "new", "a"});
    EXPECT_EQ(site.refusal({"enter", "a", "n01"}, 3), "ashlar: cannot enter 'n01': site 'a' does not run on this machine\n  hint: start it with `ashlar up`\n");
    EXPECT_EQ(site.refusal({"enter", "a"}, 2), "ashlar: cannot run 'ashlar enter': NODE is missing\n  hint: see `ashlar enter --help`\n");
}
