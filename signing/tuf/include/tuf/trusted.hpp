#pragma once

// What is believed of release metadata, and in which order it comes to be believed: sections 5.3 to 5.6 of the TUF
// specification, with a bundle's manifest in place of timestamp and snapshot where there is no network (docs/formats/trust.md).
//
// No files and no network here: whoever calls brings bytes. A file that is refused changes nothing, but for what is said of
// expired ones below.

#include <tuf/metadata.hpp>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace ashlar::tuf {

// The bytes that a reader takes at most, of each: python-tuf's limits.
inline constexpr std::uint64_t most_root_bytes = 512000, most_timestamp_bytes = 16384, most_snapshot_bytes = 2000000, most_targets_bytes = 5000000,
                               most_bundle_bytes = 2000000;
inline constexpr unsigned most_root_rotations = 256, most_delegations = 32;

// Throws MetadataError (threshold) unless enough of the role's keys have signed. A key that stands there under several ids
// counts once; keys of an unknown scheme and signatures that do not fit count for nothing.
void verify_threshold(const Envelope& envelope, const Role& role, const Keys& keys, std::string_view name);

// "train-R1" of "R1".
[[nodiscard]] std::string role_of_train(std::string_view train);

class Trusted {
public:
    // `root`: bytes that are trusted because of where they come from: the image, or this store. It may have expired, but must
    // be signed by itself.
    // `now`: the time for all checks of one run. Where a root or a bundle's manifest was issued later, it was later: then that.
    Trusted(std::string_view root, Time now);

    [[nodiscard]] const Root& root() const noexcept { return root_; }
    [[nodiscard]] const std::optional<Timestamp>& timestamp() const noexcept { return timestamp_; }
    [[nodiscard]] const std::optional<Snapshot>& snapshot() const noexcept { return snapshot_; }
    [[nodiscard]] const std::optional<Bundle>& bundle() const noexcept { return bundle_; }
    // "targets" and delegated roles; null when it was not loaded.
    [[nodiscard]] const Targets* targets(std::string_view role) const;
    [[nodiscard]] Time now() const noexcept { return now_; }

    // The next root: signed by the one before and by itself, its version one more. Before all others.
    void update_root(std::string_view text);
    // Throws (expired) when the root has.
    void require_current_root() const;

    // The last root must not have expired from here on. What was trusted in the last run is given first, newer files after
    // it: versions do not go down. An expired file is taken as what was seen, and then refused (Fault::expired), so that the
    // versions in it are remembered; the next file of its kind may mend that.
    enum class Taken {
        newer,
        same, // its version is the one that is trusted already, which stays
    };
    Taken update_timestamp(std::string_view text);
    // `Stored::yes`: it is what was stored. One of another version than the timestamp names is taken as what was seen, and
    // then refused (mismatch).
    enum class Stored { no, yes };
    void update_snapshot(std::string_view text, Stored stored = Stored::no);

    // In place of both. `stale`: the serial that the site lets pass although it has expired.
    // The same serial with other content is refused (mismatch).
    Taken update_bundle(std::string_view text, std::string_view train, std::optional<std::uint64_t> stale = std::nullopt);
    // Of a run before this one, whether it has expired or not: no snapshot goes below the versions in it.
    void remember_bundle(std::string_view text, std::string_view train);

    // `role`: "targets", or one that `parent` (which is trusted already) delegates to.
    // What was stored of a role is refused (mismatch) unless it is what snapshot or manifest name; but what is newer than a
    // bundle's manifest names is taken, for carried media may not know of the newest. Not so the train's own role: then the
    // bundle is refused (rollback).
    void update_targets(std::string_view text, std::string_view role = "targets", std::string_view parent = "root", Stored stored = Stored::no);
    // That it has been taken on the word of this parent.
    [[nodiscard]] bool has(std::string_view role, std::string_view parent) const;
    // What the snapshot or the manifest says of the role's file. An Error (missing) when it says nothing.
    [[nodiscard]] const FileMeta& meta_of(std::string_view role) const;

    // Depth first from "targets" through delegations that cover `path`. `load` is told of roles that are not there yet on
    // the word of that parent, and brings them by update_targets, or throws. Nothing: no trusted role names it.
    struct Found {
        std::string role;
        Target target;
    };
    using Load = std::function<void(const std::string& role, const std::string& parent)>;
    [[nodiscard]] std::optional<Found> find(std::string_view path, const Load& load);

    // The newest signed time in all that was verified and is signed by offline keys that the whole site trusts: root,
    // targets, bundle. A floor for a node's clock; a stolen online key or a train's key does not move it.
    [[nodiscard]] std::optional<Time> newest_issue() const noexcept { return newest_issue_; }

private:
    struct Delegate {
        Targets targets;
        std::set<std::string, std::less<>> parents;
    };
    enum class Clock { moves, stays };
    void note_issue(const Common& common, Clock clock);
    void require_current(const Common& common, std::string_view name) const;
    void require_final_snapshot() const;
    void require_final_bundle() const;
    [[nodiscard]] bool has_source() const noexcept { return snapshot_ || bundle_; }
    [[nodiscard]] Envelope verified_bundle(std::string_view text, std::string_view name) const;
    void refuse_rollback(const Snapshot& next) const;
    void check_file(std::string_view text, const Common& read, std::string_view role, Stored stored) const;

    Root root_;
    Time now_;
    std::optional<Timestamp> timestamp_;
    std::optional<Snapshot> snapshot_;
    std::optional<Bundle> bundle_, seen_bundle_;
    std::string bundle_bytes_; // what is signed of it
    std::optional<std::uint64_t> stale_;
    std::map<std::string, Delegate, std::less<>> targets_;
    std::optional<Time> newest_issue_;
};

} // namespace ashlar::tuf
