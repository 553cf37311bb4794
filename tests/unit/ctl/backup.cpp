// `ashlarctl site backup`, with voters that answer what a test says.

#include <backup/backup.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <control/server.hpp>

#include <atomic>
#include <functional>
#include <sys/stat.h>
#include <thread>

#include <gmock/gmock.h>

namespace ashlar {
namespace {

using testing::HasSubstr;

class BackupCommand : public testing::Test {
protected:
    BackupCommand() : server_(directory_.path() / "socket", [this](const std::string& method, const Json& parameters, const control::Caller&) {
        EXPECT_EQ(method, "org.ashlar.Site.Ask");
        EXPECT_EQ(parameters.at("request"), (Json{{"format", 1}, {"ask", "backup"}}));
        ++asked_;
        return reply_;
    }), thread_([this] { server_.run([] {}); }) {}
    ~BackupCommand() override {
        server_.stop();
        thread_.join();
    }

    static std::string text() {
        const backup::Header header{.site = {}, .name = "berlin-1", .genesis = {}, .made = Time(std::chrono::seconds(1796000000)), .holds = {.nodes = 12, .secrets = 1, .pairs = 214, .audit = 5000, .audit_left_out = 7}};
        const backup::Content content{.genesis = "g", .authority = Secret("a"), .etcd_authority = Secret("e"), .site_key = Secret("s"), .secrets = {}, .pairs = {}};
        return backup::write_backup(header, content, key().public_key());
    }
    static const PrivateKey& key() {
        static const PrivateKey made = PrivateKey::generate(RsaBits::rsa2048);
        return made;
    }
    void answer(const std::string& text, bool fits = true) {
        const auto end = text.find('\n');
        reply_ = {{"format", 1}, {"answer", {{"header", text.substr(0, end)}, {"body", text.substr(end + 1, text.size() - end - 2)}, {"fits", fits}}}};
    }
    [[nodiscard]] Outcome run(std::vector<std::string> more = {}) const {
        std::vector<std::string> words{ASHLARCTL, "--socket", (directory_.path() / "socket").native(), "site", "backup", file_.native()};
        words.insert(words.end(), more.begin(), more.end());
        return ashlar::run({.argv = words});
    }

    TemporaryDirectory directory_{testing::TempDir(), "ctl-"};
    const std::filesystem::path file_ = directory_.path() / "berlin-1.backup";
    Json reply_;
    std::atomic<unsigned> asked_ = 0;
    control::Server server_;
    std::thread thread_;
};

TEST_F(BackupCommand, WritesWhatTheVotersAnswerForItsOwnerAlone) {
    const std::string made = text();
    answer(made);
    const auto outcome = run();
    EXPECT_TRUE(outcome.ok()) << outcome.errors;
    EXPECT_EQ(read_file(file_), made);
    struct stat info {};
    ASSERT_EQ(::stat(file_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    EXPECT_EQ(outcome.output, file_.native() + ": site 'berlin-1' as of 2026-11-30 00:53:20 UTC, genesis 00000000\n"
                              "  its authorities and its key, 12 nodes, 1 secret, 214 keys of etcd, 5000 lines of the audit log (the newest; 7 are not in it)\n"
                              "  it opens with the recovery key " + key().public_key().fingerprint().hex() + " only: keep both, and not in one place\n");
    EXPECT_EQ(outcome.errors, "");
}

// Each backup is in the audit log: there is none for nothing.
TEST_F(BackupCommand, DoesNotAskWhereThereIsNoPlaceForIt) {
    answer(text());
    write_file(file_, "an older one");
    const auto outcome = run();
    EXPECT_FALSE(outcome.ok());
    EXPECT_THAT(outcome.errors, HasSubstr("it is there already\n  hint: name another file: an older backup is not replaced"));
    EXPECT_EQ(read_file(file_), "an older one");
    EXPECT_EQ(asked_, 0U);
}

TEST_F(BackupCommand, WritesNothingThatIsNoBackup) {
    answer("{}\nAAAA\n");
    EXPECT_FALSE(run().ok());
    reply_ = {{"format", 1}, {"refused", {{"reason", "not-now"}, {"text", "the site has no recovery key to which a backup could be sealed"}, {"details", Json::array({"write one"})}}}};
    const auto refused = run();
    EXPECT_THAT(refused.errors, HasSubstr("the voters refuse 'backup': the site has no recovery key"));
    EXPECT_THAT(refused.errors, HasSubstr("write one"));
    EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(BackupCommand, PassesItOn) {
    const std::string made = text();
    answer(made);
    const auto outcome = ashlar::run({.argv = {ASHLARCTL, "--socket", (directory_.path() / "socket").native(), "site", "backup", "-"}});
    EXPECT_EQ(outcome.output, made);
    EXPECT_THAT(outcome.errors, testing::StartsWith("-: site 'berlin-1' as of "));
}

TEST_F(BackupCommand, WarnsOfWhatMediaHaveNoRoomFor) {
    answer(text(), false);
    const auto outcome = run();
    EXPECT_TRUE(outcome.ok());
    EXPECT_THAT(outcome.errors, HasSubstr("warning: media have no room for all that is in it"));
}

} // namespace
} // namespace ashlar
