#pragma once

// How a site comes to other authorities, of its nodes and of its etcd, while it runs: in three steps, each begun when all nodes have done the
// one before. docs/decisions/0006-authority-rotation.md, docs/formats/certificates.md.
//
//     trusted   both count; the former ones issue
//     issuing   both count; the next ones issue, and every certificate is renewed
//     settled   the former ones count no more
//
// The steps are numbered for the whole life of the site: of the first rotation 1, 2, 3, of the next one 4, 5, 6. Step 0 is the genesis.

#include <certificates/succession.hpp>
#include <etcd/client.hpp>
#include <genesis/value.hpp>
#include <roster/roster.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::succession {

using certificates::AuthorityPair;
using certificates::Lineage;
using Step = std::uint64_t;

enum class Phase { settled, trusted, issuing };
[[nodiscard]] Phase phase_of(Step step);
[[nodiscard]] std::string_view name_of(Phase phase);

// What the site's etcd has.
struct State {
    Lineage lineage;
    std::map<NodeId, genesis::SealedKeys> keys; // of the next authorities, then of those that issue, sealed to each voter
    std::set<NodeId> left;                      // nodes for which this rotation does not wait
    bool operator==(const State&) const = default;

    [[nodiscard]] Step step() const { return lineage.step; }
    [[nodiscard]] Phase phase() const { return phase_of(lineage.step); }
    // Those to which the site is on its way, or has come.
    [[nodiscard]] const AuthorityPair& newest() const { return phase() == Phase::trusted ? *lineage.also : lineage.issuing; }
};
[[nodiscard]] std::string text_of(const State& state); // canonical JSON
[[nodiscard]] State state_from(std::string_view text, const SiteId& site);

// ---- The steps: pure ---------------------------------------------------------------------------

// How far each node is, by what it has said.
using Followed = std::map<NodeId, Step>;

// Of these, who has not done the step yet.
[[nodiscard]] std::set<NodeId> awaited(const State& state, const Followed& followed, const std::set<NodeId>& members);
// Nothing while it waits for somebody, or is settled. Voters are never left behind.
[[nodiscard]] std::optional<State> next(const State& state, const Followed& followed, const std::set<NodeId>& members, const std::set<NodeId>& voters);
// The voter that does the step now: one after the other, so that their etcd keeps its quorum. Nothing: all have.
[[nodiscard]] std::optional<NodeId> whose_turn(const State& state, const Followed& followed, const std::set<NodeId>& voters);

enum class Former { trusted, compromised }; // whether its word for the next ones is worth something
struct Present {
    const genesis::Value& value; // with the authorities of now
    const genesis::Authorities& authorities;
    std::optional<Lineage> lineage; // none: they are those of the genesis
};
// Makes the next ones, whose keys are in nobody's memory afterwards. Of a site that is settled.
[[nodiscard]] State begin(const Present& present, const std::vector<VerifyingKey>& voters, Former former, Time now);

// The value as if the site had begun with that pair: by it keys are sealed and opened.
[[nodiscard]] genesis::Value value_with(genesis::Value value, const AuthorityPair& pair);

// ---- In etcd -----------------------------------------------------------------------------------

namespace key {
inline constexpr const char *state = "/authority", *followed = "/authority/followed/";
} // namespace key

// Nothing: it has never had others than those of its genesis.
[[nodiscard]] std::optional<roster::Stored<State>> read(etcd::Client& client, const SiteId& site);
[[nodiscard]] Followed read_followed(etcd::Client& client);
void follow(etcd::Client& client, const NodeId& node, Step step);

// `who`: for the audit log. Whether this one was it that took the site a step on.
bool advance(etcd::Client& client, const SiteId& site, const roster::Roster& roster, const std::string& who, Time now);

} // namespace ashlar::succession
