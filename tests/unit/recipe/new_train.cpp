#include <recipe/new_train.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <gtest/gtest.h>

using namespace ashlar;

namespace {

constexpr const char* old_train = R"(#:schema ../schema/train.schema.json
# R0: Debian 13 "trixie".

summary = "Débian 13, the first train"
release = "R0.7" # counted by hand
# Where nodes come from.
previous = [
  "R0.5",
  "R0.6", # the last good one
]
floors = ["R0.4"]
architecture = "amd64"
roles = ["base", "control"]
tools = "tools"
build = "build"

[support]
from = "2026-01-01"
until = "2026-12-31"

# The archive.
[[archive]]
name = "local"
folder = "packages"

[[archive]]
name = "debian"
suites = ["trixie", "trixie-updates"] # more to come
components = ["main"]
keys = ["a.asc"]

# Known since R0.2.
[[accept]]
rule = "set-id"
subject = "/usr/bin/x"
reason = "needed"

[[accept]]
rule = "listener"
subject = "x.socket"
reason = "needed"

# Control first.
[[wave]]
roles = ["control"]

[[wave]]
roles = ["base"]
)";

constexpr const char* new_train = R"(#:schema ../schema/train.schema.json
# R1: Debian 13 "trixie".

summary = "Débian 13, the first train"
release = "R1.0" # counted by hand
# Where nodes come from.
previous = ["R0"]
floors = ["R0.4"]
architecture = "amd64"
roles = ["base", "control"]
tools = "tools"
build = "build"

# The archive.
[[archive]]
name = "local"
folder = "packages"

[[archive]]
name = "debian"
suites = ["trixie", "trixie-updates", "trixie-backports"] # more to come
components = ["main"]
keys = ["a.asc"]

# Control first.
[[wave]]
roles = ["control"]

[[wave]]
roles = ["base"]
)";

std::string made(const std::string& text, std::string_view from, std::string_view name, const std::vector<std::string>& suites = {}) {
    try {
        return recipe::new_train_text(toml::source_from_text("recipes/trains/R0.toml", text), from, name, suites);
    } catch (const Error& error) {
        return error.render();
    }
}

} // namespace

TEST(NewTrain, IsTheOldOnesTextWithWhatChanges) { EXPECT_EQ(made(old_train, "R0", "R1", {"trixie-backports"}), new_train); }

TEST(NewTrain, OfANewTrainIsTheSameButForItsName) {
    std::string expected = new_train;
    for (const auto& [old_text, new_text] : {std::pair<std::string, std::string>{"# R1:", "# R2:"}, {"R1.0", "R2.0"}, {"\"R0\"", "\"R1\""}})
        expected.replace(expected.find(old_text), old_text.size(), new_text);
    EXPECT_EQ(made(new_train, "R1", "R2"), expected);
}

TEST(NewTrain, OfTheShippedOneLoads) {
    const std::string text = made(read_file(ASHLAR_SOURCE_DIR "/recipes/trains/R0.toml"), "R0", "R1", {"trixie-backports"});
    EXPECT_NE(text.find("release = \"R1.0\"\nprevious = [\"R0\"]\n"), text.npos) << text;
    EXPECT_NE(text.find("suites = [\"trixie\", \"trixie-updates\", \"trixie-backports\"]\n"), text.npos) << text;
    EXPECT_TRUE(text.starts_with("#:schema ../schema/train.schema.json\n# R1: Debian 13 ")) << text;
}

// Lists of inline tables, over one line or several, are tables as well.
TEST(NewTrain, DropsWhatIsWrittenInline) {
    const std::string head = "summary = \"x\"\nrelease = \"R0.1\"\narchitecture = \"amd64\"\nroles = [\"base\"]\ntools = \"tools\"\nbuild = \"build\"\n";
    const std::string archive = "archive = [{ name = \"debian\", suites = [\n  \"sid\",\n], components = [\"main\"], keys = [\"a.asc\"] }]\n";
    const std::string accept = "accept = [\n  { rule = \"set-id\", subject = \"x\", reason = \"y\" },\n]\nsupport = { from = \"2026-01-01\", until = \"2026-12-31\" }\n";
    EXPECT_EQ(made(head + accept + archive, "R0", "R1", {"experimental"}),
              "summary = \"x\"\nrelease = \"R1.0\"\nprevious = [\"R0\"]\narchitecture = \"amd64\"\nroles = [\"base\"]\ntools = \"tools\"\nbuild = \"build\"\n"
              "archive = [{ name = \"debian\", suites = [\n  \"sid\", \"experimental\",\n], components = [\"main\"], keys = [\"a.asc\"] }]\n");
}

TEST(NewTrain, HasANewerName) {
    EXPECT_EQ(made(old_train, "R0", "r1"), "cannot make train 'r1': that is no train's name\n  hint: write an upper-case letter and a number, such as R1");
    EXPECT_EQ(made(old_train, "R0", "R0"), "cannot make train 'R0': it is not newer than 'R0'\n"
                                           "  hint: nodes go from an older train to a newer one: give it a higher number");
    EXPECT_EQ(made(new_train, "R1", "R0"), "cannot make train 'R0': it is not newer than 'R1'\n"
                                           "  hint: nodes go from an older train to a newer one: give it a higher number");
}

TEST(NewTrain, HasEachSuiteOnce) {
    EXPECT_EQ(made(old_train, "R0", "R1", {"trixie"}), "cannot add suite 'trixie': archive 'debian' of train 'R0' has it already\n  hint: leave out --suite");
    EXPECT_EQ(made(old_train, "R0", "R1", {"sid", "sid"}), "recipes/trains/R1.toml:21:46: suite 'sid' is given twice\n"
                                                           "  21 | suites = [\"trixie\", \"trixie-updates\", \"sid\", \"sid\"] # more to come\n"
                                                           "     |                                              ^~~~~\n"
                                                           "recipes/trains/R1.toml:21:39: first given here\n"
                                                           "  21 | suites = [\"trixie\", \"trixie-updates\", \"sid\", \"sid\"] # more to come\n"
                                                           "     |                                       ^~~~~");
}

TEST(NewTrain, OfAFolderAloneHasNoPlaceForASuite) {
    const std::string text = "summary = \"x\"\nrelease = \"R0.1\"\narchitecture = \"amd64\"\nroles = [\"base\"]\ntools = \"tools\"\nbuild = \"build\"\n"
                             "[[archive]]\nname = \"local\"\nfolder = \"packages\"\n";
    EXPECT_EQ(made(text, "R0", "R1", {"sid"}), "cannot add suite 'sid': train 'R0' has no archive of a network\n"
                                               "  hint: add an [[archive]] with suites, components and keys by hand");
}
