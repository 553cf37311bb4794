// What a medium brings of its site, with a restore file beside it.

#include <node/site_files.hpp>

#include <backup/backup.hpp>
#include <state/state.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::node {
namespace {

using testing::HasSubstr;

class RestoringMedium : public testing::Test {
protected:
    RestoringMedium() {
        write("site.toml", fmt::format("[site]\nname = \"berlin-1\"\nid = \"{}\"\n[genesis]\nmode = \"seed\"\nvoters = 1\n[[node]]\nname = \"n01\"\nserial = \"S1\"\nvoter = true\n[install]\nencryption = \"off\"\nin_place = true\n", site_.text()));
        key_.save_new(directory_.path() / "site.key");
        write("restore", restore_of(site_, key_));
    }
    void write(const std::string& name, const std::string& text) { write_file(directory_.path() / name, text); }
    static std::string restore_of(const SiteId& site, const site::SiteKey& key) {
        const backup::Content content{.genesis = "g", .authority = Secret("a"), .etcd_authority = Secret("e"), .site_key = Secret("s"), .secrets = {}, .pairs = {}};
        return backup::write_restore({.site = site, .name = "berlin-1", .genesis = GenesisId::random(), .made = {}, .holds = {}}, content, key);
    }
    [[nodiscard]] std::string refusal() const {
        try {
            (void)read_site_files(directory_.path());
        } catch (const Error& error) {
            return error.render();
        }
        return "no error";
    }

    const SiteId site_ = SiteId::random();
    const site::SiteKey key_ = site::SiteKey::generate(site_);
    TemporaryDirectory directory_{testing::TempDir(), "medium-"};
};

TEST_F(RestoringMedium, IsRead) {
    const auto files = read_site_files(directory_.path());
    EXPECT_EQ(files.restore(), read_file(directory_.path() / "restore"));
    std::filesystem::remove(directory_.path() / "restore");
    EXPECT_EQ(read_site_files(directory_.path()).restore(), std::nullopt);
}

TEST_F(RestoringMedium, BringsNoKeyOfBefore) {
    site::SiteKey::generate(site_).save_new(directory_.path() / "site.key.former");
    EXPECT_FALSE(read_site_files(directory_.path()).former_key());
}

// It would be in the site's plan, for everybody to read.
TEST_F(RestoringMedium, IsNoPartOfThePlan) {
    const auto files = read_site_files(directory_.path());
    EXPECT_FALSE(files.public_texts().contains("restore"));
    EXPECT_TRUE(files.public_texts().contains("site.toml"));
}

// Nor does the copy of before have it.
TEST_F(RestoringMedium, IsForgottenWhenItIsDone) {
    const auto partition = directory_.path() / "state";
    write_file(partition, "");
    std::filesystem::resize_file(partition, state::partition_size);
    state::write(partition, {{"site_files", to_json(read_site_files(directory_.path()))}, {"other", 1}});
    const auto is_there = [&] { return read_file(partition).find("ashlar site restore") != std::string::npos; };
    EXPECT_TRUE(is_there());
    forget_restore(partition);
    EXPECT_FALSE(is_there());
    const auto left = state::read(partition).value();
    const auto files = site_files_in(left.content).value();
    EXPECT_EQ(files.restore(), std::nullopt);
    EXPECT_TRUE(files.key());
    EXPECT_EQ(left.content.at("other"), 1);

    forget_restore(partition);
    EXPECT_EQ(state::read(partition).value().generation, left.generation);
}

// The node is a member of a site that works, and the restore file does not open with the other key.
TEST_F(RestoringMedium, IsForgottenWhenTheSiteHasAnotherKey) {
    const auto partition = directory_.path() / "state";
    write_file(partition, "");
    std::filesystem::resize_file(partition, state::partition_size);
    state::write(partition, {{"site_files", to_json(read_site_files(directory_.path()))}, {"other", 1}});
    const auto next = site::SiteKey::generate(site_);
    keep_keys(partition, {{"site.key", std::string(next.text().text())}, {"site.key.former", std::string(key_.text().text())}, {"site.toml", "not it"}});
    const auto kept = site_files_in(state::read(partition).value().content).value();
    EXPECT_EQ(kept.key()->id(), next.id());
    EXPECT_EQ(kept.former_key()->id(), key_.id());
    EXPECT_EQ(kept.restore(), std::nullopt);
    EXPECT_EQ(kept.site.name, "berlin-1");
    // Another plan leaves them.
    keep_public_texts(partition, kept.public_texts());
    EXPECT_TRUE(site_files_in(state::read(partition).value().content).value().former_key());
    keep_keys(partition, {{"site.key", std::string(next.text().text())}});
    EXPECT_FALSE(site_files_in(state::read(partition).value().content).value().former_key());
    EXPECT_EQ(state::read(partition).value().content.at("other"), 1);
}

TEST_F(RestoringMedium, IsRefusedWhereTheFileCannotBeOpened) {
    write("restore", restore_of(site_, site::SiteKey::generate(site_)));
    EXPECT_THAT(refusal(), HasSubstr("cannot open the restore file 'restore': it was changed or damaged since it was made"));
    const SiteId other = SiteId::random();
    write("restore", restore_of(other, site::SiteKey::generate(other)));
    EXPECT_EQ(refusal(), fmt::format("cannot use 'restore': it is of site {}, and site.toml is of {}\n  hint: both come from one `ashlar site new`", other.text(), site_.text()));
    std::filesystem::remove(directory_.path() / "site.key");
    EXPECT_EQ(refusal(), "cannot use 'restore': the medium has no site.key\n  hint: media of the voters of a site that is restored have both");
}

} // namespace
} // namespace ashlar::node
