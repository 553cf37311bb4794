#include <root/accounts.hpp>

#include "text_file.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <toml/reader.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

// ---- The ledger ----------------------------------------------------------------------------------

namespace {

struct KindOfAccount {
    AccountKind kind;
    const char* key;
    const char* range;
};
constexpr std::array kinds{KindOfAccount{AccountKind::fixed, "static", "0..100 or 65534"},
                           KindOfAccount{AccountKind::system, "system", "101..999"},
                           KindOfAccount{AccountKind::reserved, "reserved", "60000..64999"}};

bool in_range(AccountKind kind, std::int64_t id) {
    switch (kind) {
    // Group 100, "users", is base-passwd's too.
    case AccountKind::fixed: return (id >= 0 && id <= 100) || id == 65534;
    case AccountKind::system: return id >= 101 && id <= 999;
    case AccountKind::reserved: return id >= 60000 && id <= 64999;
    }
    return false;
}

class LedgerReader {
public:
    explicit LedgerReader(toml::Table& table) : problems_(table.problems()) {
        for (const auto& kind : kinds)
            for (toml::Table* account : table.tables(kind.key)) read(*account, kind);
    }
    [[nodiscard]] std::vector<Account> take() { return std::move(accounts_); }

private:
    void read(toml::Table& table, const KindOfAccount& kind) {
        const auto name = table.required_text("name");
        Account account{.kind = kind.kind, .uid = id(table, "uid", kind, users_), .gid = id(table, "gid", kind, groups_)};
        if (!name) return;
        account.name = name->value;
        account.position = name->position;
        if (!account.uid && !account.gid) problems_.add(name->position, fmt::format("account '{}' has neither 'uid' nor 'gid'", account.name));
        if (const auto [at, added] = names_.emplace(account.name, name->position); !added)
            problems_.add({name->position, fmt::format("account '{}' is here twice", account.name), {}, {{at->second, "first here"}}});
        accounts_.push_back(std::move(account));
    }

    std::optional<std::uint32_t> id(toml::Table& table, const char* key, const KindOfAccount& kind,
                                    std::map<std::int64_t, toml::Position>& taken) {
        const auto value = table.integer(key);
        if (!value) return std::nullopt;
        if (!in_range(kind.kind, value->value))
            problems_.add(value->position, fmt::format("{} {} is not in the range of '{}'", key, value->value, kind.key),
                          fmt::format("that is {}", kind.range));
        else if (const auto [at, added] = taken.emplace(value->value, value->position); !added)
            problems_.add({value->position, fmt::format("{} {} is given twice", key, value->value), {}, {{at->second, "first here"}}});
        return static_cast<std::uint32_t>(value->value);
    }

    toml::Problems& problems_;
    std::vector<Account> accounts_;
    std::map<std::string, toml::Position> names_;
    std::map<std::int64_t, toml::Position> users_, groups_;
};

} // namespace

Ledger Ledger::parse(const toml::SourcePtr& source) {
    Ledger ledger;
    ledger.name_ = source->name();
    ledger.text_ = source->text();
    ledger.accounts_ = toml::read(source, [](toml::Table& table) { return LedgerReader(table).take(); });
    return ledger;
}

Ledger Ledger::read(const fs::path& file, std::string name) { return parse(toml::source_from_file(file, std::move(name))); }

const Account* Ledger::find(std::string_view name) const noexcept {
    const auto found = std::find_if(accounts_.begin(), accounts_.end(), [&](const Account& account) { return account.name == name; });
    return found == accounts_.end() ? nullptr : &*found;
}

std::uint32_t Ledger::free_id() const {
    std::set<std::uint32_t> taken;
    for (const auto& account : accounts_) {
        if (account.uid) taken.insert(*account.uid);
        if (account.gid) taken.insert(*account.gid);
    }
    std::uint32_t id = 101;
    while (taken.contains(id)) ++id;
    return id;
}

// ---- Giving ids ----------------------------------------------------------------------------------

