// What is wrong with a command line is said as everything else is: exit code 2, the cause, what to do.

#include "site.hpp"

using namespace ashlar;
using namespace ashlar::command;

namespace {

std::string refused(std::vector<std::string> words) {
    static const Site site;
    const Outcome outcome = site.run(std::move(words));
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.output, "");
    return outcome.errors;
}

} // namespace

TEST(CommandLine, AValueGivenTwice) {
    EXPECT_EQ(refused({"--progress", "quiet", "plan", "base", "--progress", "plain"}),
              "ashlar: cannot use '--progress': it is given 2 times\n  hint: give it once\n");
    EXPECT_EQ(refused({"boot", "--memory", "1", "--memory", "2", "base"}),
              "ashlar: cannot use '--memory': it is given 2 times\n  hint: give it once\n");
}

TEST(CommandLine, AMirrorGivenTwiceIsAnotherMirrorAndLeavesTheRolesAlone) {
    const Site site;
    EXPECT_NE(site.answer({"plan", "--mirror", "http://a.example", "--mirror", "http://b.example", "base"}), "");
}

TEST(CommandLine, AWrongWord) {
    EXPECT_EQ(refused({"--progress", "fast", "plan", "base"}),
              "ashlar: cannot use '--progress': 'fast' is not one of auto, json, plain, quiet, terminal\n"
              "  hint: see `ashlar plan --help`\n");
}

TEST(CommandLine, AWrongNumber) {
    EXPECT_EQ(refused({"boot", "--cpus", "two", "base"}), "ashlar: cannot use '--cpus': 'two' is not what it takes\n"
                                                          "  hint: see `ashlar boot --help`\n");
}

TEST(CommandLine, AMissingValue) {
    EXPECT_EQ(refused({"plan", "base", "--train"}), "ashlar: cannot use '--train': its value is missing\n"
                                                    "  hint: see `ashlar plan --help`\n");
}

TEST(CommandLine, AMissingArgument) {
    EXPECT_EQ(refused({"why", "base"}), "ashlar: cannot run 'ashlar why': PACKAGE is missing\n  hint: see `ashlar why --help`\n");
}

TEST(CommandLine, AMissingCommand) {
    EXPECT_EQ(refused({"key"}), "ashlar: cannot run 'ashlar key': one of new, rotate, list, ceremony, variables is missing\n"
                                "  hint: see `ashlar key --help`\n");
    EXPECT_EQ(refused({}).substr(0, 6), "Builds");
}

TEST(CommandLine, AnUnknownCommand) {
    EXPECT_EQ(refused({"plna", "base"}), "ashlar: cannot run 'ashlar plna': there is no such command\n"
                                         "  hint: did you mean 'plan'?\n");
    EXPECT_EQ(refused({"store", "verfiy"}), "ashlar: cannot run 'ashlar store verfiy': there is no such command\n"
                                           "  hint: did you mean 'verify'?\n");
}

TEST(CommandLine, AnUnknownOption) {
    EXPECT_EQ(refused({"plan", "--lvie", "base"}), "ashlar: cannot run 'ashlar plan': it has no option '--lvie'\n"
                                                   "  hint: did you mean '--live'?\n");
}

TEST(CommandLine, AnArgumentTooMany) {
    EXPECT_EQ(refused({"why", "base", "ssh", "please"}), "ashlar: cannot run 'ashlar why': 'please' is one argument too many\n"
                                                         "  hint: see `ashlar why --help`\n");
}

TEST(CommandLine, OptionsThatExcludeEachOther) {
    EXPECT_EQ(refused({"plan", "--live", "--locked", "base"}), "ashlar: cannot use '--locked' together with '--live'\n"
                                                               "  hint: take one of them\n");
    EXPECT_EQ(refused({"sign", "requests", "--list", "--yes"}), "ashlar: cannot use '--yes' together with '--list'\n"
                                                                "  hint: take one of them\n");
}
