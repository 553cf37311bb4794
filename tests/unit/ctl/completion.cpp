// Completion as bash does it, from the file that the package has.

#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>

#include <algorithm>

using namespace ashlar;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

namespace {

// What bash offers for the last word of the line.
std::vector<std::string> after(const std::string& line, const std::filesystem::path& directory = "/") {
    const std::string script = "source " ASHLARCTL_COMPLETION "\nCOMP_WORDS=(" + line +
                               ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_ashlarctl\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
    const std::string text = run_checked({.argv = {"bash", "-c", script}, .directory = directory});
    std::vector<std::string> words;
    for (const auto word : split(trim(text), '\n')) words.emplace_back(word);
    std::ranges::sort(words);
    return words;
}

TEST(Completion, IsWhatTheProgramPrints) { EXPECT_EQ(read_file(ASHLARCTL_COMPLETION), run_checked({.argv = {ASHLARCTL, "completion", "bash"}})); }

TEST(Completion, OfCommandsAndTheirOptions) {
    EXPECT_THAT(after("ashlarctl sta"), ElementsAre("status"));
    EXPECT_THAT(after("ashlarctl factory-reset --y"), ElementsAre("--yes"));
    EXPECT_THAT(after("ashlarctl upgrade --js"), ElementsAre("--json"));
    EXPECT_THAT(after("ashlarctl status --"), Not(Contains("--yes")));
    EXPECT_THAT(after("ashlarctl completion z"), ElementsAre("zsh"));
}

// A node's name is typed: nobody resets one by a key too many.
TEST(Completion, OffersNoNode) { EXPECT_THAT(after("ashlarctl factory-reset --yes ''"), ElementsAre("")); }

TEST(Completion, OfSourcesIsFiles) {
    const TemporaryDirectory directory{testing::TempDir()};
    write_file(directory.path() / "release-medium", "");
    EXPECT_THAT(after("ashlarctl upgrade rel", directory.path()), ElementsAre("release-medium"));
    EXPECT_THAT(after("ashlarctl --socket rel", directory.path()), ElementsAre("release-medium"));
}

TEST(Completion, KnowsNothingOfRecipes) {
    EXPECT_THAT(read_file(ASHLARCTL_COMPLETION), Not(testing::HasSubstr("_named")));
    EXPECT_THAT(run_checked({.argv = {ASHLARCTL, "completion", "fish"}}), testing::HasSubstr("complete -c ashlarctl -n '__fish_use_subcommand' -a factory-reset"));
}

} // namespace