namespace {

constexpr std::string_view stand_ins = "/run/ashlar"; // inside the sandbox
constexpr std::string_view sysusers = "usr/lib/sysusers.d";

// adduser.conf(5), "UID AND GID POOLS": name:id:comment:home:shell. Of use to our wrappers as well.
std::string pool(const Ledger& ledger, std::optional<std::uint32_t> Account::*id) {
    std::string text;
    for (const auto& account : ledger.accounts())
        if (account.*id) text += fmt::format("{}:{}:\n", account.name, *(account.*id));
    return text;
}

// useradd and groupadd take the name last. Who names a number has it from the ledger already (adduser),
// or will be found out afterwards.
std::string wrapper(std::string_view program, std::string_view pool_name, char letter, std::string_view option) {
    return fmt::format(R"(#!/bin/sh
for argument; do
    case $argument in
    -{2}|-{2}[0-9]*|--{3}|--{3}=*) exec {0}/real-{1} "$@" ;;
    esac
    name=$argument
done
while IFS=: read -r known id rest; do
    if [ "$known" = "$name" ]; then exec {0}/real-{1} -{2} "$id" "$@"; fi
done < {0}/{4}
exec {0}/real-{1} "$@"
)", stand_ins, program, letter, option, pool_name);
}

// Splits as sysusers.d(5) does, keeping quotes, so that fields can be put back.
std::vector<std::string_view> sysusers_fields(std::string_view line) {
    std::vector<std::string_view> fields;
    for (std::size_t i = 0; i < line.size();) {
        if (line[i] == ' ' || line[i] == '\t') {
            ++i;
            continue;
        }
        const std::size_t start = i;
        for (char quote = 0; i < line.size() && (quote != 0 || (line[i] != ' ' && line[i] != '\t')); ++i) {
            if (line[i] == quote) quote = 0;
            else if (quote == 0 && (line[i] == '"' || line[i] == '\'')) quote = line[i];
        }
        fields.push_back(line.substr(start, i - start));
    }
    return fields;
}

std::string numbered_id(const Account& account, std::string_view type, std::string_view id) {
    if (type[0] == 'g') return account.gid && id == "-" ? std::to_string(*account.gid) : std::string(id);
    if (!account.uid) return std::string(id);
    if (id.starts_with("-:")) return fmt::format("{}{}", *account.uid, id.substr(1));
    // The group that systemd-sysusers makes for the user gets the user's number when it is free.
    return id == "-" ? std::to_string(*account.uid) : std::string(id);
}

void copy_sysusers(const Ledger& ledger, const fs::path& from, const fs::path& to) {
    fs::create_directory(to);
    for (const auto& entry : fs::directory_iterator(from)) {
        const std::string text = read_file(entry.path());
        std::string copy;
        for (const auto line : split(text, '\n')) copy += numbered_sysusers_line(ledger, line) + "\n";
        write_file(to / entry.path().filename(), copy);
    }
}

} // namespace

std::string numbered_sysusers_line(const Ledger& ledger, std::string_view line) {
    const auto fields = sysusers_fields(line);
    if (fields.size() < 3 || (fields[0][0] != 'u' && fields[0][0] != 'g')) return std::string(line);
    const Account* account = ledger.find(fields[1]);
    if (account == nullptr) return std::string(line);
    const std::string id = numbered_id(*account, fields[0], fields[2]);
    std::string numbered = fmt::format("{} {} {}", fields[0], fields[1], id);
    for (std::size_t i = 3; i < fields.size(); ++i) numbered += fmt::format(" {}", fields[i]);
    return numbered;
}

void give_ids(const Ledger& ledger, Sandbox& sandbox, const fs::path& scratch) {
    const auto in_root = [&](std::string_view path) { return sandbox.root / path; };
    const auto stand_in = [&](std::string_view name, std::string_view text, std::string_view target, unsigned mode) {
        write_file(scratch / name, text, mode);
        sandbox.binds.push_back({scratch / name, target});
    };
    const std::string inside(stand_ins);
    stand_in("uid-pool", pool(ledger, &Account::uid), inside + "/uid-pool", 0644);
    stand_in("gid-pool", pool(ledger, &Account::gid), inside + "/gid-pool", 0644);

    if (fs::exists(in_root("etc/adduser.conf")))
        stand_in("adduser.conf", read_file(in_root("etc/adduser.conf")) +
                     fmt::format("\nUID_POOL={0}/uid-pool\nGID_POOL={0}/gid-pool\n", stand_ins), "/etc/adduser.conf", 0644);
    const auto wrap = [&](const std::string& program, std::string_view pool_name, char letter, std::string_view option) {
        const fs::path real = in_root("usr/sbin/" + program);
        if (!fs::exists(real)) return;
        sandbox.binds.push_back({real, inside + "/real-" + program});
        stand_in(program, wrapper(program, pool_name, letter, option), "/usr/sbin/" + program, 0755);
    };
    wrap("useradd", "uid-pool", 'u', "uid");
    wrap("groupadd", "gid-pool", 'g', "gid");

    if (!fs::is_directory(in_root(sysusers))) return;
    copy_sysusers(ledger, in_root(sysusers), scratch / "sysusers.d");
    sandbox.binds.push_back({scratch / "sysusers.d", "/" + std::string(sysusers)});
}

