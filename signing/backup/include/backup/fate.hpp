#pragma once

// What of a site comes back when it is restored on other nodes, and what was true of the lost ones only: the table of
// docs/formats/site-backup.md. Pure.

#include <backup/backup.hpp>

#include <string_view>

namespace ashlar::backup {

enum class Fate {
    kept,    // as it is
    removed, // a node: as one that was
    done,    // a marker: when what it says is done
    newest,  // so many of them
    dropped,
};
// By its key in etcd.
[[nodiscard]] Fate fate_of(std::string_view key);

inline constexpr std::size_t newest_audit = 1000; // as many as a voter shows

// What a restore file has of a backup. `header` says afterwards what that is.
[[nodiscard]] Content for_restore(Content all, Header& header);

// What a backup does not have: etcd's own marks of this genesis, and the copies of secrets, which stand by themselves.
[[nodiscard]] bool is_backed_up(std::string_view key);
[[nodiscard]] bool is_audit(std::string_view key);
[[nodiscard]] bool is_node(std::string_view key);

} // namespace ashlar::backup
