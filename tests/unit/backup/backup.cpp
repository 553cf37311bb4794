// A site in one file: what is written is read, and nothing else is.

#include <backup/backup.hpp>

#include <error_of.hpp>
#include <signing/base64.hpp>
#include <tuf/metadata.hpp>

#include <base/file.hpp>
#include <base/json.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::backup;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

Content content() {
    Content made{.genesis = R"({"format":1})", .authority = Secret("the authority's key"), .etcd_authority = Secret("etcd's key"), .site_key = Secret("ashlar-site-key-1 …"), .secrets = {}, .pairs = {}};
    made.secrets.push_back({"galera", "password", Secret("s3cret")});
    made.secrets.push_back({"galera", "root", Secret("0123")});
    made.pairs = {{"/audit/1", "one"}, {"/test", "kept"}, {std::string("/test\0bytes\xff", 12), std::string("\0\n\xfe", 3)}, {"/test2", ""}};
    return made;
}

std::string all_of(const Content& content) {
    std::string text = content.genesis + '|' + std::string(content.authority.text()) + '|' + std::string(content.etcd_authority.text()) + '|' + std::string(content.site_key.text());
    for (const auto& [formation, name, value] : content.secrets) text += '|' + formation + '/' + name + '=' + std::string(value.text());
    for (const auto& [key, value] : content.pairs) text += '|' + key + '=' + value;
    return text;
}

class SiteBackup : public testing::Test {
protected:
    static OpeningKey new_key() {
        const TemporaryDirectory directory(testing::TempDir(), "key-");
        PrivateKey::generate(RsaBits::rsa2048).save_new(directory.path() / "key");
        return OpeningKey::load(directory.path() / "key");
    }
    static const OpeningKey& recovery() {
        static const OpeningKey key = new_key();
        return key;
    }
    const SiteId site = SiteId::random();
    const Header header{.site = site, .name = "berlin-1", .genesis = GenesisId::random(), .made = Time(std::chrono::seconds(1796000000)), .holds = {.nodes = 3, .secrets = 2, .pairs = 4, .audit = 1, .audit_left_out = 0}};
    const std::string text = write_backup(header, content(), recovery().public_key());

    static std::string refusal(const std::string& of) {
        return error_of([&] { (void)open_backup(of, "berlin-1.backup", recovery()); });
    }
    // With another header, of the right form.
    std::string changed(const std::function<void(Json&)>& change) const {
        const auto end = text.find('\n');
        Json json = Json::parse(text.substr(0, end));
        change(json);
        return tuf::canonical_json(json) + text.substr(end);
    }
};

TEST_F(SiteBackup, HoldsWhatWasPutIntoIt) {
    EXPECT_EQ(all_of(open_backup(text, "berlin-1.backup", recovery())), all_of(content()));
    const auto read = read_backup_header(text, "berlin-1.backup");
    EXPECT_EQ(read.header, header);
    EXPECT_EQ(read.recovery_key, recovery().public_key().fingerprint());
}

TEST_F(SiteBackup, ShowsItsHeaderToAnybodyAndNothingElse) {
    const std::string line = text.substr(0, text.find('\n'));
    EXPECT_EQ(Json::parse(line).at("kind"), "ashlar site backup");
    EXPECT_EQ(Json::parse(line).at("name"), "berlin-1");
    for (const char* secret : {"kept", "s3cret", "authority"}) EXPECT_THAT(text, Not(HasSubstr(secret)));
}

TEST_F(SiteBackup, IsAnotherTextEachTime) { EXPECT_NE(write_backup(header, content(), recovery().public_key()), text); }

// Not one byte.
TEST_F(SiteBackup, IsRefusedWhenAnyByteIsAnother) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string other = text;
        other[i] = other[i] == 'A' ? 'B' : 'A';
        EXPECT_NE(refusal(other), "no error") << i;
    }
    for (std::size_t size = 0; size < text.size(); ++size) EXPECT_NE(refusal(text.substr(0, size)), "no error") << size;
    EXPECT_NE(refusal(text + "\n"), "no error");
    EXPECT_NE(refusal(text + "A"), "no error");
}

