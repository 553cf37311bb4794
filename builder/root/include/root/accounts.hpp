#pragma once

// One ledger of user and group ids for all roles and all releases: docs/formats/accounts.md.
//
// A node keeps /var from release to release and meets other nodes over shared storage, so a name must
// mean the same number for ever. Ids are therefore given before the first maintainer script runs, and
// a root in which an account has another id, or one that the ledger does not know, is refused.

#include <root/sandbox.hpp>

#include <toml/source.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::root {

// Whose choice the number is: base-passwd's (0..100, 65534), ours (101..999), Debian's (60000..64999,
// Policy 9.2.2).
enum class AccountKind { fixed, system, reserved };

struct Account {
    std::string name;
    AccountKind kind = AccountKind::system;
    std::optional<std::uint32_t> uid; // of the user of this name; absent = there is none
    std::optional<std::uint32_t> gid; // of the group of this name; absent = there is none
    toml::Position position;
};

class Ledger {
public:
    // SourceError when something is wrong: an id twice, a name twice, an id out of its kind's range.
    [[nodiscard]] static Ledger parse(const toml::SourcePtr& source);
    // `name` is what errors show.
    [[nodiscard]] static Ledger read(const std::filesystem::path& file, std::string name);

    [[nodiscard]] const std::vector<Account>& accounts() const noexcept { return accounts_; }
    [[nodiscard]] const Account* find(std::string_view name) const noexcept;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    // The text, for the digest of a stage's inputs.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    // The lowest number from 101 on that neither a user nor a group has.
    [[nodiscard]] std::uint32_t free_id() const;

private:
    std::string name_, text_;
    std::vector<Account> accounts_; // in the order written
};

// Makes scripts that run in `sandbox` (in place, before the first one) get the ledger's ids, however
// they make accounts: adduser by its UID_POOL and GID_POOL, systemd-sysusers by numbered copies of the
// root's sysusers.d, bare useradd and groupadd by wrappers. Everything is bound over the root's own
// files for the time of the scripts, from files made in `scratch`; nothing of it stays.
void give_ids(const Ledger& ledger, Sandbox& sandbox, const std::filesystem::path& scratch);

// A line of sysusers.d(5) with the ledger's numbers in place of "-". Other lines come back as they are.
[[nodiscard]] std::string numbered_sysusers_line(const Ledger& ledger, std::string_view line);

// Compares /etc/passwd and /etc/group of the root with the ledger. Throws one Error that names every
// account with another id and every one that is missing, with the line to add.
void check_accounts(const Ledger& ledger, const std::filesystem::path& root);

// The days of the last change of a password (field 3 of /etc/shadow) are emptied: they are the day of
// the build.
void normalise_shadow(const std::filesystem::path& root);

} // namespace ashlar::root
