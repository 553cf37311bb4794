// Images whose keys are elsewhere, as a release manager and the holder of the keys meet them.

#include "../signing/samples.hpp"
#include "site.hpp"

#include <image/uki.hpp>
#include <requests/image_desk.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::command;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

class ImageKeys : public testing::Test {
protected:
    ImageKeys() {
        (void)site.answer({"key", "new"});
        fs::create_directory(site.path() / "away");
        for (const char* name : {"db.key", "pcr.key"}) fs::rename(site.path() / "keys" / name, site.path() / "away" / name);
        write_file(site.path() / "program", text_of(samples::efi_image()));
        write_file(site.path() / "initrd", "an initrd");
    }
    [[nodiscard]] fs::path at(std::string_view name) const { return site.path() / name; }
    static Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }
    [[nodiscard]] BuildKeys build_keys(PrivateHalves halves = PrivateHalves::may_be_elsewhere) const { return load_build_keys(at("keys"), now(), halves); }

    // What a build makes of this role that needs a signature; true: all of it is there.
    [[nodiscard]] bool build(const ImageSigner& signer, const fs::path& output) const {
        fs::create_directories(output);
        const bool loader = image::sign_program(at("program"), signer, "R1.0: systemd-boot", output / "loader.efi").has_value();
        const bool uki = image::make_uki({.role = "compute", .release = "R1.0", .stub = at("program"), .kernel = at("program"), .kernel_version = "6.12.1", .initrd = at("initrd"),
                                          .os_release = "ID=debian\nIMAGE_VERSION=R1.0\n", .command_line = {"panic=10"}, .root_hash = sha256("root")},
                                         signer, output / "uki.efi")
                             .has_value();
        return loader && uki;
    }
    // A round of a cut. True: it is done.
    [[nodiscard]] bool round() const {
        const requests::ImageDesk desk(at("releases/desk/requests"), build_keys());
        const bool done = build(desk, at("images"));
        desk.remove_others("R1.0");
        return done;
    }
    [[nodiscard]] std::string sign(const char* key, int exit_code = 0) const { return site.answer({"sign", "releases/desk/requests", "--key", std::string("away/") + key, "--yes"}, exit_code); }
    // A cut of that release has locked its inputs.
    void begin_cut() { site.write("releases/cut/R1.0/lock", ""); }

    Site site;
};

} // namespace

TEST_F(ImageKeys, ElsewhereMakeTheSameBytesInTwoRounds) {
    EXPECT_FALSE(round());
    const std::string db = build_keys().db.public_key().fingerprint().hex(), pcr = build_keys().pcr.fingerprint().hex();
    EXPECT_EQ(site.answer({"sign", "--list", "releases/desk/requests"}),
              fmt::format("db (rsa-pkcs1v15-sha256, {})\n  releases/desk/requests/image_R1.0_systemd-boot.request.json: R1.0: systemd-boot\n"
                          "pcr (rsa-pkcs1v15-sha256, {})\n  releases/desk/requests/image_R1.0_compute_PCR-policies.1.request.json and 3 more: R1.0 compute: PCR policies\n",
                          db, pcr));
    EXPECT_THAT(sign("pcr.key"), HasSubstr("\n4 signed\n1 for another key: db "));
    EXPECT_THAT(sign("db.key"), HasSubstr("\n1 signed\n4 for another key: pcr "));
    EXPECT_FALSE(round());
    EXPECT_THAT(sign("db.key"), StartsWith("releases/desk/requests/image_R1.0_compute_UKI.request.json\n  authenticode for the key db (rsa-pkcs1v15-sha256, " + db + "), called \"R1.0 compute: UKI\"\n"));
    EXPECT_TRUE(round());

    for (const char* name : {"db.key", "pcr.key"}) fs::rename(at("away") / name, at("keys") / name);
    ASSERT_TRUE(build(KeysAtHand(build_keys(PrivateHalves::required)), at("at-once")));
    for (const char* name : {"uki.efi", "loader.efi"}) EXPECT_TRUE(read_file(at("images") / name) == read_file(at("at-once") / name)) << name;
}

