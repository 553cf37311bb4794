// From one etcd into another: what comes back, and that it does once.

#include <restoration/collect.hpp>
#include <restoration/restore.hpp>

#include <backup/fate.hpp>
#include <base/error.hpp>
#include <error_of.hpp>
#include <formations/sealed_vault.hpp>
#include <forming/ledger.hpp>
#include <one_etcd.hpp>
#include <roster/audit.hpp>
#include <roster/roster.hpp>
#include <signing/base64.hpp>

#include <gmock/gmock.h>

namespace ashlar::restoration {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Time now = OneEtcd::now();

// A site that is lost, and the nodes on which it comes back, with etcd of both on one member: emptied in between.
class Restoration : public testing::Test {
protected:
    Restoration() {
        client_.put("/genesis", lost_.genesis.text());
        client_.put(roster::key::node(node_), text_of(member()));
        client_.put(roster::key::name("n01"), node_.text());
        client_.put("/seats/" + node_.text(), "sealed");
        client_.put("/plan/site.toml", "the old plan");
        client_.put("/tickets/01", R"(["0123"])");
        client_.put("/locks/galera", forming::to_text(forming::Holder{"a", "b", "c", "d"}));
        client_.put("/formations/galera/once/begin", forming::to_text(forming::Marker{.holder = {"a", "b", "c", "d"}, .is_done = true}));
        client_.put("/formations/galera/once/grow", forming::to_text(forming::Marker{.holder = {"a", "b", "c", "d"}, .is_done = false}));
        client_.put("/formations/galera/facts/uuid", "42");
        client_.put("/formations/galera/members/" + node_.text(), R"({"address":"","name":"n01"})");
        client_.put("/formations/galera/secrets/root", formations::SealedVault::sealed(Secret("s3cret"), {{node_.text(), etcd_.key.verifying_key()}}, lost_.site.text(), "galera", "root"));
        client_.put("/test", std::string("kept\0\xff", 6));
        audit::add(client_, {.time = now, .who = "root on n01", .what = "node.approve", .about = "n02", .text = "of old"});
    }

    roster::Member member() const {
        return {.key = etcd_.key.verifying_key(), .bearer = {.node = node_, .name = "n01", .roles = {"control"}, .addresses = {etcd_.address}}, .serial = "S1", .state = roster::Member::State::member, .since = now};
    }
    Collected collected() { return collect(client_, {.value = lost_, .authorities = authorities_, .site_key = key_text_, .key = etcd_.key, .site_name = "berlin-1"}, now); }
    std::string file() {
        auto [header, content] = collected();
        content = backup::for_restore(std::move(content), header);
        return backup::write_restore(header, content, key_);
    }
    // On new nodes, with what the voters have agreed on.
    genesis::Value value_again(const std::string& file) const { return genesis::build_again(lost_.site, GenesisId::random(), {{.key = heir_.verifying_key(), .name = "n01", .roles = {"control"}, .addresses = {etcd_.address}}}, past_of(file, key_), now); }
    void lose_everything() {
        for (const auto& pair : client_.range("").pairs) client_.remove(pair.key);
    }
    void restore_to(const genesis::Value& value, const std::string& file) { restore(client_, value, file, key_, "node n01", now); }
    std::vector<std::string> keys() {
        std::vector<std::string> keys;
        for (const auto& pair : client_.range("").pairs) keys.push_back(pair.key.starts_with("/audit/") ? "/audit/" : pair.key);
        return keys;
    }
    std::string value_of(const std::string& key) {
        const auto pair = client_.get(key);
        return pair ? pair->value : "nothing";
    }

