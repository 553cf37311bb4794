// The directory that `ashlar site new` makes.

#include <sites/new_site.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <site/key.hpp>
#include <site/review.hpp>
#include <site/site.hpp>

#include <error_of.hpp>

#include <gmock/gmock.h>

#include <filesystem>
#include <sys/stat.h>

using namespace ashlar;
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

TEST(NewSite, IsValidFromTheStart) {
    const TemporaryDirectory work(fs::temp_directory_path());
    for (const unsigned voters : {1U, 3U, 5U}) {
        const fs::path directory = work.path() / std::to_string(voters);
        const SiteId id = sites::write_new_site(directory, {.name = "berlin-1", .voters = voters});
        const site::Site site = site::load(directory / "site.toml", "site.toml");
        EXPECT_EQ(site.id, id);
        EXPECT_EQ(site.name, "berlin-1");
        EXPECT_EQ(site.genesis->voters, voters);
        EXPECT_EQ(site.nodes.size(), voters);
        EXPECT_EQ(site::SiteKey::load(directory / "site.key").site(), id);
        EXPECT_THAT(names_in(directory), ElementsAre(".gitignore", "nodes.csv", "site.key", "site.toml"));
    }
    EXPECT_THAT(names_in(work.path()), ElementsAre("1", "3", "5")); // nothing half-made beside them
}

// Whoever takes away the marks of its comments has a file that means something.
TEST(NewSite, ItsExamplesAreTheFormat) {
    std::string text = sites::site_text({.name = "berlin-1"}, SiteId::random());
    for (const std::string start : {"# bond", "# mtu", "# vlan", "# routes", "# [planes.storage]", "# link", "# subnets", "# [vip]", "# addresses", "# [discovery]", "# seeds", "# [services]", "# memcached",
                                    "# enrol_until", "# require_tpm", "# [[disks.ceph]]", "# bus", "# min_size", "# min =", "# wipe", "# model"})
        for (std::size_t at = text.find("\n" + start); at != text.npos; at = text.find("\n" + start, at)) text.erase(at + 1, 2);
    const auto beside = [](const std::string& name) { return toml::source_from_text(name, sites::nodes_text({.name = "berlin-1"})); };
    const site::Site site = site::read(toml::source_from_text("site.toml", text), beside);
    EXPECT_EQ(site.planes.at(site::Plane::storage).vlan, 20);
    EXPECT_EQ(site.vip.addresses.size(), 1U);
    EXPECT_EQ(site.data_disks.at("ceph").front().min, 1U);
    EXPECT_TRUE(site.trust.enrol_until.has_value());
}

TEST(NewSite, ItsKeyIsForItsOwnerOnly) {
    const TemporaryDirectory work(fs::temp_directory_path());
    sites::write_new_site(work.path() / "a", {.name = "a"});
    struct stat info {};
    ASSERT_EQ(::stat((work.path() / "a/site.key").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    EXPECT_NE(read_file(work.path() / "a/site.key"), [&] {
        sites::write_new_site(work.path() / "b", {.name = "a"});
        return read_file(work.path() / "b/site.key");
    }());
}

TEST(NewSite, TakesThePlaceOfNothing) {
    const TemporaryDirectory work(fs::temp_directory_path());
    write_file(work.path() / "a", "mine");
    EXPECT_THAT(error_of([&] { sites::write_new_site(work.path() / "a", {.name = "a"}); }), HasSubstr("is there already"));
    fs::create_directory(work.path() / "b");
    EXPECT_THAT(error_of([&] { sites::write_new_site(work.path() / "b/", {.name = "b"}); }), HasSubstr("is there already"));
    EXPECT_EQ(read_file(work.path() / "a"), "mine");
    EXPECT_THAT(names_in(work.path()), ElementsAre("a", "b"));
}

TEST(NewSite, WhatCannotBe) {
    const TemporaryDirectory work(fs::temp_directory_path());
    EXPECT_THAT(error_of([&] { sites::write_new_site(work.path() / "a", {.name = "Berlin"}); }), HasSubstr("cannot make site 'Berlin': that is not the name of a site"));
    EXPECT_THAT(error_of([&] { sites::write_new_site(work.path() / "a", {.name = "a\"\nid = \"b"}); }), HasSubstr("that is not the name of a site"));
    EXPECT_EQ(error_of([&] { sites::write_new_site(work.path() / "a", {.name = "a", .voters = 2}); }), "cannot make site 'a': it would have 2 voters\n  hint: a site has 1, 3 or 5");
    EXPECT_THAT(error_of([&] { sites::write_new_site(work.path() / "no/such/a", {.name = "a"}); }), HasSubstr("cannot create"));
    EXPECT_THAT(names_in(work.path()), ElementsAre());
}

} // namespace
