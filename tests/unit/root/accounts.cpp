#include <root/accounts.hpp>

#include "error_of.hpp"

#include <base/error.hpp>
#include <base/process.hpp>

#include <filesystem>
#include <sys/stat.h>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::root;
namespace fs = std::filesystem;
using testing::HasSubstr;

namespace {

constexpr const char* small = R"(static = [
  { name = "root", uid = 0, gid = 0 },
  { name = "nogroup", gid = 65534 },
]
system = [
  { name = "messagebus", uid = 101, gid = 101 },
  { name = "render", gid = 102 },
  { name = "sshd", uid = 103 },
]
reserved = [
  { name = "ceph", uid = 64045, gid = 64045 },
]
)";

Ledger ledger(std::string text = small) { return Ledger::parse(toml::source_from_text("accounts.toml", std::move(text))); }

struct Root {
    TemporaryDirectory directory{"/tmp", "accounts-"};
    fs::path path = directory.path();
    Root(const std::string& passwd, const std::string& group) {
        fs::create_directories(path / "etc");
        write_file(path / "etc/passwd", passwd);
        write_file(path / "etc/group", group);
    }
};

} // namespace

TEST(Ledger, FindsAndProposes) {
    EXPECT_EQ(ledger().find("ceph")->uid, 64045U);
    EXPECT_EQ(ledger().find("sshd")->gid, std::nullopt);
    EXPECT_EQ(ledger().find("nobody"), nullptr);
    EXPECT_EQ(ledger().free_id(), 104U);
}

TEST(Ledger, RefusesAnIdTwice) {
    EXPECT_EQ(error_of([] { ledger("system = [\n  { name = \"a\", uid = 101 },\n  { name = \"b\", uid = 101, gid = 101 },\n]\n"); }),
              "accounts.toml:3:23: uid 101 is given twice\n"
              "  3 |   { name = \"b\", uid = 101, gid = 101 },\n"
              "    |                       ^~~\n"
              "accounts.toml:2:23: first here\n"
              "  2 |   { name = \"a\", uid = 101 },\n"
              "    |                       ^~~");
}

TEST(Ledger, RefusesAnIdOfAnotherKind) {
    EXPECT_EQ(error_of([] { ledger("system = [ { name = \"a\", gid = 1000 } ]\n"); }),
              "accounts.toml:1:32: gid 1000 is not in the range of 'system'\n"
              "  1 | system = [ { name = \"a\", gid = 1000 } ]\n"
              "    |                                ^~~~\n"
              "that is 101..999");
}

TEST(Ledger, RefusesUnknownKeysDoubleNamesAndAccountsWithoutIds) {
    EXPECT_THAT(error_of([] { ledger("sytem = []\n"); }), HasSubstr("did you mean 'system'?"));
    EXPECT_THAT(error_of([] { ledger("system = [{ name = \"a\", uid = 101 }, { name = \"a\", gid = 102 }]\n"); }),
                HasSubstr("account 'a' is here twice"));
    EXPECT_THAT(error_of([] { ledger("system = [{ name = \"a\" }]\n"); }), HasSubstr("account 'a' has neither 'uid' nor 'gid'"));
}

TEST(Ledger, TheProjectsOwnIsValid) {
    EXPECT_GT(Ledger::read(ASHLAR_SOURCE_DIR "/recipes/accounts.toml", "recipes/accounts.toml").accounts().size(), 50U);
}

TEST(Sysusers, LinesGetNumbers) {
    const Ledger known = ledger();
    const auto number = [&](std::string_view line) { return numbered_sysusers_line(known, line); };
    EXPECT_EQ(number("u messagebus - \"System Message Bus\" /nonexistent"), "u messagebus 101 \"System Message Bus\" /nonexistent");
    EXPECT_EQ(number("u! messagebus\t-"), "u! messagebus 101");
    EXPECT_EQ(number("g render  -"), "g render 102");
    EXPECT_EQ(number("u sshd -:nogroup \"sshd user\" /run/sshd"), "u sshd 103:nogroup \"sshd user\" /run/sshd");
}

