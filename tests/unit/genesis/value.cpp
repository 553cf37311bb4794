// The value that a site begins with: whole, or refused by whoever shall accept it.

#include <base/error.hpp>
#include <error_of.hpp>
#include <genesis/value.hpp>
#include <signing/base64.hpp>
#include <signing/hpke.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::genesis;
using testing::HasSubstr;
using testing::Not;

namespace {

class GenesisValue : public testing::Test {
protected:
    const Time now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30}};
    const SiteId site = SiteId::random();
    const GenesisId genesis = GenesisId::random();
    const std::vector<SigningKey> keys = [] {
        std::vector<SigningKey> made;
        for (int i = 0; i < 3; ++i) made.push_back(SigningKey::generate(site_scheme));
        return made;
    }();
    std::vector<Candidate> candidates = candidates_of(keys);
    const Value value = build(site, genesis, candidates, now);
    const std::string text = text_of(value);

    static std::vector<Candidate> candidates_of(const std::vector<SigningKey>& of) {
        std::vector<Candidate> all;
        for (const SigningKey& key : of) {
            const auto number = all.size() + 1;
            all.push_back({.key = key.verifying_key(), .name = "n0" + std::to_string(number), .roles = {"control"}, .addresses = {"10.0.0.1" + std::to_string(number)}});
        }
        return all;
    }
    [[nodiscard]] std::string refusal(std::string_view of, const SigningKey& key) const {
        const auto checked = check(of, {.site = site, .key = key});
        const auto* const refused = std::get_if<Refused>(&checked);
        return refused == nullptr ? "no refusal" : refused->text;
    }
    [[nodiscard]] std::string refusal(std::string_view of) const { return refusal(of, keys[0]); }
    // The value with something else in it.
    [[nodiscard]] std::string changed(const std::function<void(Json&)>& change) const {
        Json json = Json::parse(text);
        change(json);
        return tuf::canonical_json(json);
    }
    [[nodiscard]] std::string built_fault(const std::vector<Candidate>& of) const {
        return error_of([&] { (void)build(site, genesis, of, now); });
    }
};

} // namespace

TEST_F(GenesisValue, IsAcceptedByEachVoter) {
    for (const SigningKey& key : keys) EXPECT_EQ(std::get<Value>(check(text, {.site = site, .key = key})), value);
}

TEST_F(GenesisValue, AnyOneVotersCopyIsEnoughForTheAuthority) {
    for (const SigningKey& key : keys) {
        const auto authority = std::get<certificates::Authority>(authority_in(value, key));
        EXPECT_EQ(authority.certificate(), value.authority);
        EXPECT_EQ(authority.secret().text(), std::get<certificates::Authority>(authority_in(value, keys[0])).secret().text());
    }
}

// etcd takes every certificate of its authority: no node's may be one.
TEST_F(GenesisValue, EtcdHasAnAuthorityOfItsOwn) {
    const auto etcd = std::get<certificates::Authority>(etcd_authority_in(value, keys[1]));
    EXPECT_EQ(etcd.certificate(), value.etcd_authority);
    for (const Voter& voter : value.voters) EXPECT_TRUE(std::holds_alternative<certificates::Refusal>(certificates::verify_at_no_time(voter.certificate.der(), etcd.trust())));
    EXPECT_EQ(refusal(changed([](Json& json) { json["etcd_authority"] = json["authority"]; })), "etcd's authority is the site's");
    EXPECT_EQ(refusal(changed([](Json& json) {
                  for (auto& voter : json["voters"]) voter["etcd_authority_key"] = voter["authority_key"];
              })),
              "the key of etcd's authority does not open with this node's key");
}

TEST_F(GenesisValue, HasNoSecretInIt) {
    const auto authority = std::get<certificates::Authority>(authority_in(value, keys[0]));
    EXPECT_THAT(text, Not(HasSubstr("PRIVATE KEY")));
    EXPECT_THAT(text, Not(HasSubstr(base64(bytes_of(authority.secret().text())))));
    EXPECT_LT(text.size(), 16384U);
}

TEST_F(GenesisValue, IsAcceptedByNoClock) {
    const std::string of_next_century = text_of(build(site, genesis, candidates, now + std::chrono::days{36500}));
    EXPECT_EQ(refusal(of_next_century), "no refusal");
}

TEST_F(GenesisValue, ThatDoesNotNameThisNodeIsRefused) {
    EXPECT_EQ(refusal(text, SigningKey::generate(site_scheme)), "it does not name this node among the voters");
}

