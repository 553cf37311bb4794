// Tokens and certificates by the real ssh-keygen.

#include <breakglass/use.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>

using namespace ashlar;
using namespace ashlar::breakglass;
using testing::HasSubstr;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

// 2026-11-24 19:00:00 UTC
constexpr Time issued{1795546800s};
constexpr Time year_1970{0s}, year_2100{4102444800s};

class BreakGlassTest : public testing::Test {
protected:
    BreakGlassTest() {
        for (const char* name : {"site", "other"}) run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", fmt::format("{} key", name), "-f", path(name)}});
        trust(public_key("other") + "|" + public_key("site"));
        fs::create_directories(directory.path() / "usr/lib");
    }
    [[nodiscard]] std::string path(const std::string& name) const { return (directory.path() / name).native(); }
    [[nodiscard]] std::string public_key(const std::string& name) const { return std::string(trim(read_file(path(name) + ".pub"))); }
    void trust(const std::string& keys) const {
        std::vector<std::string> lines;
        for (const auto key : split(keys, '|'))
            if (!key.empty()) lines.emplace_back(key);
        write_file(path("signers"), break_glass_signers(lines));
    }
    [[nodiscard]] Use used(const std::string& file, Time now = issued + 1h, Time at_least = issued - 24h * 30) const {
        return judge(file, {.node = "node-1", .signers = path("signers")}, {.now = now, .at_least = at_least}, directory.path());
    }
    [[nodiscard]] std::string signed_by(const std::string& key) const { return sign_break_glass(token, path(key)); }

    TemporaryDirectory directory{testing::TempDir()};
    BreakGlass token{.node = "node-1", .issued = issued, .expires = issued + 2h, .reason = "disk does not open"};
};

TEST_F(BreakGlassTest, LetsInWithAReason) {
    const std::string file = signed_by("site");
    EXPECT_THAT(file, testing::StartsWith("ashlar-break-glass 1\nnode: node-1\nissued: 2026-11-24T19:00:00Z\nexpires: 2026-11-24T21:00:00Z\nreason: disk does not open\n"
                                          "-----BEGIN SSH SIGNATURE-----\n"));
    const Use use = used(file);
    EXPECT_EQ(use.fault, "");
    EXPECT_EQ(use.time, issued + 1h);
    EXPECT_EQ(use.expires, issued + 2h);
    EXPECT_EQ(use.reason, "disk does not open");
    EXPECT_THAT(use.signer, testing::MatchesRegex("SHA256:[A-Za-z0-9+/]+ .site key."));
    // A terminal may have left blanks behind it.
    EXPECT_EQ(used(file + "\n").fault, "");
}

TEST_F(BreakGlassTest, TakesWhatOtherKindsOfKeysSigned) {
    for (const std::string type : {"ecdsa", "rsa"}) {
        run_checked({.argv = {"ssh-keygen", "-q", "-t", type, "-N", "", "-C", type, "-f", path(type)}});
        trust(public_key(type));
        EXPECT_EQ(used(signed_by(type)).fault, "") << type;
    }
}

TEST_F(BreakGlassTest, IsForOneNode) {
    token.node = "node-2";
    const Use use = used(signed_by("site"));
    EXPECT_EQ(use.fault, "it is for 'node-2', and this is 'node-1'");
    EXPECT_EQ(use.reason, "disk does not open");
}

TEST_F(BreakGlassTest, Expires) {
    const std::string file = signed_by("site");
    EXPECT_EQ(used(file, issued + 2h - 1s).fault, "");
    EXPECT_EQ(used(file, issued + 2h).fault, "it expired at 2026-11-24T21:00:00Z, and it is 2026-11-24T21:00:00Z");
    EXPECT_EQ(used(file, year_2100).fault, "it expired at 2026-11-24T21:00:00Z, and it is 2100-01-01T00:00:00Z");
}

// Whoever turns the clock back does not get an old token to work: the release that runs is younger.
TEST_F(BreakGlassTest, ExpiresByWhatIsSignedWhereTheClockWasTurnedBack) {
    EXPECT_EQ(used(signed_by("site"), year_1970, issued + 3h).fault, "it expired at 2026-11-24T21:00:00Z, and it is 2026-11-24T22:00:00Z");
}

// A token that comes from the future says that the clock is behind, and how late it is at the least.
TEST_F(BreakGlassTest, IsATimeWhereTheClockIsBehind) {
    const std::string file = signed_by("site");
    for (const Time now : {year_1970, issued - 24h, issued - 6min}) {
        const Use use = used(file, now, year_1970);
        EXPECT_EQ(use.fault, "");
        EXPECT_EQ(use.time, issued);
    }
    // A difference that clocks have is none.
    EXPECT_EQ(used(file, issued - 4min).time, issued - 4min);
}

// What another node's token says about the time is not taken.
TEST_F(BreakGlassTest, ForAnotherNodeIsNoTime) {
    token.node = "node-2";
    EXPECT_EQ(used(signed_by("site"), year_1970, year_1970).time, year_1970);
}

TEST_F(BreakGlassTest, RefusesEachChangedByteOfTheText) {
    const std::string file = signed_by("site");
    const auto end = file.find("-----BEGIN");
    for (std::size_t i = 0; i < end; ++i) {
        std::string changed = file;
        changed[i] = changed[i] == '1' ? '2' : '1';
        const Use use = used(changed);
        EXPECT_NE(use.fault, "") << i;
        // What nobody signed is not written down.
        EXPECT_EQ(use.reason + use.signer + use.node, "") << i;
    }
    std::string changed = file;
    changed[file.find("disk")] = 'D';
    EXPECT_EQ(used(changed).fault, "its signature does not fit (Signature verification failed: incorrect signature)");
}

