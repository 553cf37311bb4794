// What a voter says to a genesis: all restore the same, or nobody restores anything.

#include <membership/delegate.hpp>

#include <signing/digest.hpp>
#include <signing/node_id.hpp>

#include <gmock/gmock.h>

namespace ashlar::membership {
namespace {

constexpr const char* no_objection = "none";

Time now() { return Time(std::chrono::seconds(1796000000)); }

class Voters : public testing::Test {
protected:
    // Of a medium with that restore file; empty: with none.
    [[nodiscard]] Delegate voter(std::size_t number, const std::string& file) const {
        return Delegate({.site = site_, .key = keys_[number], .name = name(number), .roles = {"control"}, .addresses = {address(number)}, .now = now, .past = file.empty() ? std::nullopt : std::optional(past(file))});
    }
    [[nodiscard]] genesis::Past past(const std::string& file) const {
        const auto& first = lost_.voters.front();
        return {.authorities = std::get<genesis::Authorities>(genesis::open(lost_, {first.sealed_authority, first.sealed_etcd_authority}, old_)), .restores = {.genesis = lost_.genesis, .file = sha256(file)}};
    }
    [[nodiscard]] founding::Genesis made_by(const Delegate& proposer) const {
        founding::Electorate voters;
        std::vector<std::pair<NodeId, Bytes>> offers;
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            const NodeId node = node_id_of(keys_[i].verifying_key());
            voters.push_back({name(i), node});
            offers.emplace_back(node, voter(i, "").offer());
        }
        return proposer.make(voters, offers);
    }
    [[nodiscard]] std::string objection(const std::string& own, const std::string& others) const { return voter(1, own).objection(made_by(voter(0, others))).value_or(no_objection); }

    static std::string name(std::size_t number) { return "n0" + std::to_string(number + 1); }
    static std::string address(std::size_t number) { return "10.0.0.1" + std::to_string(number + 1); }

    const SiteId site_ = SiteId::random();
    const SigningKey old_ = SigningKey::generate(site_scheme);
    const genesis::Value lost_ = genesis::build(site_, GenesisId::random(), {{.key = old_.verifying_key(), .name = "n01", .roles = {}, .addresses = {"10.0.0.11"}}}, now());
    const std::vector<SigningKey> keys_ = [] {
        std::vector<SigningKey> made;
        for (int i = 0; i < 3; ++i) made.push_back(SigningKey::generate(site_scheme));
        return made;
    }();
};

TEST_F(Voters, AgreeWhereTheirMediaSayTheSame) {
    EXPECT_EQ(objection("", ""), no_objection);
    EXPECT_EQ(objection("monday", "monday"), no_objection);
    const auto value = value_of(made_by(voter(0, "monday")), site_);
    EXPECT_EQ(value.authority, lost_.authority);
    EXPECT_NE(value.genesis, lost_.genesis);
    EXPECT_NE(value_of(made_by(voter(0, "")), site_).authority, lost_.authority);
}

TEST_F(Voters, DoNotAgreeWhereOneMediumSaysAnotherThing) {
    EXPECT_EQ(objection("", "monday"), "it restores the site from a backup, and this node's medium has no restore file");
    EXPECT_EQ(objection("monday", ""), "it begins the site anew, and this node's medium has a restore file");
    EXPECT_EQ(objection("monday", "tuesday"), "it restores the site from another restore file than this node's medium has");
}

// A proposer must propose what others have accepted: it would agree by that.
TEST_F(Voters, DoNotProposeAgainWhatTheirMediumSpeaksAgainst) {
    const auto repeat = [&](const std::string& own, const std::string& others) { return voter(1, own).objection_to_repeat(made_by(voter(0, others))).value_or(no_objection); };
    EXPECT_EQ(repeat("", ""), no_objection);
    EXPECT_EQ(repeat("monday", "monday"), no_objection);
    EXPECT_EQ(repeat("", "monday"), "it restores the site from a backup, and this node's medium has no restore file");
    EXPECT_EQ(repeat("monday", ""), "it begins the site anew, and this node's medium has a restore file");
    // Also by a voter whose place another node had when it was accepted.
    auto of_others = made_by(voter(0, "monday"));
    EXPECT_EQ(Delegate({.site = site_, .key = old_, .name = "n03", .roles = {}, .addresses = {"10.0.0.13"}, .now = now, .past = past("monday")}).objection_to_repeat(of_others).value_or(no_objection), no_objection);
    of_others.value.pop_back();
    EXPECT_NE(voter(1, "monday").objection_to_repeat(of_others).value_or(no_objection), no_objection);
}

// Whoever holds the site key may propose what he likes.
TEST_F(Voters, DoNotAgreeToOtherAuthoritiesThanTheSiteHad) {
    auto forged = past("monday");
    forged.authorities = {certificates::Authority::found(site_, now()), certificates::Authority::found(site_, now())};
    const Delegate forger({.site = site_, .key = keys_[0], .name = name(0), .roles = {"control"}, .addresses = {address(0)}, .now = now, .past = std::move(forged)});
    EXPECT_EQ(voter(1, "monday").objection(made_by(forger)).value_or(no_objection), "its authorities are not those of the restore file");
}

} // namespace
} // namespace ashlar::membership