TEST_F(GenesisValue, OfAnotherSiteIsRefused) {
    const auto checked = check(text, {.site = SiteId::random(), .key = keys[0]});
    EXPECT_THAT(std::get<Refused>(checked).text, HasSubstr("it is of the site " + site.text()));
}

TEST_F(GenesisValue, WithAnotherAuthorityIsRefused) {
    const auto other = certificates::Authority::found(site, now);
    EXPECT_THAT(refusal(changed([&](Json& json) { json["authority"] = base64(other.certificate().der()); })), HasSubstr("it is not signed by the site's authority"));
}

TEST_F(GenesisValue, WithTheKeyOfAnotherAuthorityIsRefused) {
    const auto other = certificates::Authority::found(site, now);
    const std::string purpose = "ashlar authority key 1 " + site.text() + " " + genesis.text();
    const std::string swapped = changed([&](Json& json) {
        for (auto& voter : json["voters"])
            voter["authority_key"]["sealed"] = base64(seal_to_node(VerifyingKey::from_der(from_base64(voter["key"].get<std::string>()).value(), site_scheme, "voter"), purpose, other.secret()));
    });
    EXPECT_THAT(refusal(swapped), HasSubstr("it does not belong to the authority's certificate"));
}

TEST_F(GenesisValue, ThatDoesNotOpenIsRefused) {
    // Sealed for another genesis: a part of an older value.
    const Value older = build(site, GenesisId::random(), candidates, now);
    const std::string mixed = changed([&](Json& json) {
        for (std::size_t i = 0; i < 3; ++i) json["voters"][i]["authority_key"]["sealed"] = base64(older.voters[i].sealed_authority);
    });
    EXPECT_EQ(refusal(mixed), "the authority's key does not open with this node's key");
}

TEST_F(GenesisValue, WithAWordChangedIsRefused) {
    const auto voter = [](Json& json) -> Json& { return json["voters"][0]; };
    EXPECT_THAT(refusal(changed([&](Json& json) { voter(json)["name"] = "n09"; })), HasSubstr("says that it is another"));
    EXPECT_THAT(refusal(changed([&](Json& json) { voter(json)["addresses"] = Json::array({"10.9.9.9"}); })), HasSubstr("says that it is another"));
    EXPECT_THAT(refusal(changed([&](Json& json) { voter(json)["node"] = std::string(32, '0'); })), HasSubstr("has not the node id of its key"));
    EXPECT_THAT(refusal(changed([&](Json& json) { voter(json)["certificate"] = json["voters"][1]["certificate"]; })), HasSubstr("is of another key"));
    EXPECT_THAT(refusal(changed([&](Json& json) { std::swap(json["voters"][0], json["voters"][1]); })), HasSubstr("its voters are not in order"));
    EXPECT_THAT(refusal(changed([&](Json& json) { json["voters"] = Json::array(); })), HasSubstr("it has 0 voters, not 1 to 5"));
    EXPECT_THAT(refusal(changed([&](Json& json) { json["voters"][2] = json["voters"][1]; })), HasSubstr("two voters have one key"));
    EXPECT_THAT(refusal(changed([&](Json& json) { json["more"] = 1; })), HasSubstr("unknown key 'more'"));
    EXPECT_THAT(refusal(changed([&](Json& json) { voter(json)["authority_key"]["algorithm"] = "none"; })), HasSubstr("'algorithm' is not"));
    EXPECT_THAT(refusal(changed([&](Json& json) { json["format"] = 2; })), HasSubstr("'format' is not 1"));
}

