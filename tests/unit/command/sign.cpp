// Signing requests as their users meet them: keys in files and tokens, with and without a terminal.

#include "site.hpp"

#include <requests/request.hpp>
#include <signing/key.hpp>
#include <signing/message_key.hpp>

#include <gmock/gmock.h>

#include <cstdlib>

using namespace ashlar;
using namespace ashlar::command;
using requests::Holder;
using requests::Kind;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr const char* passphrase = "correct horse";

const SigningKey& train_key() {
    static const SigningKey key = SigningKey::generate(SignatureScheme::ecdsa_p256);
    return key;
}
const SigningKey& root_key() {
    static const SigningKey key = SigningKey::generate(SignatureScheme::ed25519);
    return key;
}
const PrivateKey& pcr_key() {
    static const PrivateKey key = PrivateKey::generate(RsaBits::rsa2048);
    return key;
}

std::string metadata(int version) { return fmt::format(R"({{"_type":"snapshot","expires":"2027-01-01T00:00:00Z","meta":{{"targets.json":{{"version":2}}}},"version":{}}})", version); }

// A directory of requests for three keys.
class Desk : public testing::Test {
protected:
    Desk() {
        train_key().save_new(path() / "train.key", passphrase);
        root_key().save_new(path() / "root.key", std::nullopt);
        pcr_key().save_new(path() / "pcr.key");
        write_file(path() / "passphrase", std::string(passphrase) + "\n", 0600);
        add("train", metadata_request(train_key().verifying_key(), "train-R1", 7));
        add("root", metadata_request(root_key().verifying_key(), "root", 3));
        add("pcr", requests::make_request(Kind::pcr_policy, "phase 'enter-initrd'", pcr_key().public_key(), "pcr", Bytes(32, std::byte{1})));
    }

    static requests::SigningRequest metadata_request(const requests::PublicHalf& key, const char* role, int version) {
        const std::string text = metadata(version);
        const ByteView view = bytes_of(text);
        return requests::make_request(Kind::metadata, fmt::format("snapshot {}", version), key, role, {view.begin(), view.end()});
    }
    void add(const std::string& name, const requests::SigningRequest& request) { site.write("requests/" + name + ".request.json", requests::text_of(request)); }

    // As a job that nobody watches; or at a terminal at which that is typed.
    [[nodiscard]] Outcome sign(std::vector<std::string> words) const {
        words.insert(words.begin(), {"setsid", "--wait", ASHLAR_PROGRAM, "sign", "requests"});
        return start({.argv = std::move(words)});
    }
    [[nodiscard]] Outcome ashlar(std::vector<std::string> words) const {
        words.insert(words.begin(), {"setsid", "--wait", ASHLAR_PROGRAM});
        return start({.argv = std::move(words)});
    }
    [[nodiscard]] Outcome sign_at_terminal(const std::string& words, const std::string& typed) const {
        return start({.argv = {"script", "--quiet", "--return", "--command", fmt::format("{} sign requests {}", ASHLAR_PROGRAM, words), "/dev/null"}, .input = typed});
    }
    [[nodiscard]] bool answered(const std::string& name, const requests::PublicHalf& key) const {
        const fs::path answer = path() / "requests" / (name + ".answer.json");
        if (!fs::exists(answer)) return false;
        (void)requests::check_answer(read_file(answer), read_file(path() / "requests" / (name + ".request.json")), key, name);
        return true;
    }
    [[nodiscard]] const fs::path& path() const { return site.path(); }
    static std::string hex(const requests::PublicHalf& key) { return requests::fingerprint(key).hex(); }

    Site site;

private:
    [[nodiscard]] Outcome start(Command command) const {
        command.environment = {{{"PATH", std::getenv("PATH")}, {"SOFTHSM2_CONF", (path() / "softhsm2.conf").native()}}};
        command.directory = path();
        return run(command);
    }
};

} // namespace

