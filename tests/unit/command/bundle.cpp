// Bundles as users meet them.

#include "site.hpp"

#include <handmade_repository.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::command;
using testing::HasSubstr;

namespace {

// The commands look at the clock.
Time an_hour_ago() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) - std::chrono::hours(1); }

class BundleCommand : public testing::Test {
protected:
    BundleCommand() { repository.publish(repository.add_release("R1.0", {{"a", std::string(3000, 'a')}, {"b", "b"}})); }
    [[nodiscard]] std::string root() const { return "repository/metadata/1.root.json"; }
    void pack() const { (void)site.answer({"bundle", "export", "R1", "--repository", "repository", "--to", "r1.bundle"}); }

    Site site;
    HandmadeRepository repository{site.path() / "repository", an_hour_ago()};
};

} // namespace

TEST_F(BundleCommand, OutAndIn) {
    EXPECT_THAT(site.answer({"bundle", "export", "R1", "--repository", "repository", "--to", "r1.bundle"}), testing::StartsWith("r1.bundle\ntrain R1, serial 1: 3 targets, "));
    EXPECT_THAT(site.answer({"bundle", "show", "r1.bundle"}),
                testing::AllOf(HasSubstr("bundle       R1.0, "), HasSubstr("R1.0         supported until 2028-06-30, from R0\n  base       amd64, 2 files, "),
                               HasSubstr("\nby its own word: no root was given that is trusted; targets were not read\n")));
    EXPECT_THAT(site.answer({"bundle", "verify", "r1.bundle", "--root", root()}), HasSubstr("\nall of it is what its holders have signed\n"));
    EXPECT_THAT(site.answer({"bundle", "import", "r1.bundle", "--mirror", "mirror", "--root", root()}), HasSubstr("\nmirror: ready to be served\n"));
    EXPECT_EQ(site.answer({"bundle", "import", "r1.bundle", "--mirror", "mirror"}), "mirror: serial 1 of train R1 is there already\n");
    EXPECT_THAT(site.answer({"bundle", "show", "r1.bundle", "--mirror", "mirror"}), HasSubstr("\ntargets were not read\n"));
}

TEST_F(BundleCommand, InPieces) {
    EXPECT_THAT(site.answer({"bundle", "export", "R1", "--repository", "repository", "--to", "r1.bundle", "--split", "8 KiB"}), HasSubstr("r1.bundle.001\nr1.bundle.002\n"));
    EXPECT_THAT(site.answer({"bundle", "verify", "r1.bundle.001", "--root", root()}), HasSubstr("all of it"));
    EXPECT_EQ(site.refusal({"bundle", "export", "R1", "--repository", "repository", "--to", "x", "--split", "8"}, 2),
              "ashlar: cannot use '--split': '8' is no size: write a whole number and KiB, MiB, GiB or TiB, such as \"96 MiB\"\n  hint: see `ashlar bundle export --help`\n");
}

TEST_F(BundleCommand, ThroughAPipe) {
    const std::string script = std::string(ASHLAR_PROGRAM) + " --progress quiet bundle export R1 --repository repository --to - | " + ASHLAR_PROGRAM +
                               " --progress quiet bundle import - --mirror mirror --root " + root();
    EXPECT_THAT(run_checked({.argv = {"bash", "-o", "pipefail", "-c", script}, .directory = site.path()}), HasSubstr("ready to be served"));
}

TEST_F(BundleCommand, AsJson) {
    pack();
    const Json shown = Json::parse(site.answer({"--json", "bundle", "show", "r1.bundle"}));
    EXPECT_EQ(shown.at("root"), "its own");
    EXPECT_EQ(shown.at("serial"), 1);
    EXPECT_EQ(shown.at("targets").size(), 3U);
    EXPECT_EQ(shown.at("releases")[0].at("release"), "R1.0");
    const Json imported = Json::parse(site.answer({"--json", "bundle", "import", "r1.bundle", "--mirror", "mirror", "--root", root()}));
    EXPECT_EQ(imported.at("changed"), true);
    EXPECT_EQ(imported.at("arrived").at("targets"), 3);
}

TEST_F(BundleCommand, Refusals) {
    pack();
    EXPECT_EQ(site.refusal({"bundle", "verify", "r1.bundle"}, 3),
              "ashlar: cannot verify 'r1.bundle': no root is trusted\n  hint: give the one that you were handed: --root FILE, or the mirror that has one: --mirror DIR\n");
    EXPECT_EQ(site.refusal({"bundle", "import", "r1.bundle"}, 2), "ashlar: cannot run 'ashlar bundle import': --mirror is missing\n  hint: see `ashlar bundle import --help`\n");
    EXPECT_EQ(site.refusal({"bundle", "verify", "nothing", "--root", root()}, 3), "ashlar: cannot open 'nothing': No such file or directory\n");
    site.write("r2.bundle", read_file(site.path() / "r1.bundle").substr(0, 700));
    EXPECT_EQ(site.refusal({"bundle", "verify", "r2.bundle", "--root", root()}, 3),
              "ashlar: cannot read 'r2.bundle': byte 700, entry 'README.md': the bundle ends there\n  while verifying 'r2.bundle'\n"
              "  hint: it is damaged or not whole: copy it again, or ask for another\n");
}