    OneEtcd etcd_;
    etcd::Client client_ = etcd_.client();
    const genesis::Value& lost_ = etcd_.value;
    const NodeId node_ = node_id_of(etcd_.key.verifying_key());
    const genesis::Authorities authorities_ = std::get<genesis::Authorities>(genesis::open(lost_, *genesis::keys_for(lost_, node_), etcd_.key));
    const site::SiteKey key_ = site::SiteKey::generate(lost_.site);
    const Secret key_text_{"ashlar-site-key-1"};
    const SigningKey heir_ = SigningKey::generate(site_scheme);
};

TEST_F(Restoration, ABackupHoldsWhatTheSiteKnows) {
    const auto [header, content] = collected();
    EXPECT_EQ(header.site, lost_.site);
    EXPECT_EQ(header.genesis, lost_.genesis);
    EXPECT_EQ(header.holds, (backup::Holdings{.nodes = 1, .secrets = 1, .pairs = 12, .audit = 1, .audit_left_out = 0}));
    EXPECT_EQ(content.genesis, genesis::text_of(lost_));
    EXPECT_EQ(content.authority.text(), authorities_.site.secret().text());
    EXPECT_EQ(content.etcd_authority.text(), authorities_.etcd.secret().text());
    EXPECT_EQ(content.site_key.text(), key_text_.text());
    ASSERT_THAT(content.secrets, SizeIs(1));
    EXPECT_EQ(content.secrets[0].value.text(), "s3cret");
    EXPECT_THAT(content.pairs, Contains(backup::Pair{"/test", std::string("kept\0\xff", 6)}));
    EXPECT_THAT(content.pairs, Contains(backup::Pair{"/plan/site.toml", "the old plan"}));
}

TEST_F(Restoration, ASecretWithoutACopyForThisVoterIsNotLeftOut) {
    client_.put("/formations/galera/secrets/root", formations::SealedVault::sealed(Secret("s3cret"), {{node_id_of(heir_.verifying_key()).text(), heir_.verifying_key()}}, lost_.site.text(), "galera", "root"));
    EXPECT_EQ(error_of([&] { (void)collected(); }), "cannot back up the secret 'galera/root': this voter has no copy of it yet\n  hint: ask again in a minute, or another voter");
}

TEST_F(Restoration, ABackupIsKnownToBeTooLargeForMediaWhenItIsMade) {
    auto small = collected();
    EXPECT_TRUE(fits_on_media(small.header, std::move(small.content), key_));
    auto large = collected();
    std::string noise(400'000, '\0');
    for (std::uint32_t i = 0, seed = 7; i < noise.size(); ++i) noise[i] = static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24);
    large.content.pairs.push_back({"/zoo", noise});
    EXPECT_FALSE(fits_on_media(large.header, std::move(large.content), key_));
}

TEST_F(Restoration, BringsBackWhatIsTrueOfOtherNodesToo) {
    const std::string brought = file();
    const auto value = value_again(brought);
    lose_everything();
    EXPECT_FALSE(is_done(client_));
    restore_to(value, brought);
    EXPECT_TRUE(is_done(client_));
    EXPECT_THAT(keys(), testing::ElementsAre("/audit/", "/audit/", "/formations/galera/facts/uuid", "/formations/galera/once/begin", "/formations/galera/secrets/root", roster::key::node(node_), "/restored", "/test", "/tickets/01"));
    EXPECT_EQ(value_of("/test"), std::string("kept\0\xff", 6));

    const auto roster = roster::read(client_);
    EXPECT_THAT(roster.members(), IsEmpty());
    EXPECT_EQ(roster.nodes.at(node_).value.state, roster::Member::State::removed);
    EXPECT_EQ(roster.nodes.at(node_).value.since, now);

    const auto entries = audit::read(client_);
    ASSERT_THAT(entries, SizeIs(2));
    EXPECT_TRUE(std::ranges::any_of(entries, [](const auto& entry) { return entry.text == "of old"; }));
    EXPECT_TRUE(std::ranges::any_of(entries, [&](const auto& entry) { return entry.what == "site.restore" && entry.about == "berlin-1" && entry.text.find(lost_.genesis.text()) != std::string::npos; }));
}

TEST_F(Restoration, GivesSecretsToTheNewVotersAndToNobodyElse) {
    const std::string brought = file();
    const auto value = value_again(brought);
    lose_everything();
    restore_to(value, brought);
    const std::string record = value_of("/formations/galera/secrets/root");
    const auto opened = formations::SealedVault::opened(record, heir_, value.site.text(), "galera", "root");
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->text(), "s3cret");
    EXPECT_FALSE(formations::SealedVault::opened(record, etcd_.key, value.site.text(), "galera", "root"));
}

TEST_F(Restoration, GoesOnWithTheAuthoritiesThatTheSiteHad) {
    const auto value = value_again(file());
    EXPECT_EQ(value.authority, lost_.authority);
    EXPECT_EQ(value.etcd_authority, lost_.etcd_authority);
    EXPECT_NE(value.genesis, lost_.genesis);
    ASSERT_TRUE(value.restores);
    EXPECT_EQ(value.restores->genesis, lost_.genesis);
    const auto read = genesis::check(genesis::text_of(value), {.site = value.site, .key = heir_});
    ASSERT_TRUE(std::holds_alternative<genesis::Value>(read)) << std::get<genesis::Refused>(read).text;
    EXPECT_EQ(std::get<genesis::Value>(read), value);
}

