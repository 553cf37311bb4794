// Who may log in: from the state to what sshd and ssh-keygen read.

#include <node/early.hpp>

#include <base/file.hpp>

#include <gtest/gtest.h>

using namespace ashlar;

namespace {

std::string rendered(const Json& access, const char* file) {
    const TemporaryDirectory root{testing::TempDir()};
    std::filesystem::create_directories(root.path() / "etc/ssh/ashlar");
    node::render(root.path(), {{"machine_id", "0123"}, {"hostname", "node-1"}, {"access", access}});
    return read_file(root.path() / "etc/ssh/ashlar" / file);
}

TEST(Access, GivesBreakGlassCertificatesThisNodeOnly) {
    const Json access{{"ssh_keys", {"ssh-ed25519 AAAA anna"}}, {"ssh_ca", {"ssh-ed25519 BBBB users"}}, {"break_glass", {"ssh-ed25519 CCCC glass", "sk-ssh-ed25519@openssh.com DDDD token"}}};
    EXPECT_EQ(rendered(access, "authorized_keys"),
              "ssh-ed25519 AAAA anna\n"
              "cert-authority,restrict,pty,principals=\"break-glass.node-1\",command=\"/usr/bin/ashlarctl break-glass-login\" ssh-ed25519 CCCC glass\n"
              "cert-authority,restrict,pty,principals=\"break-glass.node-1\",command=\"/usr/bin/ashlarctl break-glass-login\" sk-ssh-ed25519@openssh.com DDDD token\n");
    // Whom the ordinary authority lets in is not changed by it.
    EXPECT_EQ(rendered(access, "user_ca"), "ssh-ed25519 BBBB users\n");
    EXPECT_EQ(rendered(access, "break_glass"), "key-1 namespaces=\"ashlar-break-glass\" ssh-ed25519 CCCC glass\n"
                                               "key-2 namespaces=\"ashlar-break-glass\" sk-ssh-ed25519@openssh.com DDDD token\n");
}

// A node that was installed before there was such a key.
TEST(Access, WithoutAKeyIsNobodys) {
    const Json access{{"ssh_keys", {"ssh-ed25519 AAAA anna"}}, {"ssh_ca", Json::array()}};
    EXPECT_EQ(rendered(access, "authorized_keys"), "ssh-ed25519 AAAA anna\n");
    EXPECT_EQ(rendered(access, "break_glass"), "");
}

} // namespace
