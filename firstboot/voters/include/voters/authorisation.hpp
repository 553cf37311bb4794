#pragma once

// Who asks, and whether they may: one table (built_in_asks()), and the rules of the store. Pure: what the site knows is handed in.
//
// A certificate says who somebody is, and nothing more. What they may is looked up among the site's members and in its plan, each time: a
// node that was removed, and an operator whom the plan does not name any more, are nobody.

#include <voters/request.hpp>

#include <forming/ledger.hpp>
#include <formation/reader.hpp>
#include <roster/roster.hpp>
#include <signing/digest.hpp>
#include <site/site.hpp>

#include <optional>
#include <set>
#include <string>
#include <variant>

namespace ashlar::voters {

struct NodeCaller {
    NodeId node;
    std::string name;
    bool operator==(const NodeCaller&) const = default;
};
// A person is a name and a key.
struct Person {
    std::string name;
    Digest key; // SHA-256 of it, DER
    bool operator==(const Person&) const = default;
};
struct OperatorCaller {
    Person person;
    std::set<certificates::Right> rights;
    bool operator==(const OperatorCaller&) const = default;
};
// Through ashlard's own socket on a voter.
struct LocalCaller {
    NodeId node;
    std::string name; // the node's
    unsigned user = 0;
    bool operator==(const LocalCaller&) const = default;
};
using Caller = std::variant<NodeCaller, OperatorCaller, LocalCaller>;

// "node n01 (0123…)", "operator anna", "root on n02": in the audit log.
[[nodiscard]] std::string text_of(const Caller& caller);

[[nodiscard]] Person person_of(const site::Operator& person);
[[nodiscard]] std::set<certificates::Right> rights_of(const site::Operator& person);
// Null when the plan has none of that name with that key.
[[nodiscard]] const site::Operator* operator_in(const site::Site& plan, const Person& person);

// Whose certificate that is. `plan`: null when the site has none yet; then there are no operators.
[[nodiscard]] std::variant<Caller, Refusal> caller_of(const certificates::Bearer& bearer, const VerifyingKey& key, const roster::Roster& roster, const site::Site* plan);

struct Picture {
    const roster::Roster& roster;
    const formation::Formations& formations;
    const forming::Site& site;               // who is placed where; of asks that depend on it
    const forming::Ledger* ledger = nullptr; // of the formation that a `store.swap` is about, as it is now
};

// Nothing: they may. The two-person rule is asked later: <voters/two_persons.hpp>.
[[nodiscard]] std::optional<Refusal> may(const Caller& caller, const Request& request, const Asks& asks, const Picture& picture);

// ---- The store ---------------------------------------------------------------------------------

// "formations/<formation>/<part>/<name>" and "locks/<formation>", taken apart; nothing for any other key.
struct StoreKey {
    enum class Part { once, members, facts, secrets, settled, lock } part;
    std::string formation;
    std::string name; // empty of a lock
};
[[nodiscard]] std::optional<StoreKey> store_key_in(std::string_view key);
// Whether a lock or a marker still has that revision (0: is not there): what was judged is then what is replaced. Other keys: yes.
[[nodiscard]] bool is_current(const StoreKey& key, std::uint64_t revision, const forming::Ledger& ledger);
// What a node may list: "formations/…" and "locks/…".
[[nodiscard]] bool is_listed(std::string_view prefix);

} // namespace ashlar::voters
