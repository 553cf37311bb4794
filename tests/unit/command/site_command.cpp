// `ashlar site`: a new site's directory, everything that is wrong with it, tickets.

#include "site.hpp"

#include <backup/backup.hpp>
#include <base/text.hpp>
#include <site/key.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>
#include <sys/stat.h>

using namespace ashlar;
using namespace ashlar::command;
using testing::HasSubstr;
using testing::Not;

namespace {

unsigned mode_of(const fs::path& file) {
    struct stat info {};
    return ::stat(file.c_str(), &info) == 0 ? info.st_mode & 0777U : 0;
}

// The digits of a site's key: what nothing may print.
std::string key_in(const fs::path& file) {
    const std::string text = read_file(file);
    return std::string(trim(text.substr(text.rfind(' '))));
}

} // namespace

TEST(SiteCommand, ANewOneIsMadeAndChecked) {
    const Site site;
    EXPECT_EQ(site.answer({"site", "new", "berlin-1"}), "berlin-1: edit site.toml and nodes.csv, then `ashlar site check berlin-1`; keep site.key secret, and a copy of it somewhere else\n");
    EXPECT_EQ(mode_of(site.path() / "berlin-1/site.key"), 0600U);
    const std::string answer = site.answer({"site", "check", "berlin-1"});
    EXPECT_THAT(answer, HasSubstr("warning: there is no recovery key: disks are not encrypted, and whoever takes one has what is on it\n"));
    EXPECT_THAT(answer, testing::EndsWith("berlin-1/site.toml: site 'berlin-1', 3 nodes, 3 voters: 0 errors, 5 warnings\n"));
    EXPECT_EQ(site.refusal({"site", "new", "berlin-1"}, 3), "ashlar: cannot make site 'berlin-1': 'berlin-1' is there already\n"
                                                            "  hint: give another --directory, or remove it if nothing was ever installed from it: its key is not made again\n");
    EXPECT_EQ(site.refusal({"site", "new", "Berlin"}, 3), "ashlar: cannot make site 'Berlin': that is not the name of a site\n  hint: write lower-case letters, digits and '-', such as berlin-1\n");
    EXPECT_EQ(site.refusal({"site", "new", "lab", "--voters", "4"}, 3), "ashlar: cannot make site 'lab': it would have 4 voters\n  hint: a site has 1, 3 or 5\n");
    EXPECT_FALSE(fs::exists(site.path() / "lab"));
    const Json made = parse_json(site.answer({"site", "new", "lab", "--voters", "1", "--directory", "elsewhere", "--json"}), "answer");
    EXPECT_EQ(made["directory"], "elsewhere");
    EXPECT_EQ(made["id"].get<std::string>().size(), 32U);
}

TEST(SiteCommand, EverythingThatIsWrongIsSaid) {
    Site site;
    (void)site.answer({"site", "new", "a"});
    site.write("a/nodes.csv", "name,serial,template,voter,management\nn01,S1,al,true,10.0.0.11\nn02,S2,all,true,10.0.0.11\n");
    EXPECT_EQ(site.answer({"site", "check", "a/site.toml"}, 1), R"(a/nodes.csv:2:8: 'al' is no template
  2 | n01,S1,al,true,10.0.0.11
    |        ^~
did you mean 'all'?

a/nodes.csv:3:17: address '10.0.0.11' is given twice
  3 | n02,S2,all,true,10.0.0.11
    |                 ^~~~~~~~~
a/nodes.csv:2:16: first given here
  2 | n01,S1,al,true,10.0.0.11
    |                ^~~~~~~~~

a/site.toml:12:1: the site is to have 3 voters, and 2 are named
  12 | voters = 3
     | ^~~~~~
a/nodes.csv:2:11: node 'n01' is a voter
  2 | n01,S1,al,true,10.0.0.11
    |           ^~~~
a/nodes.csv:3:12: node 'n02' is a voter
  3 | n02,S2,all,true,10.0.0.11
    |            ^~~~
write `voter = true` in as many nodes

a/site.toml: 3 errors, 0 warnings
)");
    const Json json = parse_json(site.answer({"site", "check", "a", "--json"}, 1), "answer");
    EXPECT_EQ(json["errors"].size(), 3U);
    EXPECT_EQ(json["errors"][0], (Json{{"file", "a/nodes.csv"}, {"line", 2}, {"column", 8}, {"message", "'al' is no template"}, {"remedy", "did you mean 'all'?"}}));
    EXPECT_EQ(json["site"], nullptr);
}