TEST_F(BreakGlassTest, RefusesASignatureForSomethingElse) {
    write_file(path("text"), text_of(token));
    run_checked({.argv = {"ssh-keygen", "-q", "-Y", "sign", "-f", path("site"), "-n", "file", path("text")}});
    EXPECT_EQ(used(text_of(token) + read_file(path("text.sig"))).fault, "its signature does not fit (Couldn't verify signature: namespace does not match)");
}

TEST_F(BreakGlassTest, RefusesAStrangersSignature) {
    run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "stranger", "-f", path("stranger")}});
    EXPECT_EQ(used(signed_by("stranger")).fault, "it is signed by none of the site's break-glass keys");
    trust("");
    EXPECT_EQ(used(signed_by("site")).fault, "the site has no break-glass key");
}

TEST_F(BreakGlassTest, RefusesWhatIsNoToken) {
    const std::string file = signed_by("site");
    EXPECT_EQ(used("").fault, "cannot use the break-glass token: this is none");
    EXPECT_EQ(used(std::string(most_break_glass_bytes + 1, 'x')).fault, "cannot use the break-glass token: it has more than 8192 bytes");
    EXPECT_EQ(used(file.substr(0, file.size() - 10)).fault, "cannot use the break-glass token: its signature does not end where it should");
    EXPECT_EQ(used(file + file).fault, "cannot use the break-glass token: its signature does not end where it should");
    std::string twice = file;
    twice.insert(twice.find("-----BEGIN"), "reason: another\n");
    EXPECT_EQ(used(twice).fault, "cannot use the break-glass token: it is not in the one form that it may have");
}

// Refused where they are made, and so wherever they are read.
TEST_F(BreakGlassTest, HasBounds) {
    const auto fault = [](BreakGlass changed) {
        try {
            return text_of(changed);
        } catch (const Error& error) {
            return error.message();
        }
    };
    BreakGlass long_one = token, backwards = token, unnamed = token, silent = token, loud = token;
    long_one.expires = issued + 24h * 7 + 1s;
    backwards.expires = issued;
    unnamed.node = "node 1";
    silent.reason = "";
    loud.reason = "\x1b[2J";
    EXPECT_EQ(fault(long_one), "cannot use the break-glass token: it is not valid for more than no time and at most 7 days");
    EXPECT_EQ(fault(backwards), fault(long_one));
    EXPECT_EQ(fault(unnamed), "cannot use the break-glass token: 'node 1' is not the name of a node");
    EXPECT_EQ(fault(silent), "cannot use the break-glass token: its reason is not 1 to 200 characters of printable ASCII");
    EXPECT_EQ(fault(loud), fault(silent));
}

TEST_F(BreakGlassTest, IsACertificateForSshToo) {
    run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "anna", "-f", path("anna")}});
    const fs::path certificate = certify_break_glass(token, path("site"), path("anna.pub"));
    EXPECT_EQ(certificate, path("anna-cert.pub"));
    const std::string printed = run_checked({.argv = {"env", "TZ=UTC", "ssh-keygen", "-L", "-f", certificate.native()}});
    EXPECT_THAT(printed, HasSubstr("Valid: from 2026-11-24T18:55:00 to 2026-11-24T21:00:00\n"));
    EXPECT_THAT(printed, HasSubstr("Principals: \n                break-glass.node-1\n        Critical Options: (none)"));
    const Use use = use_of_certificate(printed, issued + 1min);
    EXPECT_EQ(use.way, "ssh");
    EXPECT_EQ(use.node, "node-1");
    EXPECT_EQ(use.reason, "disk does not open");
    EXPECT_EQ(use.expires, issued + 2h);
    EXPECT_EQ(use.time, issued + 1min);
    EXPECT_THAT(signed_by("site"), testing::Not(testing::IsEmpty()));
    EXPECT_EQ(use.signer, used(signed_by("site")).signer.substr(0, use.signer.size()));
}

TEST_F(BreakGlassTest, UsesAreKeptUntilTheNodeStartsAgain) {
    const fs::path root = directory.path();
    write_file(root / "usr/lib/os-release", "");
    const timespec built[]{{.tv_sec = 1795000000, .tv_nsec = 0}, {.tv_sec = 1795000000, .tv_nsec = 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (root / "usr/lib/os-release").c_str(), built, 0), 0);
    EXPECT_TRUE(uses(root).empty());
    EXPECT_EQ(this_clock(root).at_least, Time(1795000000s));

    const Use accepted = used(signed_by("site"), year_1970, year_1970);
    note(accepted, root);
    EXPECT_EQ(uses(root), std::vector{accepted});
    // From now on it is not earlier than that, whatever the clock says; refused ones tell nothing.
    EXPECT_GE(this_clock(root).at_least, issued);
    Use refused = accepted;
    refused.fault = "it is not good";
    refused.time = year_2100;
    for (int i = 0; i < 20; ++i) {
        refused.fault = fmt::format("it is not good, for the {}th time", i);
        note(refused, root);
    }
    EXPECT_LT(this_clock(root).at_least, year_2100);
    EXPECT_EQ(uses(root).size(), 16U);
    EXPECT_EQ(uses(root).front(), accepted);
    // The same again is no other.
    note(accepted, root);
    EXPECT_EQ(uses(root).size(), 16U);
    EXPECT_EQ(uses(root).back(), accepted);
    EXPECT_NE(uses(root).front(), accepted);
}

} // namespace
