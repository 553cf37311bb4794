// Who may sign what, as a release manager meets it whose root key is not on this machine.

#include "site.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::command;
using testing::HasSubstr;

namespace {

class KeyCommand : public testing::Test {
protected:
    KeyCommand() {
        (void)site.answer({"key", "new"});
        fs::create_directory(site.path() / "away");
        fs::rename(site.path() / "keys/trust/root-1.key", site.path() / "away/root-1.key");
    }
    [[nodiscard]] std::string sign_away(const std::string& key) const { return site.answer({"sign", "releases/desk/requests", "--key", "away/" + key, "--yes"}); }

    Site site;
};

} // namespace

TEST_F(KeyCommand, ACeremonyWaitsForAKeyThatIsElsewhereAndGoesOn) {
    EXPECT_EQ(site.answer({"key", "ceremony"}, 1), "to be signed: root, targets\nwanted    root 1, by the key root-1\n"
                                                   "`ashlar sign releases/desk/requests --key …` where the keys are, then `ashlar release attach`\n");
    EXPECT_THAT(sign_away("root-1.key"), HasSubstr("\n1 signed\n"));
    EXPECT_EQ(site.answer({"release", "attach"}), "published root 1\npublished targets 1\npublished snapshot 1\npublished timestamp 1\n");
    EXPECT_EQ(site.answer({"key", "ceremony"}), "all is as trust.toml says\n");
}

TEST_F(KeyCommand, AListSaysForHowLongTheyAreGood) {
    const std::string list = site.answer({"key", "list"});
    EXPECT_THAT(list, HasSubstr("timestamp        1 of 1, signs for 1 day\n"));
    EXPECT_THAT(list, HasSubstr("  root-1                 ed25519              private key elsewhere\n"));
}

TEST_F(KeyCommand, ARotatedRootIsSignedByTheOldKeyAndTheNewOne) {
    (void)site.answer({"key", "ceremony"}, 1);
    (void)sign_away("root-1.key");
    (void)site.answer({"release", "attach"});
    EXPECT_EQ(site.answer({"key", "rotate", "root"}), "keys/trust/root-2.key, .pub\n`ashlar key ceremony` puts them into force\n");
    EXPECT_THAT(site.answer({"key", "ceremony"}, 1), HasSubstr("\nwanted    root 2, by the key "));
    (void)sign_away("root-1.key");
    EXPECT_THAT(site.answer({"release", "attach"}), HasSubstr("published root 2\n"));
    EXPECT_THAT(site.refusal({"key", "rotate", "root", "root-7"}, 3), HasSubstr("cannot replace the key 'root-7': the role 'root' has root-2"));
}
