#pragma once

// Users and groups of an image by name: from its /etc/passwd and /etc/group, not from ours.

#include <filesystem>
#include <map>
#include <string>
#include <sys/types.h>
#include <utility>

namespace ashlar::node {

class Accounts {
public:
    explicit Accounts(const std::filesystem::path& root);
    // "user:group". Error when one of them is not there.
    [[nodiscard]] std::pair<uid_t, gid_t> owner(const std::string& names) const;

private:
    std::map<std::string, unsigned> users_, groups_;
};

} // namespace ashlar::node
