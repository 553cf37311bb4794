#include "signature.hpp"
#include "armour.hpp"

#include <base/error.hpp>
#include <base/process.hpp>

#include "toy_archive.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::fetch;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

const std::string primary = "B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8",
                  subkey = "4CB50190207B4758A3F73A796ED0E7B82643E131";

std::string good(const std::string& hash = "8") {
    return "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 6ED0E7B82643E131 Some Name (with words)\n[GNUPG:] VALIDSIG " + subkey +
           " 2026-11-21 1795252580 0 4 0 1 " + hash + " 01 " + primary + "\n";
}

std::string refusal(const std::string& text) {
    try {
        (void)binary_certificates(text, "key.asc");
        return "accepted";
    } catch (const Error& error) {
        return error.message();
    }
}

} // namespace

TEST(GpgvStatus, NamesThePrimaryKeysOfGoodSignatures) {
    const Verdicts verdicts = parse_status("gpgv: noise\n" + good() + good());
    EXPECT_THAT(verdicts.good, ElementsAre(primary));
    EXPECT_THAT(verdicts.faults, IsEmpty());
    EXPECT_FALSE(verdicts.forged);
}

TEST(GpgvStatus, DoesNotTakeAWeakHash) {
    for (const char* weak : {"1", "2", "3"}) {
        const Verdicts verdicts = parse_status(good(weak));
        EXPECT_THAT(verdicts.good, IsEmpty());
        EXPECT_THAT(verdicts.faults, ElementsAre("the signature by " + subkey + " uses a hash that can be forged"));
    }
}

TEST(GpgvStatus, ValidWithoutGoodIsNothing) {
    // As for a key that has expired or was revoked: gpg checks the signature and then says what is wrong.
    const std::string valid = "[GNUPG:] VALIDSIG " + subkey + " 2026-11-21 1 0 4 0 1 8 01 " + primary + "\n";
    EXPECT_THAT(parse_status("[GNUPG:] NEWSIG\n[GNUPG:] EXPKEYSIG 6ED0E7B82643E131 N\n" + valid).good, IsEmpty());
    EXPECT_THAT(parse_status("[GNUPG:] NEWSIG\n[GNUPG:] REVKEYSIG 6ED0E7B82643E131 N\n" + valid).faults,
                ElementsAre("the key 6ED0E7B82643E131 has been revoked"));
    EXPECT_THAT(parse_status(good() + "[GNUPG:] NEWSIG\n[GNUPG:] EXPSIG 6ED0E7B82643E131 N\n" + valid).good,
                ElementsAre(primary));
}

TEST(GpgvStatus, OneForgedSignatureSpoilsAll) {
    EXPECT_TRUE(parse_status(good() + "[GNUPG:] NEWSIG\n[GNUPG:] BADSIG 78DBA3BC47EF2265 Name\n").forged);
}

TEST(GpgvStatus, TellsAKeyThatIsUnknownFromASignatureThatCannotBeRead) {
    const Verdicts verdicts =
        parse_status("[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG 6ED0E7B82643E131 1 8 01 1795252580 9 " + subkey +
                     "\n[GNUPG:] NO_PUBKEY 6ED0E7B82643E131\n[GNUPG:] NEWSIG\n"
                     "[GNUPG:] ERRSIG 78DBA3BC47EF2265 99 8 01 1795252580 4 -\n");
    EXPECT_THAT(verdicts.unknown, ElementsAre(subkey));
    EXPECT_THAT(verdicts.faults, ElementsAre("the signature by 78DBA3BC47EF2265 cannot be checked"));
}

TEST(GpgvStatus, SurvivesLinesThatEndEarly) {
    EXPECT_THAT(parse_status("[GNUPG:] \n[GNUPG:] VALIDSIG\n[GNUPG:] GOODSIG\n[GNUPG:] ERRSIG\n").good, IsEmpty());
}

TEST(Armour, GivesTheBytesThatGpgGives) {
    const auto armoured = read_file(test::archive_key().certificate());
    const std::string dearmoured = run_checked({.argv = {"gpg", "--batch", "--dearmor"}, .input = armoured});
    EXPECT_EQ(binary_certificates(armoured, "x"), dearmoured);
    EXPECT_EQ(binary_certificates(dearmoured, "x"), dearmoured);
    EXPECT_EQ(binary_certificates("words before\n" + armoured + "\n" + armoured, "x"), dearmoured + dearmoured);
}

TEST(Armour, RefusesWhatIsDamaged) {
    const std::string begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", end = "-----END PGP PUBLIC KEY BLOCK-----\n";
    EXPECT_EQ(refusal(""), "cannot read the key 'key.asc': it is no OpenPGP certificate");
    EXPECT_EQ(refusal("some text"), "cannot read the key 'key.asc': it is no OpenPGP certificate");
    EXPECT_EQ(refusal(begin + "\nmDMEZ+Gq\n"), "cannot read the key 'key.asc': the key block has no end");
    EXPECT_EQ(refusal(begin + "\nmDME!+Gq\n" + end), "cannot read the key 'key.asc': the key block is damaged");
    EXPECT_EQ(refusal(begin + "\nmDMEZ+G\n" + end), "cannot read the key 'key.asc': the key block is damaged");
    EXPECT_EQ(refusal(begin + "\nmD==EZ+G\n" + end), "cannot read the key 'key.asc': the key block is damaged");
    EXPECT_EQ(refusal(begin + "\n" + end), "cannot read the key 'key.asc': the key block is damaged");
    EXPECT_EQ(refusal(begin + "Comment: x\n\nmDMEZ+Gq\n=abcd\n" + end), "accepted");
}

TEST(Signature, GivesOnlyWhatIsSigned) {
    const TemporaryDirectory dir(std::filesystem::temp_directory_path());
    // A line that starts with a dash is escaped in the message and not in the text.
    write_file(dir.path() / "signed", test::archive_key().clear_sign("one\n- two\n-----BEGIN\n"));
    const SignedText text =
        check_signature(dir.path() / "signed", std::vector{test::archive_key().certificate()}, dir.path(), "x");
    EXPECT_EQ(text.text, "one\n- two\n-----BEGIN\n");
    EXPECT_THAT(text.signers, ElementsAre(test::archive_key().fingerprint()));
}
