// Completion as bash does it, from the script that the program prints.

#include "site.hpp"

#include <base/text.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::command;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

namespace {

class Completion : public testing::Test {
protected:
    Completion() { site.write("completion", site.answer({"completion", "bash"})); }

    // What bash offers for the last word of the line.
    std::vector<std::string> after(const std::string& line) const {
        const std::string script = "source ./completion\n"
                                   "COMP_WORDS=(" + line + ")\n"
                                   "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                                   "_ashlar\n"
                                   "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
        const std::string text = run_checked({.argv = {"bash", "-c", script}, .directory = site.path()});
        std::vector<std::string> words;
        for (const auto word : split(trim(text), '\n')) words.emplace_back(word);
        std::sort(words.begin(), words.end());
        return words;
    }

    Site site;
};

} // namespace

TEST_F(Completion, Commands) {
    EXPECT_THAT(after("ashlar pl"), ElementsAre("plan"));
    EXPECT_THAT(after("ashlar ''"), Contains("--recipes"));
}

TEST_F(Completion, CommandsOfCommands) {
    EXPECT_THAT(after("ashlar key n"), ElementsAre("new"));
    EXPECT_THAT(after("ashlar train n"), ElementsAre("new"));
    EXPECT_THAT(after("ashlar site t"), ElementsAre("ticket"));
    EXPECT_THAT(after("ashlar site new --vo"), ElementsAre("--voters"));
    EXPECT_THAT(after("ashlar --offline store st"), ElementsAre("stats"));
    EXPECT_THAT(after("ashlar key new --org"), ElementsAre("--organisation"));
    EXPECT_THAT(after("ashlar key variables --org"), ElementsAre(""));
}

TEST_F(Completion, GlobalOptionsEverywhere) {
    EXPECT_THAT(after("ashlar key new --off"), ElementsAre("--offline"));
    EXPECT_THAT(after("ashlar plan --l"), ElementsAre("--live", "--locked"));
}

TEST_F(Completion, Roles) {
    EXPECT_THAT(after("ashlar plan b"), ElementsAre("base", "build"));
    EXPECT_THAT(after("ashlar --keys plan build base i"), ElementsAre("initrd"));
    EXPECT_THAT(after("ashlar lock --role b"), ElementsAre("base", "build"));
}

TEST_F(Completion, RolesOfOtherRecipes) {
    site.write("elsewhere/roles/control.toml", "");
    EXPECT_THAT(after("ashlar --recipes elsewhere plan ''"), Contains("control"));
    EXPECT_THAT(after("ashlar --recipes = elsewhere plan ''"), Contains("control"));
    EXPECT_THAT(after("ashlar --recipes elsewhere plan ''"), Not(Contains("base")));
}

TEST_F(Completion, Trains) {
    EXPECT_THAT(after("ashlar lock R"), ElementsAre("R0"));
    EXPECT_THAT(after("ashlar --train R"), ElementsAre("R0"));
}

TEST_F(Completion, WordsOfAnOption) {
    EXPECT_THAT(after("ashlar --progress q"), ElementsAre("quiet"));
    EXPECT_THAT(after("ashlar key variables --vendors o"), ElementsAre("option-roms"));
    EXPECT_THAT(after("ashlar completion f"), ElementsAre("fish"));
}

TEST_F(Completion, FilesAndDirectories) {
    site.write("base.raw", "");
    site.write("requests/a.request.json", "");
    EXPECT_THAT(after("ashlar sign req"), ElementsAre("requests"));
    EXPECT_THAT(after("ashlar sign requests --key base"), ElementsAre("base.raw"));
    EXPECT_THAT(after("ashlar sign --pas"), ElementsAre("--passphrase-file"));
    EXPECT_THAT(after("ashlar inspect base"), ElementsAre("base.raw"));
    EXPECT_THAT(after("ashlar --recipes rec"), ElementsAre("recipes"));
    EXPECT_THAT(after("ashlar --release base"), ElementsAre(""));
}

TEST_F(Completion, FishGetsTheSameAndQuotesWhatItMust) {
    const std::string fish = site.answer({"completion", "fish"});
    for (const std::string line : {
             "complete -c ashlar -n '__fish_use_subcommand' -a key -d 'The keys that sign images and releases'",
             "complete -c ashlar -n '__fish_seen_subcommand_from key; and not __fish_seen_subcommand_from new rotate list ceremony variables' -a new",
             "complete -c ashlar -n '__fish_seen_subcommand_from key; and __fish_seen_subcommand_from new' -l organisation -x",
             "complete -c ashlar -n '__fish_seen_subcommand_from inspect' -F\n",
             "complete -c ashlar -n '__fish_seen_subcommand_from boot' -l serial-log -r -F -d",
             "complete -c ashlar -n '__fish_seen_subcommand_from plan' -a '(__ashlar_named roles)'",
             "complete -c ashlar -l progress -x -a 'auto json plain quiet terminal' -d 'How progress is shown'",
             "-l locked -d 'Take nothing that the train\\'s lock does not name",
         })
        EXPECT_THAT(fish, testing::HasSubstr(line));
}