TEST(Sysusers, OtherLinesStay) {
    const Ledger known = ledger();
    for (const char* line : {"# u messagebus -", "", "u stranger - \"A  b\"", "g root 0 -", "m messagebus render", "r - 500-900", "u messagebus"})
        EXPECT_EQ(numbered_sysusers_line(known, line), line);
}

TEST(CheckAccounts, AcceptsWhatTheLedgerSays) {
    const Root root("root:x:0:0::/root:/bin/sh\nsshd:x:103:65534::/run/sshd:/bin/false\n", "root:x:0:\nnogroup:x:65534:\nrender:x:102:\n");
    check_accounts(ledger(), root.path);
}

TEST(CheckAccounts, NamesWhatMovedAndTheLinesToAdd) {
    const Root root("root:x:0:0::/root:/bin/sh\nsshd:x:105:65534::/:/bin/false\nfrr:x:100:106::/:/bin/false\nlp:x:7:7::/:/bin/false\n",
                    "root:x:0:\nfrr:x:106:\nfrrvty:x:107:\nsshd:x:108:\n");
    EXPECT_EQ(error_of([&] { check_accounts(ledger(), root.path); }),
              "cannot accept the accounts of the root:\n"
              "    account 'frr' is not in the ledger\n"
              "    account 'frrvty' is not in the ledger\n"
              "    account 'lp' is not in the ledger\n"
              "    user 'sshd' has 105, the ledger says 103\n"
              "    group 'sshd' has 108, the ledger says no group\n"
              "  hint: add to accounts.toml, in the list 'system' if the number is ours to choose:\n"
              "    { name = \"frr\", uid = 104, gid = 104 },\n"
              "    { name = \"frrvty\", gid = 105 },\n"
              "    { name = \"lp\", uid = 7 },");
}

TEST(GiveIds, WrappersGiveTheLedgersNumbersToBareCalls) {
    const TemporaryDirectory directory("/tmp", "accounts-");
    const fs::path root = directory.path() / "root", scratch = directory.path() / "scratch";
    for (const char* name : {"dev", "proc", "run", "tmp", "usr/sbin", "scratch"}) fs::create_directories(root / name);
    fs::create_directory(scratch);
    for (const char* name : {"bin", "lib", "lib64"}) {
        fs::create_directory(root / name);

    }
    for (const char* program : {"useradd", "groupadd"}) {
        write_file(root / "usr/sbin" / program, "#!/bin/sh\necho \"$*\"\n", 0755);
    }
    Sandbox sandbox{.root = root, .binds = {{"/bin", "/bin"}, {"/lib", "/lib"}, {"/lib64", "/lib64"}}};
    give_ids(ledger(), sandbox, scratch);
    const auto said = [&](const std::string& line) { return run_checked(sandbox.enter({"sh", "-c", line})); };
    EXPECT_EQ(said("useradd -r -d /nonexistent sshd"), "-u 103 -r -d /nonexistent sshd\n");
    EXPECT_EQ(said("useradd --uid 7 sshd"), "--uid 7 sshd\n");
    EXPECT_EQ(said("useradd -u7 sshd"), "-u7 sshd\n");
    EXPECT_EQ(said("useradd stranger"), "stranger\n");
    EXPECT_EQ(said("/usr/sbin/groupadd --system render"), "-g 102 --system render\n");
    EXPECT_EQ(said("groupadd -g 42 render"), "-g 42 render\n");
    EXPECT_EQ(read_file(root / "usr/sbin/useradd"), "#!/bin/sh\necho \"$*\"\n");
}

TEST(NormaliseShadow, EmptiesTheDayAndKeepsTheMode) {
    const Root root("", "");
    write_file(root.path / "etc/shadow", "root:*:20775:0:99999:7:::\nsshd:!*:20775::::::\n", 0640);
    ::chown((root.path / "etc/shadow").c_str(), 0, 42);
    normalise_shadow(root.path);
    EXPECT_EQ(read_file(root.path / "etc/shadow"), "root:*::0:99999:7:::\nsshd:!*:::::::\n");
    struct stat info {};
    ASSERT_EQ(::stat((root.path / "etc/shadow").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0640U);
    EXPECT_EQ(info.st_gid, 42U);
}
