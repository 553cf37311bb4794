#pragma once

// The site's etcd (API v3), through its HTTP gateway. docs/formats/etcd.md. Keys and values are bytes.
//
// Every question is asked of one member after another until one answers, by the deadline of the whole. A write is repeated
// only when it cannot have arrived: otherwise it may have happened, and OutcomeUnknown says so. Reads are linearizable: what they
// say holds for the whole cluster. Leases are not used.

#include <base/error.hpp>
#include <base/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::etcd {

using Revision = std::int64_t;

struct Pair {
    std::string key, value;
    Revision created = 0, modified = 0;
    bool operator==(const Pair&) const = default;
};
struct Range {
    Revision revision = 0; // of the whole store, when it was read
    std::vector<Pair> pairs;
};

// What tells whether anything below a prefix was changed, without reading it: whatever is written raises the newest revision, and whatever is
// removed lowers the number of keys.
struct Extent {
    Revision newest = 0;
    std::int64_t keys = 0;
    bool operator==(const Extent&) const = default;
};

// "The key has this revision"; 0 of `created`: it is not there.
struct Condition {
    enum class Of { created, modified } of;
    std::string key;
    Revision is = 0;
};
struct Put {
    std::string key, value;
};
struct Delete {
    std::string key;
};
using Change = std::variant<Put, Delete>;
struct Committed {
    bool done = false; // all conditions held, and all changes were made, or none
    Revision revision = 0;
};

struct ClusterMember {
    std::string id;   // etcd's own number
    std::string name; // empty until it has started
    std::vector<std::string> peer_urls;
    bool learner = false;
    bool operator==(const ClusterMember&) const = default;
};

// A write that may have been done: read before writing again.
class OutcomeUnknown : public Error {
public:
    using Error::Error;
};

// How one member is asked: HTTPS, or a test.
class Door {
public:
    virtual ~Door() = default;

    struct Answer {
        long status = 0;
        std::string body;
    };
    struct NoAnswer {
        bool may_have_arrived = true;
        std::string cause;
    };
    // `path` as "/v3/kv/range". `until_line`: a stream, of which the lines up to the first that it says yes to are enough.
    using Enough = bool (*)(std::string_view line);
    [[nodiscard]] virtual std::variant<Answer, NoAnswer> ask(const std::string& endpoint, const std::string& path, const std::string& body,
                                                             std::chrono::milliseconds timeout, Enough enough) = 0;
};

// Used by one thread at a time.
class Client {
public:
    // `endpoints`: "https://10.0.0.11:12379", at least one. The one that answered last is asked first.
    Client(Door& door, std::vector<std::string> endpoints, std::chrono::milliseconds timeout = std::chrono::seconds(5));

    [[nodiscard]] std::optional<Pair> get(const std::string& key);
    [[nodiscard]] Range range(const std::string& prefix); // sorted by key; an empty one is everything
    // From `first` on and before `end`; empty ones are the beginning and the end of everything.
    [[nodiscard]] Range between(const std::string& first, const std::string& end);
    [[nodiscard]] Range last(const std::string& prefix, std::size_t most); // the last ones by key, the last one first
    [[nodiscard]] Extent extent(const std::string& prefix);
    [[nodiscard]] std::vector<Extent> extents(const std::vector<std::string>& prefixes); // of one moment, in one question
    Revision put(const std::string& key, const std::string& value);
    Revision remove(const std::string& key); // what is not there is removed already
    [[nodiscard]] Committed commit(const std::vector<Condition>& conditions, const std::vector<Change>& changes);
    [[nodiscard]] std::vector<ClusterMember> members();
    // As a learner: it follows, and has no vote. Of a URL that a member has already: an Error.
    void add_learner(const std::string& peer_url);
    // Whether it has a vote now; no while it has not caught up. `id`: etcd's own.
    [[nodiscard]] bool promote(const std::string& id);
    // An Error when too few of the others would be left.
    void remove_member(const std::string& id);

    // Waits until something under `prefix` is changed after `revision`, at most `time`: whether it was. Then read: this is a bell,
    // not a journal.
    [[nodiscard]] bool wait(const std::string& prefix, Revision revision, std::chrono::milliseconds time);

private:
    enum class Kind { read, write };
    [[nodiscard]] Json ask(std::string_view what, const std::string& path, const Json& body, Kind kind);

    Door& door_;
    std::vector<std::string> endpoints_;
    std::chrono::milliseconds timeout_;
};

} // namespace ashlar::etcd