TEST(SiteCommand, AKeyThatIsOpenOrOfAnotherSiteIsAnError) {
    const Site site;
    (void)site.answer({"site", "new", "a"});
    (void)site.answer({"site", "new", "b"});
    fs::permissions(site.path() / "a/site.key", fs::perms::others_read, fs::perm_options::add);
    EXPECT_THAT(site.answer({"site", "check", "a"}, 1), HasSubstr("its mode 0604 lets others than its owner use it"));
    fs::copy_file(site.path() / "b/site.key", site.path() / "a/site.key", fs::copy_options::overwrite_existing);
    fs::permissions(site.path() / "a/site.key", fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_THAT(site.answer({"site", "check", "a"}, 1), HasSubstr("a/site.key: it is the key of another site"));
    fs::remove(site.path() / "a/site.key");
    EXPECT_THAT(site.answer({"site", "check", "a"}), HasSubstr("warning: there is no site.key beside it"));
}

TEST(SiteCommand, ATicketIsForANodeOrForAny) {
    const Site site;
    (void)site.answer({"site", "new", "a"});
    const std::string key = key_in(site.path() / "a/site.key");
    const Json made = parse_json(site.answer({"site", "ticket", "a", "--node", "n02", "--expires", "7d", "-o", "n02.ticket", "--json"}), "answer");
    EXPECT_EQ(made["node"], "n02");
    EXPECT_EQ(made["uses"], 1);
    const std::string ticket = read_file(site.path() / "n02.ticket");
    EXPECT_THAT(ticket, testing::StartsWith("ashlar-ticket 1\nsite: "));
    EXPECT_EQ(mode_of(site.path() / "n02.ticket"), 0600U);
    EXPECT_THAT(ticket, Not(HasSubstr(key)));
    // Of what is secret in it nothing is told.
    EXPECT_THAT(made.dump(), Not(HasSubstr(ticket.substr(ticket.find("secret: ") + 8, 64))));
    EXPECT_THAT(site.answer({"site", "ticket", "a/site.toml", "--uses", "40", "-o", "any.ticket"}), HasSubstr(" for any node, 40 uses; put it on the medium as ashlar/ticket\n"));
    EXPECT_EQ(site.refusal({"site", "ticket", "a", "--node", "n2", "-o", "x"}, 3), "ashlar: cannot make a ticket for 'n2': site 'a' lists no such node\n  hint: did you mean 'n02'?\n");
    EXPECT_EQ(site.refusal({"site", "ticket", "a", "--expires", "soon", "-o", "x"}, 3), "ashlar: cannot make a ticket for 'soon': that is not a time\n  hint: write a whole number and m, h or d, such as 30d; at most 366d\n");
    EXPECT_THAT(site.refusal({"site", "ticket", "a", "--expires", "367d", "-o", "x"}, 3), HasSubstr("at most 366 days"));
    EXPECT_THAT(site.refusal({"site", "ticket", "a", "-o", "any.ticket"}, 3), HasSubstr("File exists"));
    EXPECT_EQ(site.refusal({"site", "ticket", "a"}, 2), "ashlar: cannot run 'ashlar site ticket': --to is missing\n  hint: see `ashlar site ticket --help`\n");
    EXPECT_FALSE(fs::exists(site.path() / "x"));
}

// ---- After the loss of all -----------------------------------------------------------------------------------

namespace {

class RestoreCommand : public testing::Test {
protected:
    RestoreCommand() {
        (void)site_.answer({"site", "new", "a"});
        recovery_.save_new(site_.path() / "recovery.key");
        write_backup(id());
    }
    [[nodiscard]] SiteId id() const { return site::SiteKey::load(site_.path() / "a/site.key").site(); }
    void write_backup(const SiteId& of, std::vector<backup::Pair> pairs = {{"/names/n01", "0123"}, {"/nodes/0123", "{}"}, {"/plan/site.toml", "as it was"}, {"/test", "kept"}}) {
        const backup::Header header{.site = of, .name = "a", .genesis = GenesisId{}, .made = Time(std::chrono::seconds(1796000000)), .holds = {.nodes = 1, .secrets = 1, .pairs = pairs.size(), .audit = 0, .audit_left_out = 0}};
        backup::Content content{.genesis = "g", .authority = Secret("a"), .etcd_authority = Secret("e"), .site_key = Secret("s"), .secrets = {}, .pairs = std::move(pairs)};
        content.secrets.push_back({"galera", "root", Secret("s3cret")});
        site_.write("a.backup", backup::write_backup(header, content, recovery_.public_key()));
    }
    [[nodiscard]] std::vector<std::string> words(std::vector<std::string> more = {}) const {
        std::vector<std::string> all{"site", "restore", "a", "a.backup", "--key", "recovery.key"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    Site site_;
    const PrivateKey recovery_ = PrivateKey::generate(RsaBits::rsa2048);
};

TEST_F(RestoreCommand, MakesWhatMediaOfNewVotersBring) {
    const std::string answer = site_.answer(words());
    EXPECT_THAT(answer, HasSubstr("a/restore: site 'a' as of 2026-11-30 00:53:20 UTC: 1 node (as removed), 1 secret, 2 keys of etcd\n"));
    EXPECT_THAT(answer, HasSubstr("put it on the media of the voters as ashlar/restore, beside site.toml and site.key"));
    EXPECT_EQ(mode_of(site_.path() / "a/restore"), 0600U);
    const auto content = backup::open_restore(read_file(site_.path() / "a/restore"), "restore", site::SiteKey::load(site_.path() / "a/site.key"));
    EXPECT_THAT(content.pairs, testing::ElementsAre(backup::Pair{"/nodes/0123", "{}"}, backup::Pair{"/test", "kept"}));
    EXPECT_EQ(content.secrets.at(0).value.text(), "s3cret");
    EXPECT_EQ(site_.refusal(words(), 3), "ashlar: cannot write 'a/restore': it is there already\n  hint: media of one restoration have one file: remove it when no node was started with it\n");
}

TEST_F(RestoreCommand, SaysWhenThePlanWasAnotherOne) {
    const Json answer = parse_json(site_.answer(words({"--plan", "then", "--json"})), "answer");
    EXPECT_EQ(answer.at("other_plan"), Json::array({"site.toml"}));
    EXPECT_EQ(answer.at("file"), "a/restore");
    EXPECT_EQ(read_file(site_.path() / "then/site.toml"), "as it was");
    EXPECT_NE(read_file(site_.path() / "a/site.toml"), "as it was");
}

TEST_F(RestoreCommand, RefusesWhatDoesNotBelongTogether) {
    const SiteId other = SiteId::random();
    write_backup(other);
    EXPECT_EQ(site_.refusal(words(), 3), fmt::format("ashlar: cannot restore site 'a' from 'a.backup': that is a backup of site 'a', {}, and site.toml is of {}\n  hint: take the directory from which the lost nodes were flashed\n", other.text(), id().text()));
    write_backup(id());
    PrivateKey::generate(RsaBits::rsa2048).save_new(site_.path() / "other.key");
    EXPECT_THAT(site_.refusal({"site", "restore", "a", "a.backup", "--key", "other.key"}, 3), HasSubstr("cannot open the backup 'a.backup': it is sealed to the recovery key " + recovery_.public_key().fingerprint().hex()));
    std::string changed = read_file(site_.path() / "a.backup");
    changed[changed.size() - 5] = changed[changed.size() - 5] == 'A' ? 'B' : 'A';
    site_.write("a.backup", changed);
    EXPECT_EQ(site_.refusal(words(), 3), "ashlar: cannot open the backup 'a.backup': it was changed or damaged since it was made\n  hint: take another copy\n");
    EXPECT_FALSE(fs::exists(site_.path() / "a/restore"));
}

TEST_F(RestoreCommand, RefusesWhatNoNodeHasRoomFor) {
    std::string noise(400'000, '\0');
    for (std::uint32_t i = 0, seed = 7; i < noise.size(); ++i) noise[i] = static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24);
    write_backup(id(), {{"/test", noise}});
    EXPECT_THAT(site_.refusal(words(), 3), testing::MatchesRegex("ashlar: cannot write the restore file: it has 53.... bytes, at most 393216 are possible\n  hint: leave out .*--without /PREFIX/.*\n"));
    EXPECT_FALSE(fs::exists(site_.path() / "a/restore"));
    EXPECT_THAT(site_.answer(words({"--without", "/test"})), HasSubstr("0 keys of etcd"));
}

} // namespace