// What was written afterwards stays, however often a voter starts.
TEST_F(Restoration, HappensOnce) {
    const std::string brought = file();
    const auto value = value_again(brought);
    lose_everything();
    restore_to(value, brought);
    client_.put("/test", "changed since");
    client_.remove("/tickets/01");
    restore_to(value, brought);
    EXPECT_EQ(value_of("/test"), "changed since");
    EXPECT_EQ(value_of("/tickets/01"), "nothing");
    EXPECT_THAT(audit::read(client_), SizeIs(2));
}

// A voter that comes late, and still writes when the others have begun to work.
TEST_F(Restoration, ChangesNothingWhenOthersHaveDoneIt) {
    const std::string brought = file();
    const auto value = value_again(brought);
    lose_everything();

    class Late final : public etcd::Door {
    public:
        Late(etcd::Door& door, std::function<void()> before) : door_(door), before_(std::move(before)) {}
        std::variant<Answer, NoAnswer> ask(const std::string& endpoint, const std::string& path, const std::string& body, std::chrono::milliseconds timeout, Enough enough) override {
            if (path == "/v3/kv/txn" && before_) std::exchange(before_, nullptr)();
            return door_.ask(endpoint, path, body, timeout, enough);
        }

    private:
        etcd::Door& door_;
        std::function<void()> before_;
    };
    etcd::HttpsDoor door(etcd_.identification());
    Late late(door, [&] {
        restore_to(value, brought);
        client_.put("/test", "changed since");
    });
    etcd::Client of_late(late, {etcd::client_url(etcd_.address)});
    restore(of_late, value, brought, key_, "node n02", now);
    EXPECT_EQ(value_of("/test"), "changed since");
    EXPECT_THAT(audit::read(client_), SizeIs(2));
}

// Cut off after each of its transactions.
TEST_F(Restoration, GoesOnWhereItWasCutOff) {
    for (int i = 0; i < 300; ++i) client_.put(fmt::format("/zoo/{:04}", i), "animal");
    const std::string brought = file();
    const auto value = value_again(brought);

    class Cut final : public etcd::Door {
    public:
        Cut(etcd::Door& door, unsigned after) : door_(door), left_(after) {}
        std::variant<Answer, NoAnswer> ask(const std::string& endpoint, const std::string& path, const std::string& body, std::chrono::milliseconds timeout, Enough enough) override {
            if (path == "/v3/kv/txn" && left_-- == 0) throw std::runtime_error("power cut");
            return door_.ask(endpoint, path, body, timeout, enough);
        }

    private:
        etcd::Door& door_;
        unsigned left_;
    };
    etcd::HttpsDoor door(etcd_.identification());
    bool is_whole = false;
    unsigned cuts = 0;
    for (; !is_whole && cuts < 20; ++cuts) {
        lose_everything();
        Cut cut(door, cuts);
        etcd::Client until_cut(cut, {etcd::client_url(etcd_.address)});
        try {
            restore(until_cut, value, brought, key_, "node n01", now);
            is_whole = true;
        } catch (const std::runtime_error&) {
            EXPECT_FALSE(is_done(client_));
        }
        restore_to(value, brought);
        EXPECT_THAT(keys(), SizeIs(309)) << cuts;
    }
    EXPECT_TRUE(is_whole);
    EXPECT_GT(cuts, 4U);
}

TEST_F(Restoration, OfAnotherFileThanWasAgreedOnIsRefused) {
    const auto value = value_again(file());
    EXPECT_EQ(error_of([&] { restore_to(value, file()); }), "cannot restore the site: this node's restore file is not the one that was agreed on\n  hint: every voter's medium has the same");
    EXPECT_EQ(error_of([&] { restore_to(lost_, file()); }), "cannot restore the site: this node's restore file is not the one that was agreed on\n  hint: every voter's medium has the same");
}

TEST_F(Restoration, WithKeysThatAreNotTheAuthoritiesIsRefused) {
    auto [header, content] = collected();
    content.authority = SigningKey::generate(site_scheme).secret();
    const std::string wrong = backup::write_restore(header, content, key_);
    EXPECT_THAT(error_of([&] { (void)past_of(wrong, key_); }), HasSubstr("it does not belong to the authority's certificate"));
}

} // namespace
} // namespace ashlar::restoration