TEST_F(GenesisValue, InAnotherFormIsRefused) {
    EXPECT_EQ(refusal(Json::parse(text).dump(2)), "it is not in the one form that it may have");
    EXPECT_EQ(refusal(std::string(70'000, ' ')), "it has more than 65536 bytes");
    EXPECT_THAT(refusal(""), HasSubstr("cannot parse"));
    EXPECT_THAT(refusal("[]"), HasSubstr("it is not an object"));
}

TEST_F(GenesisValue, IsNotBuiltForVotersThatCannotBe) {
    auto wrong = candidates;
    wrong.clear();
    EXPECT_THAT(built_fault(wrong), HasSubstr("cannot begin the site: it has 0 voters, not 1 to 5"));
    wrong = candidates;
    wrong[1].name = "n01";
    EXPECT_THAT(built_fault(wrong), HasSubstr("two voters have one name"));
    wrong = candidates;
    wrong[1].addresses = wrong[0].addresses;
    EXPECT_THAT(built_fault(wrong), HasSubstr("two voters have one address"));
    wrong = candidates;
    wrong[1].addresses.clear();
    EXPECT_THAT(built_fault(wrong), HasSubstr("n02 has 0 addresses, not 1 to 8"));
    wrong = candidates;
    wrong[1].key = wrong[0].key;
    EXPECT_THAT(built_fault(wrong), HasSubstr("two voters have one key"));
}

TEST_F(GenesisValue, OfOneVoterIsAValue) {
    const std::string alone = text_of(build(site, genesis, {candidates[0]}, now));
    EXPECT_EQ(refusal(alone), "no refusal");
}

// ---- Of a site that was lost --------------------------------------------------------------------------

class GenesisAgain : public GenesisValue {
protected:
    static Digest file() { return sha256("the restore file"); }
    [[nodiscard]] Authorities authorities() const { return std::get<Authorities>(open(value, *keys_for(value, value.voters[0].node), key_of(value.voters[0]))); }
    [[nodiscard]] const SigningKey& key_of(const Voter& voter) const {
        return *std::ranges::find_if(keys, [&](const SigningKey& key) { return key.verifying_key() == voter.key; });
    }
    const std::vector<SigningKey> new_keys = [] {
        std::vector<SigningKey> made;
        for (int i = 0; i < 3; ++i) made.push_back(SigningKey::generate(site_scheme));
        return made;
    }();
    const Past past{.authorities = authorities(), .restores = {.genesis = genesis, .file = file()}};
    const Value again = build_again(site, GenesisId::random(), candidates_of(new_keys), past, now);
    // Its text with something else in it.
    [[nodiscard]] std::string refusal_with(const std::function<void(Json&)>& change) const {
        Json json = Json::parse(text_of(again));
        change(json);
        return refusal(tuf::canonical_json(json), new_keys[0]);
    }
};

TEST_F(GenesisAgain, HasTheAuthoritiesThatTheSiteHad) {
    for (const SigningKey& key : new_keys) EXPECT_EQ(std::get<Value>(check(text_of(again), {.site = site, .key = key})), again);
    EXPECT_EQ(again.authority, value.authority);
    EXPECT_EQ(again.etcd_authority, value.etcd_authority);
    EXPECT_EQ(again.restores, past.restores);
    // What was certified before goes on to count.
    EXPECT_TRUE(std::holds_alternative<certificates::Bearer>(certificates::verify_at_no_time(value.voters[0].certificate.der(), std::get<certificates::Authority>(authority_in(again, new_keys[0])).trust())));
}

TEST_F(GenesisAgain, IsNotReadableForVotersThatAreGone) {
    for (const SigningKey& key : keys)
        for (const Voter& voter : again.voters) EXPECT_TRUE(std::holds_alternative<Refused>(open(again, {voter.sealed_authority, voter.sealed_etcd_authority}, key)));
}

TEST_F(GenesisAgain, SaysWhatItRestoresInOneForm) {
    EXPECT_FALSE(Json::parse(text).contains("restores"));
    EXPECT_EQ(Json::parse(text_of(again)).at("restores"), (Json{{"genesis", genesis.text()}, {"file", file().hex()}}));
    EXPECT_EQ(refusal_with([&](Json& json) { json["restores"]["genesis"] = again.genesis.text(); }), "it restores itself");
    EXPECT_THAT(refusal_with([](Json& json) { json["restores"]["more"] = 1; }), HasSubstr("unknown key 'more'"));
    EXPECT_THAT(refusal_with([](Json& json) { json["restores"].erase("file"); }), HasSubstr("'file' is missing"));
    EXPECT_THAT(refusal_with([](Json& json) { json["restores"] = nullptr; }), HasSubstr("'restores' is not an object"));
}

TEST_F(GenesisAgain, WantsTheKeysOfItsAuthorities) {
    const auto both = authorities_with(value, past.authorities.site.secret(), past.authorities.etcd.secret());
    EXPECT_EQ(std::get<Authorities>(both).site.certificate(), value.authority);
    EXPECT_THAT(std::get<Refused>(authorities_with(value, past.authorities.etcd.secret(), past.authorities.etcd.secret())).text, HasSubstr("it does not belong to the authority's certificate"));
    EXPECT_TRUE(std::holds_alternative<Refused>(authorities_with(value, past.authorities.site.secret(), Secret("no key"))));
}