TEST_F(Desk, AnswersWhatIsForItsKeyAndNamesTheRest) {
    const Outcome outcome = sign({"--key", "train.key", "--passphrase-file", "passphrase", "--yes"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_EQ(outcome.output, fmt::format("requests/train.request.json\n"
                                          "  metadata for the key train-R1 (ecdsa-sha2-nistp256, {}), called \"snapshot 7\"\n"
                                          "  | snapshot metadata, version 7, expires 2027-01-01T00:00:00Z\n"
                                          "  | targets.json version 2\n"
                                          "  signed: requests/train.answer.json\n"
                                          "1 signed\n"
                                          "1 for another key: pcr (rsa-pkcs1v15-sha256, {})\n"
                                          "1 for another key: root (ed25519, {})\n",
                                          hex(train_key().verifying_key()), hex(pcr_key().public_key()), hex(root_key().verifying_key())));
    EXPECT_TRUE(answered("train", train_key().verifying_key()));
    EXPECT_FALSE(fs::exists(path() / "requests/root.answer.json"));
}

TEST_F(Desk, SeveralKeysAtOnceAndNothingTwice) {
    EXPECT_EQ(sign({"--key", "root.key", "--key", "pcr.key", "--yes"}).exit_code, 0);
    EXPECT_TRUE(answered("root", root_key().verifying_key()));
    EXPECT_TRUE(answered("pcr", pcr_key().public_key()));
    const Outcome again = sign({"--key", "root.key", "--key", "pcr.key", "--yes"});
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_THAT(again.output, testing::StartsWith("0 signed, 2 signed before\n1 for another key: train-R1 "));
}

TEST_F(Desk, AnAnswerThatIsNotRightIsMadeAgain) {
    site.write("requests/root.answer.json", "nonsense");
    EXPECT_THAT(sign({"--key", "root.key", "--yes"}).output, HasSubstr("1 signed\n"));
    EXPECT_TRUE(answered("root", root_key().verifying_key()));
}

TEST_F(Desk, NothingForAKeyIsAnAnswer) {
    SigningKey::generate(SignatureScheme::ed25519).save_new(path() / "stranger.key", std::nullopt);
    const Outcome outcome = sign({"--key", "stranger.key", "--yes"});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.output, testing::StartsWith("nothing here is for these keys\n1 for another key: pcr "));
}

TEST_F(Desk, ListSaysWhatWaitsForWhichKey) {
    EXPECT_EQ(sign({"--key", "root.key", "--yes"}).exit_code, 0);
    const Outcome outcome = sign({"--list"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.output, fmt::format("pcr (rsa-pkcs1v15-sha256, {})\n  requests/pcr.request.json: phase 'enter-initrd'\n"
                                          "root (ed25519, {})\n  requests/root.request.json: snapshot 3 (answered)\n"
                                          "train-R1 (ecdsa-sha2-nistp256, {})\n  requests/train.request.json: snapshot 7\n",
                                          hex(pcr_key().public_key()), hex(root_key().verifying_key()), hex(train_key().verifying_key())));
}

TEST_F(Desk, JsonForPrograms) {
    const Outcome outcome = sign({"--key", "root.key", "--yes", "--json"});
    EXPECT_EQ(outcome.errors, "");
    const Json entries = parse_json(outcome.output, "answer").at("requests");
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_EQ(entries[1], (Json{{"request", "requests/root.request.json"}, {"answer", "requests/root.answer.json"}, {"fate", "signed"}, {"kind", "metadata"}, {"role", "root"},
                                {"scheme", "ed25519"}, {"key", hex(root_key().verifying_key())}, {"subject", "snapshot 3"},
                                {"says", {"snapshot metadata, version 3, expires 2027-01-01T00:00:00Z", "targets.json version 2"}}}));
    EXPECT_EQ(entries[0].at("fate"), "other-key");
    EXPECT_EQ(parse_json(sign({"--list", "--json"}).output, "answer").at("requests").at(1).at("answered"), true);
}

TEST_F(Desk, WithoutATerminalNobodyIsAsked) {
    const auto refused = [&](std::vector<std::string> words) {
        const Outcome outcome = sign(std::move(words));
        EXPECT_EQ(outcome.exit_code, 3);
        EXPECT_EQ(outcome.output, "");
        return outcome.errors;
    };
    EXPECT_EQ(refused({"--key", "root.key"}), "ashlar: cannot ask before signing: there is no terminal\n  hint: --yes signs everything that these keys can answer\n");
    EXPECT_EQ(refused({"--key", "train.key", "--yes"}), "ashlar: cannot ask for the passphrase of 'train.key': there is no terminal\n  hint: --passphrase-file names a file that has it\n");
    EXPECT_EQ(refused({}), "ashlar: cannot sign: no key is named\n  hint: --key names a file or a pkcs11: URI; --list says which keys are wanted\n");
    EXPECT_FALSE(fs::exists(path() / "requests/root.answer.json"));
}

TEST_F(Desk, AtATerminalThePersonDecides) {
    const Outcome no = sign_at_terminal("--key root.key", "n\n");
    EXPECT_EQ(no.exit_code, 1);
    EXPECT_THAT(no.output, testing::AllOf(HasSubstr("  | snapshot metadata, version 3"), HasSubstr("sign this? [y/N] "), HasSubstr("0 signed, 1 declined")));
    EXPECT_FALSE(fs::exists(path() / "requests/root.answer.json"));
    EXPECT_EQ(sign_at_terminal("--key root.key", "y\n").exit_code, 0);
    EXPECT_TRUE(answered("root", root_key().verifying_key()));
}

TEST_F(Desk, APassphraseIsTypedUnseen) {
    const Outcome outcome = sign_at_terminal("--key train.key --yes", std::string(passphrase) + "\n");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("passphrase of train.key: "));
    EXPECT_TRUE(answered("train", train_key().verifying_key()));
}

TEST_F(Desk, NoSecretIsSaid) {
    site.write("wrong", "battery staple\n");
    fs::permissions(path() / "wrong", fs::perms(0600));
    const Outcome outcome = sign({"--key", "train.key", "--passphrase-file", "wrong", "--yes"});
    EXPECT_EQ(outcome.exit_code, 3);
    EXPECT_EQ(outcome.errors, "ashlar: cannot load the private key 'train.key': the passphrase is wrong\n  hint: give its passphrase\n");
}

TEST_F(Desk, ADamagedRequestStopsEverything) {
    site.write("requests/odd.request.json", "{}\n");
    const Outcome outcome = sign({"--key", "root.key", "--yes"});
    EXPECT_EQ(outcome.exit_code, 3);
    EXPECT_EQ(outcome.errors, "ashlar: cannot read the signing request 'requests/odd.request.json': 'format' is missing\n  hint: ask for it again where it comes from\n");
    EXPECT_FALSE(fs::exists(path() / "requests/root.answer.json"));
}

TEST_F(Desk, ATokenSigns) {
    fs::create_directory(path() / "tokens");
    site.write("softhsm2.conf", fmt::format("directories.tokendir = {}\n", (path() / "tokens").native()));
    ::setenv("SOFTHSM2_CONF", (path() / "softhsm2.conf").c_str(), 1);
    const auto softhsm = [](std::vector<std::string> words) {
        words.insert(words.begin(), "softhsm2-util");
        run_checked({.argv = std::move(words)});
    };
    softhsm({"--init-token", "--free", "--label", "ashlar", "--pin", "1234", "--so-pin", "12345678"});
    softhsm({"--import", (path() / "pcr.key").native(), "--token", "ashlar", "--label", "pcr", "--id", "01", "--pin", "1234"});
    ::unsetenv("SOFTHSM2_CONF");
    write_file(path() / "pin", "1234\n", 0600);
    write_file(path() / "wrong-pin", "9876\n", 0600);
    const std::string uri = "pkcs11:token=ashlar;object=pcr?module-path=/usr/lib/softhsm/libsofthsm2.so";

    const Outcome wrong = sign({"--key", uri, "--pin-file", "wrong-pin", "--yes"});
    EXPECT_EQ(wrong.exit_code, 3);
    EXPECT_EQ(wrong.errors, "ashlar: cannot log in to the token 'ashlar': the PIN is wrong\n  hint: most tokens lock themselves after three wrong PINs\n");
    EXPECT_EQ(sign({"--key", uri + "&pin-source=file:" + (path() / "pin").native(), "--yes"}).exit_code, 0);
    EXPECT_TRUE(answered("pcr", pcr_key().public_key()));
    fs::remove(path() / "requests/pcr.answer.json");
    const std::string token = "pkcs11:token=ashlar?module-path=/usr/lib/softhsm/libsofthsm2.so";
    const Outcome listed = ashlar({"key", "list", "--token", token, "--pin-file", "pin", "--json"});
    EXPECT_EQ(listed.exit_code, 0) << listed.errors;
    const Json keys = parse_json(listed.output, "keys");
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys.at(0).at("label"), "pcr");
    EXPECT_EQ(keys.at(0).at("fingerprint"), hex(pcr_key().public_key()));
    EXPECT_EQ(ashlar({"key", "list", "--token", token}).errors,
              fmt::format("ashlar: cannot ask for the PIN of '{}': there is no terminal\n  hint: --pin-file names a file that has it\n", token));
    const Outcome typed = sign_at_terminal("--key '" + uri + "' --yes", "1234\n");
    EXPECT_EQ(typed.exit_code, 0) << typed.output;
    EXPECT_TRUE(answered("pcr", pcr_key().public_key()));
}
