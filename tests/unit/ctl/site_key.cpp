// `ashlarctl site key`, with voters that answer what a test says.

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <control/server.hpp>
#include <ctl/text.hpp>
#include <signing/base64.hpp>
#include <site/key.hpp>

#include <sys/stat.h>
#include <thread>

#include <gmock/gmock.h>

namespace ashlar {
namespace {

using testing::HasSubstr;

class SiteKeyCommand : public testing::Test {
protected:
    SiteKeyCommand() : server_(directory_.path() / "socket", [this](const std::string&, const Json& parameters, const control::Caller&) {
        asked_ = parameters.at("request");
        return reply_;
    }), thread_([this] { server_.run([] {}); }) {
        std::filesystem::create_directory(site_);
        first_.save_new(site_ / "site.key");
    }
    ~SiteKeyCommand() override {
        server_.stop();
        thread_.join();
    }
    [[nodiscard]] Outcome run(std::vector<std::string> more) const {
        std::vector<std::string> words{ASHLARCTL, "--socket", (directory_.path() / "socket").native(), "site", "key"};
        words.insert(words.end(), more.begin(), more.end());
        return ashlar::run({.argv = words});
    }
    [[nodiscard]] Outcome rotate() const { return run({"rotate", site_.native()}); }
    void take() { reply_ = {{"format", 1}, {"answer", {{"key", "0011"}, {"former", "2233"}}}}; }
    void refuse() { reply_ = {{"format", 1}, {"refused", {{"reason", "unavailable"}, {"text", "etcd does not answer"}}}}; }
    [[nodiscard]] site::SiteKey key(const char* name) const { return site::SiteKey::load(site_ / name); }
    [[nodiscard]] bool has(const char* name) const { return std::filesystem::exists(site_ / name); }
    [[nodiscard]] std::string offered() const { return std::string(text_of(from_base64(asked_.at("key").get<std::string>()).value())); }

    TemporaryDirectory directory_{testing::TempDir(), "ctl-"};
    const std::filesystem::path site_ = directory_.path() / "berlin-1";
    const site::SiteKey first_ = site::SiteKey::generate(SiteId::random());
    Json reply_, asked_;
    control::Server server_;
    std::thread thread_;
};

TEST_F(SiteKeyCommand, ReplacesTheKeyOnceTheVotersHaveIt) {
    take();
    const auto outcome = rotate();
    EXPECT_TRUE(outcome.ok()) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("the site has the key 0011 from now on"));
    EXPECT_EQ(offered(), key("site.key").text().text());
    EXPECT_NE(key("site.key").id(), first_.id());
    EXPECT_EQ(key("site.key").site(), first_.site());
    EXPECT_EQ(key("site.key.previous").id(), first_.id());
    EXPECT_FALSE(has("site.key.next"));
    EXPECT_EQ(outcome.output.find(offered().substr(50, 32)), std::string::npos);
}

// Whatever became of the first one: it is the same key that is offered again.
TEST_F(SiteKeyCommand, IsSaidAgainAfterItWasCutOff) {
    refuse();
    const auto refused = rotate();
    EXPECT_THAT(refused.errors, HasSubstr("the voters refuse 'site.key.rotate': etcd does not answer"));
    EXPECT_EQ(key("site.key").id(), first_.id());
    EXPECT_FALSE(has("site.key.previous"));
    const auto next = key("site.key.next").id();
    take();
    EXPECT_TRUE(rotate().ok());
    EXPECT_EQ(key("site.key").id(), next);
    EXPECT_EQ(key("site.key.previous").id(), first_.id());
}

// The other file was in place, and the one beside it not gone yet: the key of before stays the one of before.
TEST_F(SiteKeyCommand, DoesNotForgetTheKeyOfBeforeWhenItIsSaidAgain) {
    take();
    const auto next = site::SiteKey::generate(first_.site());
    next.save_new(site_ / "site.key.next");
    first_.save_new(site_ / "site.key.previous");
    std::filesystem::remove(site_ / "site.key");
    next.save_new(site_ / "site.key");
    EXPECT_TRUE(rotate().ok());
    EXPECT_EQ(key("site.key").id(), next.id());
    EXPECT_EQ(key("site.key.previous").id(), first_.id());
    EXPECT_FALSE(has("site.key.next"));
}

TEST_F(SiteKeyCommand, WantsADirectoryWithAKey) {
    std::filesystem::remove(site_ / "site.key");
    EXPECT_THAT(rotate().errors, HasSubstr("it has no site.key\n  hint: name the directory that `ashlar site new` made"));
    EXPECT_TRUE(asked_.is_null());
}

TEST_F(SiteKeyCommand, NamesWhoIsLeftBehind) {
    reply_ = {{"format", 1}, {"answer", {{"key", "0011"}, {"former", nullptr}, {"without", Json::array({"n04", "n05"})}}}};
    EXPECT_THAT(run({"finish", "--without", "n04", "--without", "n05"}).output, HasSubstr("left behind: n04, n05."));
    EXPECT_EQ(asked_.at("without"), "n04,n05");
    EXPECT_FALSE(run({"finish"}).ok());
}

TEST(SiteKeyText, SaysWhoHasNotTakenIt) {
    const auto member = [](const char* name, const Json& key, const Json& former) { return Json{{"name", name}, {"node", "0"}, {"key", key}, {"former", former}}; };
    EXPECT_EQ(ctl::site_key_text({{"key", "b"}, {"former", "a"}, {"members", Json::array({member("n01", "b", "a"), member("n02", "a", nullptr), member("n03", nullptr, nullptr)})}, {"missing", {"n02", "n03"}}}),
              "site key   b\n"
              "           in the place of a, by which members are heard until every one of them has the other\n"
              "           n01          has it\n"
              "           n02          has not taken it over\n"
              "           n03          has not taken it over\n");
    EXPECT_EQ(ctl::site_key_text({{"key", "b"}, {"former", nullptr}, {"members", Json::array({member("n01", "b", nullptr), member("n02", "b", "a"), member("n03", "a", nullptr)})}, {"missing", {"n03"}}}),
              "site key   b\n"
              "           n02          has it, and hears by the one of before still\n"
              "           n03          has not taken it over\n");
}

} // namespace
} // namespace ashlar