TEST_F(ImageKeys, OneElsewhereIsAskedForAlone) {
    fs::rename(at("away/pcr.key"), at("keys/pcr.key"));
    EXPECT_FALSE(round());
    EXPECT_THAT(sign("db.key"), HasSubstr("\n2 signed\n"));
    EXPECT_TRUE(round());
}

// One question for the policies of a UKI, of which nobody can read more than digests.
TEST_F(ImageKeys, PoliciesOfAUkiAreOneQuestion) {
    EXPECT_FALSE(round());
    const auto at_terminal = [&](const char* typed) {
        return run({.argv = {"script", "--quiet", "--return", "--command", fmt::format("{} sign releases/desk/requests --key away/pcr.key", ASHLAR_PROGRAM), "/dev/null"},
                    .directory = site.path(),
                    .input = typed});
    };
    const Outcome no = at_terminal("n\n");
    EXPECT_EQ(no.exit_code, 1);
    EXPECT_THAT(no.output, testing::AllOf(HasSubstr("called \"R1.0 compute: PCR policies\"\r\n  | a state of the TPM in which it releases the secrets of a node\r\n  | policy digest: "),
                                          HasSubstr("sign these 4? [y/N] "), HasSubstr("0 signed, 4 declined")));
    const Outcome yes = at_terminal("y\n");
    EXPECT_EQ(yes.exit_code, 0);
    EXPECT_THAT(yes.output, HasSubstr("\r\n4 signed\r\n"));
}

TEST_F(ImageKeys, AttachSaysHowACutGoesOn) {
    EXPECT_FALSE(round());
    begin_cut();
    EXPECT_EQ(site.answer({"release", "attach"}, 1), "R1.0: 0 of 5 signatures of images are there\n`ashlar sign releases/desk/requests --key …` where the keys are, then `ashlar release cut R1.0`\n");
    (void)sign("db.key");
    EXPECT_EQ(parse_json(site.answer({"release", "attach", "--json"}, 1), "answer").at("images"), (Json{{{"release", "R1.0"}, {"requests", 5}, {"answered", 1}}}));
    (void)sign("pcr.key");
    EXPECT_EQ(site.answer({"release", "attach"}), "R1.0: 5 of 5 signatures of images are there\n`ashlar release cut R1.0` goes on with them\n");
}

TEST_F(ImageKeys, RequestsOfACutThatWasGivenUpGo) {
    EXPECT_FALSE(round());
    EXPECT_EQ(site.answer({"release", "attach"}), "");
    EXPECT_TRUE(fs::is_empty(at("releases/desk/requests")));
}

TEST_F(ImageKeys, ABuildSaysWhatToDo) {
    EXPECT_EQ(site.refusal({"build", "base"}, 3), "ashlar: cannot load the key set 'keys': db.key, pcr.key are missing\n  hint: where private keys are elsewhere, "
                                                  "`ashlar build --requests DIR` asks for signatures; --keys names another key set\n");
    site.remove("keys/db.pem");
    EXPECT_THAT(site.refusal({"build", "base", "--requests", "requests"}, 3), StartsWith("ashlar: cannot load the key set 'keys': db.pem is missing\n"));
    EXPECT_FALSE(fs::exists(at("requests")));
}

TEST_F(ImageKeys, ACutRefusesAMissingCertificateBeforeAnythingElse) {
    EXPECT_THAT(site.refusal({"release", "cut", "R0.1"}, 3), testing::Not(HasSubstr("key set")));
    site.remove("keys/db.pem");
    EXPECT_THAT(site.refusal({"release", "cut", "R0.1"}, 3), HasSubstr("; cannot load the key set 'keys': db.pem is missing; "));
    EXPECT_FALSE(fs::exists(at("releases/cut")));
}

TEST_F(ImageKeys, ACeremonySaysWhenNoImageCanBeSigned) {
    EXPECT_THAT(site.run({"--progress", "plain", "key", "ceremony"}).errors, testing::Not(HasSubstr("images:")));
    site.remove("keys/pcr.pem");
    EXPECT_THAT(site.run({"--progress", "plain", "key", "ceremony"}).errors, HasSubstr("images: cannot load the key set 'keys': pcr.pem is missing; "));
}