TEST_F(SiteBackup, SaysWhatIsWrongWithIt) {
    EXPECT_EQ(refusal(changed([](Json& json) { json["name"] = "berlin-2"; })), "cannot open the backup 'berlin-1.backup': it was changed or damaged since it was made\n  hint: take another copy");
    EXPECT_THAT(refusal(changed([](Json& json) { json["holds"]["nodes"] = 4; })), HasSubstr("it was changed or damaged since it was made"));
    EXPECT_THAT(refusal(changed([](Json& json) { json["size"] = 7; })), HasSubstr("it was changed or damaged since it was made"));
    EXPECT_THAT(refusal(changed([](Json& json) { json["sealed_key"] = "AAAA"; })), HasSubstr("it was changed or damaged since it was made"));
    EXPECT_THAT(refusal(changed([](Json& json) { json["more"] = 1; })), HasSubstr("cannot read the backup 'berlin-1.backup': the header: unknown key 'more'"));
    EXPECT_THAT(refusal(changed([](Json& json) { json["encryption"] = "none"; })), HasSubstr("the header: 'encryption' is not \"aes-256-gcm\""));
    EXPECT_THAT(refusal(changed([](Json& json) { json.erase("recovery_key"); })), HasSubstr("the header: 'recovery_key' is missing"));
    EXPECT_THAT(refusal("{}"), HasSubstr("it is not two lines, a header and a body"));
    EXPECT_THAT(refusal(" " + text), HasSubstr("its header is not in the one form that it may have"));
}

TEST_F(SiteBackup, OpensWithItsRecoveryKeyAlone) {
    const OpeningKey other = new_key();
    EXPECT_EQ(error_of([&] { (void)open_backup(text, "x", other); }),
              fmt::format("cannot open the backup 'x': it is sealed to the recovery key {}, and this one is {}\n  hint: a backup opens with the recovery key that the site had on its day", recovery().public_key().fingerprint().hex(), other.public_key().fingerprint().hex()));
    // Also where the header says that it is the right one.
    EXPECT_THAT(error_of([&] { (void)open_backup(changed([&](Json& json) { json["recovery_key"] = other.public_key().fingerprint().hex(); }), "x", other); }), HasSubstr("it was changed or damaged"));
}

TEST_F(SiteBackup, IsNotWrittenOutOfOrderOrTooLarge) {
    auto doubled = content();
    doubled.pairs.push_back(doubled.pairs.back());
    EXPECT_EQ(error_of([&] { (void)write_backup(header, doubled, recovery().public_key()); }), "cannot write a backup: what it is to hold is not in order");
    auto large = content();
    std::string noise(1'000'000, '\0');
    for (std::uint32_t i = 0, seed = 7; i < noise.size(); ++i) noise[i] = static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24);
    large.pairs.push_back({"/zoo", noise});
    EXPECT_THAT(error_of([&] { (void)write_backup(header, large, recovery().public_key()); }), StartsWith("cannot write the backup: it has 1"));
    EXPECT_THAT(error_of([&] { (void)write_restore(header, large, site::SiteKey::generate(site)); }), HasSubstr("at most 393216 are possible\n  hint: "));
}

TEST_F(SiteBackup, IsCompressed) {
    auto large = content();
    for (int i = 0; i < 5000; ++i) large.pairs.push_back({fmt::format("/zoo/{:05}", i), R"({"about":"n01","format":1,"text":"one of the first voters","time":1796000000,"what":"found","who":"node n01"})"});
    EXPECT_LT(write_backup(header, large, recovery().public_key()).size(), 100'000U);
}

// ---- On media ------------------------------------------------------------------------------------

class RestoreFile : public SiteBackup {
protected:
    const site::SiteKey key = site::SiteKey::generate(site);
    const std::string file = write_restore(header, content(), key);
};

TEST_F(RestoreFile, HoldsWhatWasPutIntoIt) {
    EXPECT_EQ(all_of(open_restore(file, "restore", key)), all_of(content()));
    EXPECT_EQ(read_restore_header(file, "restore"), header);
    EXPECT_NE(write_restore(header, content(), key), file);
}

TEST_F(RestoreFile, OpensWithItsSiteKeyAlone) {
    const auto refusal = [&](const site::SiteKey& with) { return error_of([&] { (void)open_restore(file, "restore", with); }); };
    EXPECT_THAT(refusal(site::SiteKey::generate(site)), HasSubstr("cannot open the restore file 'restore': it was changed or damaged since it was made"));
    const SiteId other = SiteId::random();
    EXPECT_EQ(refusal(site::SiteKey::generate(other)), fmt::format("cannot open the restore file 'restore': it is of site {}, and the site key is of {}", site.text(), other.text()));
}

TEST_F(RestoreFile, IsRefusedWhenAnyByteIsAnother) {
    for (std::size_t i = 0; i < file.size(); ++i) {
        std::string other = file;
        other[i] = other[i] == 'A' ? 'B' : 'A';
        EXPECT_NE(error_of([&] { (void)open_restore(other, "restore", key); }), "no error") << i;
    }
}

TEST_F(RestoreFile, IsNoBackupAndABackupIsNone) {
    EXPECT_THAT(refusal(file), HasSubstr("'kind' is not \"ashlar site backup\""));
    EXPECT_THAT(error_of([&] { (void)open_restore(text, "restore", key); }), HasSubstr("'kind' is not \"ashlar site restore\""));
}

} // namespace