// ---- Checking ------------------------------------------------------------------------------------

namespace {

// name → id of a file in the form of passwd(5) or group(5).
std::map<std::string, std::uint32_t> read_ids(const fs::path& file) {
    std::map<std::string, std::uint32_t> ids;
    if (!fs::exists(file)) return ids;
    const std::string text = read_file(file);
    for (const auto line : split(text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 3) continue;
        std::uint32_t id = 0;
        std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), id);
        ids.emplace(fields[0], id);
    }
    return ids;
}

struct Found {
    std::optional<std::uint32_t> uid, gid;
};

std::map<std::string, Found> accounts_of(const fs::path& root) {
    std::map<std::string, Found> found;
    for (const auto& [name, id] : read_ids(root / "etc/passwd")) found[name].uid = id;
    for (const auto& [name, id] : read_ids(root / "etc/group")) found[name].gid = id;
    return found;
}

// `next` is the number to propose; it moves on when it was used. A number that is not ours to choose stays.
std::string ledger_line(const std::string& name, const Found& found, std::uint32_t& next) {
    // adduser starts at 100, which only group "users" has.
    const auto is_ours = [](std::optional<std::uint32_t> id) { return id && *id >= 100 && *id <= 999; };
    const std::uint32_t id = is_ours(found.uid) || is_ours(found.gid) ? next++ : 0;
    const auto chosen = [&](std::uint32_t seen) { return is_ours(seen) ? id : seen; };
    std::string line = fmt::format("{{ name = \"{}\"", name);
    if (found.uid) line += fmt::format(", uid = {}", chosen(*found.uid));
    if (found.gid) line += fmt::format(", gid = {}", chosen(*found.gid));
    return line + " },";
}

void compare(std::vector<std::string>& moved, const Account& account, const char* what, std::optional<std::uint32_t> expected,
             std::optional<std::uint32_t> seen) {
    if (!seen || seen == expected) return;
    const std::string wanted = expected ? fmt::format("{}", *expected) : fmt::format("no {}", what);
    moved.push_back(fmt::format("{} '{}' has {}, the ledger says {}", what, account.name, *seen, wanted));
}

} // namespace

void check_accounts(const Ledger& ledger, const fs::path& root) {
    std::vector<std::string> wrong, lines;
    std::uint32_t next = ledger.free_id();
    for (const auto& [name, found] : accounts_of(root)) {
        const Account* account = ledger.find(name);
        if (account == nullptr) {
            wrong.push_back(fmt::format("account '{}' is not in the ledger", name));
            lines.push_back(ledger_line(name, found, next));
            continue;
        }
        compare(wrong, *account, "user", account->uid, found.uid);
        compare(wrong, *account, "group", account->gid, found.gid);
    }
    if (wrong.empty()) return;
    std::string hint = "an id that a release has used must stay; find out which script chose another";
    if (!lines.empty()) hint = fmt::format("add to {}, in the list 'system' if the number is ours to choose:\n    {}", ledger.name(), join(lines, "\n    "));
    throw Error(fmt::format("cannot accept the accounts of the root:\n    {}", join(wrong, "\n    ")), hint);
}

void normalise_shadow(const fs::path& root) {
    const fs::path file = root / "etc/shadow";
    if (!fs::exists(file)) return;
    edit_lines(file, [](std::string_view line) {
        const auto fields = split(line, ':');
        if (fields.size() < 4) return std::string(line);
        std::vector<std::string> kept(fields.begin(), fields.end());
        kept[2].clear();
        return join(kept, ":");
    });
}

} // namespace ashlar::root
