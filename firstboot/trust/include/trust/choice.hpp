#pragma once

// Which release a node goes to, by what its release metadata says (docs/formats/trust.md): the one that was asked for, or the
// newest stable one of its train; and whether it may go there from what it runs.
//
// Nothing is fetched and nothing kept here but through Releases and Memory.

#include <bundle/stale_media.hpp>
#include <signing/release.hpp>
#include <tuf/updater.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::trust {

// A repository of releases.
class Releases : public tuf::Repository {
public:
    // The bytes of a small target, at its place below "targets/"; at most `length` of them, unverified.
    [[nodiscard]] virtual std::string target(const std::string& place, std::uint64_t length) = 0;
};

struct Node {
    std::string role, architecture;
    std::string running; // release
};

// What no release goes below, by train: "R1" → "R1.2". Only ever raised.
using SecurityFloors = std::map<std::string, std::string, std::less<>>;

// What is remembered from run to run.
class Memory : public tuf::Store {
public:
    // Floors and the newest signed time of what was verified. Told once in a run, also where it fails: what was learned before
    // that stays learned. Neither ever sinks.
    virtual void raise(const SecurityFloors& floors, const std::optional<Time>& newest_issue) = 0;
};

// What a train has its machines' firmware refuse: a signed update of dbx (docs/formats/trust.md).
struct Revocation {
    std::string train;
    std::string update; // empty: it is named, and cannot be had
    std::string fault;  // why
};

struct Choice {
    ReleaseIndex index; // files under the names that they have in the folder
    std::string folder; // below the repository: "targets/trains/R1/R1.0"
};
struct Look {
    std::optional<Choice> choice; // nothing: there is nothing newer
    SecurityFloors floors;        // with those from before
    std::vector<Revocation> revocations; // of the wanted train, and of the one that runs
    std::optional<bundle::StaleMedia> stale; // the bundle has expired, and this word of the site lets it pass
};

struct Question {
    Node node;
    std::optional<std::string> release; // nothing: the newest stable one of the train that runs
    Time now;                           // the clock, but not before the floor
    SecurityFloors floors;              // that were seen
};

// Error, with the reason in words and what to do, when there is no such release, or the node may not go to it. What was
// verified before that is in `memory`.
//
// A bundle whose manifest has expired is believed where the repository has a site's word for exactly that one
// (docs/formats/stale-media.md), which is verified here; versions and floors that were seen hold all the same.
[[nodiscard]] Look choose(Releases& releases, Memory& memory, const Question& question);

// Whether a release is one that the floors let start.
[[nodiscard]] bool is_allowed(const SecurityFloors& floors, std::string_view release);

} // namespace ashlar::trust
