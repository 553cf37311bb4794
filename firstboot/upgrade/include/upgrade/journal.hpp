#pragma once

// What a node remembers of an upgrade, in its state partition: docs/formats/upgrade.md.

#include <upgrade/phase.hpp>

#include <base/json.hpp>
#include <signing/digest.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::upgrade {

// A release as it is in a slot.
struct Installed {
    std::string release;
    Digest root_hash;
    bool operator==(const Installed&) const = default;
};

// Where a release comes from.
struct Source {
    std::string location; // a directory, a URL, or the block device of a medium
    std::string proxy;        // URL; empty: none
    std::string certificates; // file with what is trusted beside the system's; empty: none
    std::string release;      // that is wanted of a repository; empty: the newest stable one
    bool operator==(const Source&) const = default;
};

// How blocks come ("delta"), from what file, and how many bytes that is.
struct Route {
    std::string way, stream;
    std::uint64_t download = 0;
    bool operator==(const Route&) const = default;
};

// A way that could not be gone.
struct Refusal {
    std::string way, text;
    bool operator==(const Refusal&) const = default;
};

// How often a release is started before it must have proved itself; one that is for testing only once.
inline constexpr unsigned usual_tries = 3, test_tries = 1;

// What is being installed.
struct Target {
    Installed image;
    std::uint64_t root_size = 0; // bytes, without the hash tree
    std::string salt, uuid;      // of the hash tree: hexadecimal, and as text
    Digest uki;
    std::string folder; // of the release in a repository; empty: the source is the folder
    unsigned tries = usual_tries;
    Route route;                   // that is gone
    std::vector<Route> others;     // what is left to try, in this order; empty when the root is written
    std::vector<Refusal> refusals; // of this release, oldest first
    bool operator==(const Target&) const = default;
};

// Operations of a stream that are on the disk.
struct Progress {
    Digest root_hash;
    std::string stream;
    std::uint64_t operations = 0;
    bool operator==(const Progress&) const = default;
};

enum class After { wait, restart };

// How the last upgrade, or the attempt at one, ended.
struct Ending {
    std::string release;
    std::string text; // `installed`, or why not
    bool operator==(const Ending&) const = default;
};
inline constexpr std::string_view installed = "installed";

struct Journal {
    Phase phase = Phase::resting;
    Source source; // as asked for
    After after = After::wait;
    std::optional<Installed> origin; // what ran when it was asked for
    std::optional<Target> target;    // from `clearing` on
    std::optional<Progress> progress;
    unsigned attempts = 0; // starts of the target, counted by the node itself
    std::optional<Ending> ending;
    bool operator==(const Journal&) const = default;
};

[[nodiscard]] Json to_json(const Journal& journal);
// Error: `cannot read the upgrade journal: …`. What a later program added is an error too: a release that
// falls back must not go on with what it does not understand.
[[nodiscard]] Journal journal_from(const Json& json);

// ---- Facts of a start ----

struct Facts {
    Installed running;
    enum class Entry { missing, exhausted, usable } target_entry = Entry::missing;
    std::string last_words; // of a kernel that stopped; empty when none are known
};
[[nodiscard]] Event wake(const Journal& journal, const Facts& facts);

// Whether the target is what runs, and is tried.
[[nodiscard]] bool is_trial(const Journal& journal, const Digest& running);

// What a start is, as the initrd sees it.
enum class Start {
    usual,
    trial,
    // Of the attempts that the boot loader should have counted there are more than there may be: it could
    // not rename. Nobody but the node ends that.
    one_too_many,
};
// Counts a trial in the journal.
[[nodiscard]] Start count(Journal& journal, const Digest& running);

} // namespace ashlar::upgrade
