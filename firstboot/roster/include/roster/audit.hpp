#pragma once

// What was decided about the site, by whom: entries that are only ever added. docs/formats/audit.md.

#include <base/id.hpp>
#include <etcd/client.hpp>
#include <signing/key.hpp>

#include <string>
#include <vector>

namespace ashlar::audit {

struct Entry {
    Time time{};
    std::string who;   // "operator anna", "node n01 (0123…)", "root on n02"
    std::string what;  // "node.approve"
    std::string about; // "n04"
    std::string text;  // what came of it, or why not
    bool operator==(const Entry&) const = default;
};

// In the transaction of what it tells, so that neither is without the other: the condition that nobody has written it, and the entry.
// Keys sort by time; two entries of one second have keys of their own.
struct Addition {
    etcd::Condition condition;
    etcd::Put put;
};
[[nodiscard]] Addition addition(const Entry& entry);
// By itself: of what was refused.
void add(etcd::Client& client, const Entry& entry);

// The oldest first.
[[nodiscard]] std::vector<Entry> read(etcd::Client& client);

// So many at most, the newest first: there may be more than one answer of etcd holds.
[[nodiscard]] std::vector<Entry> newest(etcd::Client& client, std::size_t most);

} // namespace ashlar::audit
