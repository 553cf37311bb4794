#include <root/configure.hpp>

#include "mini_root.hpp"

#include <base/error.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::root;
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

// Scripts of two packages and a dpkg that is a script too.
class Configure : public testing::Test {
protected:
    void SetUp() override {
        status("unpacked");
        write_file(root.path() / "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        write_file(root.path() / "etc/group", "root:x:0:\n");
        root.script("usr/bin/dpkg", "echo \"dpkg $*\"; while read -r line; do echo \"${line%unpacked}\"; done < /var/lib/dpkg/status > /var/lib/dpkg/new\n"
                                    "IFS=; while read -r line; do case $line in Status*) echo 'Status: install ok installed';; *) echo \"$line\";; esac;\n"
                                    "done < /var/lib/dpkg/status > /var/lib/dpkg/new; cat /var/lib/dpkg/new > /var/lib/dpkg/status\n");
    }

    void status(const std::string& word) const {
        write_file(root.path() / "var/lib/dpkg/status",
                   "Package: app\nStatus: install ok " + word + "\nArchitecture: amd64\nVersion: 1\nDepends: base-passwd\n\n"
                   "Package: base-passwd\nStatus: install ok " + word + "\nArchitecture: amd64\nVersion: 1\n");
    }

    std::vector<fs::path> configure() {
        const auto progress = make_renderer(ProgressStyle::quiet, 2);
        return root::configure({.root = root.path(), .epoch = 1700000000, .log = log, .scratch = root.scratch()}, ledger, *progress);
    }

    std::string error() {
        try {
            configure();
        } catch (const Error& failure) {
            return failure.render();
        }
        return "no error";
    }

    MiniRoot root;
    fs::path log = root.scratch() / "log";
    Ledger ledger = Ledger::parse(toml::source_from_text("accounts.toml", "static = [{ name = \"root\", uid = 0, gid = 0 }]\n"));
};

} // namespace

TEST_F(Configure, RunsPreinstInOrderThenDpkg) {
    root.script("var/lib/dpkg/info/app.preinst", "echo \"$DPKG_MAINTSCRIPT_PACKAGE $DPKG_MAINTSCRIPT_NAME $1\"\n");
    root.script("var/lib/dpkg/info/base-passwd.preinst", "echo \"$DPKG_MAINTSCRIPT_PACKAGE $SOURCE_DATE_EPOCH $DEBIAN_FRONTEND $INITRD\"\n");
    EXPECT_THAT(configure(), ElementsAre("usr/lib/python3/dist-packages"));
    EXPECT_EQ(read_file(log), "base-passwd 1700000000 noninteractive No\n"
                              "app preinst install\n"
                              "dpkg --force-unsafe-io --force-confold --configure --pending\n");
}

TEST_F(Configure, ForbidsServicesToStartAndLeavesNoTrace) {
    root.script("var/lib/dpkg/info/app.preinst", "/usr/sbin/policy-rc.d ssh start; echo \"policy $?\"\n");
    configure();
    EXPECT_THAT(read_file(log), HasSubstr("policy 101\n"));
    EXPECT_FALSE(fs::exists(root.path() / "usr/sbin/policy-rc.d"));
}

TEST_F(Configure, AnswersForProgramsAndNotesPython) {
    root.script("usr/bin/ssh-keygen", "echo a key\n");
    root.script("usr/bin/py3compile", "echo compiled\n");
    root.script("var/lib/dpkg/info/app.preinst", "ssh-keygen; py3compile -p app /usr/share/app; py3compile -p other\n");
    EXPECT_THAT(configure(), ElementsAre("usr/lib/python3/dist-packages", "usr/share/app"));
    EXPECT_THAT(read_file(log), Not(HasSubstr("key")));
    EXPECT_EQ(read_file(root.path() / "usr/bin/ssh-keygen"), "#!/bin/sh\necho a key\n");
}

TEST_F(Configure, AFailingPreinstNamesItsPackage) {
    root.script("var/lib/dpkg/info/app.preinst", "echo before; echo broken >&2; exit 4\n");
    EXPECT_EQ(error(), "cannot configure 'app': its preinst ended with exit code 4\nbefore\nbroken\n  hint: everything it said is in '" +
                           log.native() + "'");
    EXPECT_FALSE(fs::exists(root.path() / "usr/sbin/policy-rc.d"));
}

TEST_F(Configure, AFailingPostinstNamesItsPackageAndScript) {
    root.script("usr/bin/dpkg", "echo 'Setting up app (1) ...'; echo 'no such table'\n"
                                "echo 'dpkg: error processing package app (--configure):'\n"
                                "echo ' installed app package post-installation script subprocess returned error exit status 1'\n"
                                "echo 'Errors were encountered while processing:'; echo ' app'; exit 1\n");
    EXPECT_EQ(error(), "cannot configure 'app': installed app package post-installation script subprocess returned error exit status 1\n"
                       "Setting up app (1) ...\nno such table\n  hint: everything it said is in '" + log.native() + "'");
}

TEST_F(Configure, WhatDpkgLeavesUnfinishedIsAnError) {
    root.script("usr/bin/dpkg", "exit 0\n");
    EXPECT_THAT(error(), testing::StartsWith("cannot configure 'app': dpkg left it 'install ok unpacked'\n"));
}

TEST_F(Configure, AnAccountOutsideTheLedgerIsAnError) {
    root.script("var/lib/dpkg/info/app.preinst", "echo 'new:x:999:999::/:/bin/sh' >> /etc/passwd\n");
    EXPECT_THAT(error(), HasSubstr("account 'new' is not in the ledger"));
}
