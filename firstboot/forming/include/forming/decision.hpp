#pragma once

// The core: of all that is known about one formation on one node, what is next. Pure.
//
//     placed → upgrade → requirements → observation → settling → facts → secrets → data → files → begun → departed → steps
//            → membership → health
//
// The first of these that has something to do, or to wait for, is the answer. Nothing is remembered between two answers but
// what the next observation shows, so it does not matter where the last attempt was cut off.

#include <forming/ledger.hpp>
#include <forming/site.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::forming {

// What was tried, by the name of the step. A hint: losing it costs a repetition.
struct Attempt {
    unsigned failures = 0;      // in a row
    Time not_before{};          // of the next one
    bool needs_person = false;  // said by its exit code, or by what cannot change by itself
    std::string reason;         // of the last failure
    bool operator==(const Attempt&) const = default;
};

// A step whose program ended well, and which has not been seen to be done.
struct Settling {
    std::string step;
    std::string about; // id of the node that is forgotten, for `remove`
    Time until{};
};

struct Picture {
    const Formation& formation;
    const Site& site;
    const Self& self;
    const Ledger& ledger;
    std::map<std::string, const Formation*, std::less<>> others; // that this one names, for where they are placed
    // Of requirements that are not met: why, in words. Empty: all are.
    std::vector<std::string> unmet;
    // Absent: none, or too old. A formation whose node has not been looked at is never acted upon.
    std::optional<Json> observation;
    bool are_units_active = false, is_unit_failed = false;
    std::vector<std::string> ports = {};              // of all formations that run here, as `node.ports` has them
    std::map<std::string, Json, std::less<>> foreign; // facts of other formations: {"mariadb": {"cluster": "…"}}
    // Files that are not as they should be, by index, and whether they exist.
    struct Stale {
        std::size_t render = 0;
        bool exists = false;
    };
    std::vector<Stale> stale;
    std::optional<std::string> missing_for_files; // the name that a file waits for
    std::string no_certificate = {};              // why there is none, where that is known
    std::map<std::string, Attempt, std::less<>> attempts;
    std::optional<Settling> settling;
    Time now{};
};

// ---- Actions ----

struct Observe {};
struct MakeFact {
    std::string fact;
    std::optional<std::string> value; // as observed; absent: make one
};
struct MakeSecret {
    std::string secret;
};
struct WriteFiles {
    std::vector<std::size_t> renders;
    enum class Units { touched, left_alone } units = Units::touched;
};
struct Claim { // the marker of a `once` step
    std::string step;
    std::uint64_t revision = 0; // that is replaced: of an owner that left the site, or of our own earlier start
};
struct TakeLock {
    std::string plan;
    std::uint64_t revision = 0; // as above
};
struct ReleaseLock {
    std::uint64_t revision = 0;
};
struct Run {
    std::string step; // "replace", "remove" or a step's name
    std::string about; // id of the node that is forgotten
};
struct Confirm { // the step was seen to be done
    std::string step, about;
};
struct Fail { // it was not, in time
    std::string step;
};
struct Enrol {};   // this node is a member
struct Depart {    // that node is one no more
    std::string node;
    std::uint64_t revision = 0;
};
struct Settle {};   // tell the others that it is healthy here
struct Unsettle {}; // and that it is not
struct Rest {
    enum class State {
        absent,  // it does not run here
        waiting, // for what changes by itself
        alarmed, // for a person
        settled, // all is as it should be
    } state = State::waiting;
    std::string why;
    std::optional<Time> until; // when to look again at the latest; absent: as often as it is observed
};

using Action = std::variant<Observe, MakeFact, MakeSecret, WriteFiles, Claim, TakeLock, ReleaseLock, Run, Confirm, Fail, Enrol, Depart, Settle, Unsettle, Rest>;

[[nodiscard]] Action decide(const Picture& picture);

// The values that conditions and texts of the formation may name. `about`: the node that is forgotten.
[[nodiscard]] formation::Names names_of(const Picture& picture, std::string_view about = {});

// A step, or "replace" or "remove". Null when the formation has none of that name.
[[nodiscard]] const formation::Deed* deed_named(const Formation& formation, std::string_view name);

// When a step that failed so often is tried again: 1 s, 2 s, 4 s … 5 min.
[[nodiscard]] formation::Duration backoff(unsigned failures);
// For people: "45 s", "3 min".
[[nodiscard]] std::string in_words(formation::Duration duration);

} // namespace ashlar::forming
