// Secure Boot of a machine whose firmware variables are files.

#include <node/secure_boot.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/uefi_variables.hpp>

#include <gmock/gmock.h>
#include <unistd.h>

using namespace ashlar;
using node::SecureBoot;
namespace fs = std::filesystem;

namespace {

class Firmware : public testing::Test {
protected:
    void flag(const std::string& name, char value) const { write_file(file(name, "8be4df61-93ca-11d2-aa0d-00e098032b8c"), std::string("\x06\0\0\0", 4) + value); }
    [[nodiscard]] fs::path file(const std::string& name, const std::string& vendor) const { return variables.path() / (name + "-" + vendor); }
    [[nodiscard]] SecureBoot now() const { return node::secure_boot(variables.path()); }

    TemporaryDirectory variables{testing::TempDir()}, keys{testing::TempDir()};
};

TEST_F(Firmware, SaysWhatItDoes) {
    EXPECT_EQ(now(), SecureBoot::none);
    flag("SecureBoot", 0);
    flag("SetupMode", 0);
    EXPECT_EQ(now(), SecureBoot::off);
    flag("SetupMode", 1);
    EXPECT_EQ(now(), SecureBoot::setup_mode);
    flag("SetupMode", 0);
    flag("SecureBoot", 1);
    EXPECT_EQ(now(), SecureBoot::on);
}

TEST_F(Firmware, TakesTheKeys) {
    for (const char* name : {"db", "KEK", "PK"}) write_file(keys.path() / (std::string(name) + ".auth"), std::string("signed ") + name);
    node::enrol_keys(keys.path(), variables.path());
    const std::string attributes("\x27\0\0\0", 4);
    EXPECT_EQ(read_file(file("db", "d719b2cb-3d3a-4596-a3bc-dad00e67656f")), attributes + "signed db");
    EXPECT_EQ(read_file(file("KEK", "8be4df61-93ca-11d2-aa0d-00e098032b8c")), attributes + "signed KEK");
    EXPECT_EQ(read_file(file("PK", "8be4df61-93ca-11d2-aa0d-00e098032b8c")), attributes + "signed PK");
    EXPECT_FALSE(fs::exists(file("dbx", "d719b2cb-3d3a-4596-a3bc-dad00e67656f")));
}

TEST_F(Firmware, GetsNothingWhenAKeyIsMissing) {
    for (const char* name : {"dbx", "db", "PK"}) write_file(keys.path() / (std::string(name) + ".auth"), "signed");
    try {
        node::enrol_keys(keys.path(), variables.path());
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), testing::HasSubstr("KEK.auth' is missing"));
    }
    EXPECT_TRUE(fs::is_empty(variables.path()));
}

TEST_F(Firmware, AddsToDbxInOneWrite) {
    const fs::path dbx = file("dbx", "d719b2cb-3d3a-4596-a3bc-dad00e67656f");
    node::forbid_programs("signed update", variables.path());
    EXPECT_EQ(read_file(dbx), std::string("\x67\0\0\0", 4) + "signed update");
    fs::permissions(dbx, fs::perms::owner_read);
    if (::geteuid() == 0) return; // may write all the same
    try {
        node::forbid_programs("signed update", variables.path());
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), testing::HasSubstr("cannot add to the firmware's dbx: "));
    }
}

TEST_F(Firmware, SaysWhatItForbids) {
    const fs::path dbx = file("dbx", "d719b2cb-3d3a-4596-a3bc-dad00e67656f");
    EXPECT_TRUE(node::forbidden_programs(variables.path()).empty());
    const Guid owner = *Guid::from_text("00112233-4455-4677-8899-aabbccddeeff");
    const Bytes lists = signature_lists({{}, {{owner, sha256("one")}, {owner, sha256("two")}}});
    write_file(dbx, std::string("\x27\0\0\0", 4) + std::string(text_of(lists)));
    EXPECT_EQ(node::forbidden_programs(variables.path()), (std::vector<Digest>{sha256("one"), sha256("two")}));
    write_file(dbx, std::string("\x27\0\0\0", 4) + std::string(text_of(lists)).substr(1));
    EXPECT_THROW((void)node::forbidden_programs(variables.path()), Error);
}

} // namespace
