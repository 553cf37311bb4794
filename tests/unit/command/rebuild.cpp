// Rebuilding and confirming as their users meet them; the build itself is tests/repro/run.

#include "site.hpp"

#include <confirmation/confirmation.hpp>
#include <requests/request.hpp>
#include <signing/key.hpp>
#include <signing/message_key.hpp>

#include <handmade_repository.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::command;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

Time an_hour_ago() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) - std::chrono::hours(1); }

class RebuildCommand : public testing::Test {
protected:
    RebuildCommand() { repository.publish({}); }
    [[nodiscard]] std::string refused(std::vector<std::string> words, int exit_code = 3) const {
        words.insert(words.begin(), {"rebuild", "R1.0", "--repository", "repository"});
        return site.refusal(std::move(words), exit_code);
    }
    static constexpr const char* root = "repository/metadata/1.root.json";

    Site site;
    HandmadeRepository repository{site.path() / "repository", an_hour_ago()};
};

// With keys of its own, and a release that nobody has cut.
class ConfirmCommand : public testing::Test {
protected:
    ConfirmCommand() {
        (void)site.answer({"key", "new"});
        (void)site.answer({"key", "new", "train-R1"});
        (void)site.answer({"key", "ceremony"});
    }
    [[nodiscard]] static confirmation::Confirmation said(const VerifyingKey& key) {
        return {.release = parse_release_version("R1.0").value(),
                .document = sha256("release.json"),
                .images = {{.role = "base", .architecture = "amd64", .root_hash = sha256("root"), .uki = sha256("uki")}},
                .ashlar = "0.1.0",
                .issued = an_hour_ago(),
                .key = key};
    }
    Site site;
};

} // namespace

TEST_F(RebuildCommand, WantsARootThatIsTrusted) {
    EXPECT_EQ(refused({}), "ashlar: cannot rebuild R1.0: no root is trusted\n  hint: give the one that you were handed: --root FILE; a mirror of yours keeps the one that it trusts in trusted/root.json\n");
    site.write("repository/trusted/root.json", read_file(site.path() / root));
    EXPECT_THAT(refused({}), HasSubstr("no root is trusted")) << "a copy does not vouch for itself";
    EXPECT_EQ(refused({"--root", "elsewhere.json"}), "ashlar: cannot open 'elsewhere.json': No such file or directory\n");
    EXPECT_EQ(refused({"--root", root}), "ashlar: cannot rebuild R1.0: 'repository' has no such release\n"
                                         "  hint: `ashlar release list` shows what there is where it was cut; is the copy of the repository old?\n");
    EXPECT_EQ(site.refusal({"rebuild", "base", "--root", root}, 3), "ashlar: cannot find release 'base': it is not the name of one\n  hint: write a train, a dot and a number: R1.0\n");
}

TEST_F(RebuildCommand, LooksAtTheKeyBeforeAnythingElse) {
    PrivateKey::generate(RsaBits::rsa2048).save_new(site.path() / "rsa.key");
    SigningKey::generate(SignatureScheme::ed25519).save_new(site.path() / "mine.key", std::nullopt);
    EXPECT_EQ(refused({"--key", "rsa.key"}), "ashlar: cannot confirm a release by the key 'rsa.key': it is an RSA key\n"
                                             "  hint: name an Ed25519, P-256 or P-384 key: `openssl genpkey -algorithm ed25519 -aes256 -out rebuilder.key`\n");
    EXPECT_EQ(refused({"--key", "mine.key", "--role", "base"}), "ashlar: cannot confirm R1.0: --role leaves images out\n  hint: a confirmation is of the whole release: without --role, or without a key\n");
    EXPECT_EQ(refused({"--key", "mine.key", "--request", "mine.pub"}, 2), "ashlar: cannot use '--key' together with '--request'\n  hint: take one of them\n");
    EXPECT_EQ(refused({"--request", "mine.pub"}), "ashlar: cannot read 'mine.pub': it is not there\n  hint: `openssl pkey -in KEY -pubout` writes the public half of a key\n");
}

TEST_F(ConfirmCommand, TakesInKeysOfOthers) {
    const SigningKey acme = SigningKey::generate(SignatureScheme::ed25519);
    site.write("acme.pub", acme.verifying_key().pem());
    EXPECT_EQ(site.answer({"key", "new", "rebuilders", "--public", "acme.pub"}), "keys/trust/acme.pub\nthey count from now on; how many of them have to confirm a release is the threshold in trust.toml\n");
    EXPECT_THAT(site.answer({"key", "list"}), HasSubstr("rebuilders       1 of 1\n  acme                   ed25519              private key elsewhere\n"));
    EXPECT_EQ(site.answer({"key", "ceremony"}), "all is as trust.toml says\n") << "metadata does not know them";
    EXPECT_THAT(site.refusal({"key", "new", "--public", "acme.pub"}, 2), HasSubstr("--public"));
}

TEST_F(ConfirmCommand, RefusesWhatIsNotConfirmed) {
    const SigningKey acme = SigningKey::generate(SignatureScheme::ed25519);
    const auto word = said(acme.verifying_key());
    site.write("c.json", confirmation::text_of(word, acme.sign(bytes_of(confirmation::message_of(word)))));
    EXPECT_EQ(site.refusal({"release", "confirm", "c.json"}, 3), "ashlar: cannot find the role 'rebuilders' in 'keys/trust/trust.toml'\n  hint: `ashlar key new rebuilders` makes it\n");
    site.write("acme.pub", acme.verifying_key().pem());
    (void)site.answer({"key", "new", "rebuilders", "--public", "acme.pub"});
    EXPECT_EQ(site.refusal({"release", "confirm", "c.json"}, 3), "ashlar: cannot find release R1.0\n  hint: `ashlar release list` shows what there is\n");
    site.write("d.json", confirmation::text_of(word, Bytes(64)));
    EXPECT_EQ(site.refusal({"release", "confirm", "d.json"}, 3), "ashlar: cannot use the confirmation 'd.json': its signature is not right\n  hint: ask whoever built the release again for another one\n");
}

// The way of a key that is elsewhere.
TEST_F(ConfirmCommand, TakesARequestWithItsAnswer) {
    const SigningKey acme = SigningKey::generate(SignatureScheme::ed25519);
    acme.save_new(site.path() / "acme.key", std::nullopt);
    site.write("acme.pub", acme.verifying_key().pem());
    (void)site.answer({"key", "new", "rebuilders", "--public", "acme.pub"});
    const std::string message = confirmation::message_of(said(acme.verifying_key()));
    const ByteView bytes = bytes_of(message);
    site.write("R1.0.confirmation.request.json",
               requests::text_of(requests::make_request(requests::Kind::confirmation, "release R1.0 was built again", acme.verifying_key(), "rebuilder", {bytes.begin(), bytes.end()})));
    EXPECT_EQ(site.refusal({"release", "confirm", "R1.0.confirmation.request.json"}, 3), "ashlar: cannot open 'R1.0.confirmation.answer.json': No such file or directory\n");
    EXPECT_THAT(site.answer({"sign", "R1.0.confirmation.request.json", "--key", "acme.key", "--yes"}), HasSubstr("  | release R1.0 was built again and is the same bytes, says ashlar 0.1.0, "));
    EXPECT_EQ(site.refusal({"release", "confirm", "R1.0.confirmation.request.json"}, 3), "ashlar: cannot find release R1.0\n  hint: `ashlar release list` shows what there is\n") << "it is read, and right";
}
