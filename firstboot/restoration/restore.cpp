#include <restoration/restore.hpp>

#include <backup/fate.hpp>
#include <base/error.hpp>
#include <base/json.hpp>
#include <formations/sealed_vault.hpp>
#include <forming/ledger.hpp>
#include <roster/audit.hpp>
#include <roster/roster.hpp>
#include <tuf/metadata.hpp>

#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace ashlar::restoration {

namespace {

constexpr const char *file_name = "restore", *done_key = "/restored";
// Of one transaction: etcd takes 128 changes and 1.5 MiB.
constexpr std::size_t most_changes = 64, most_bytes = std::size_t{256} << 10U;
constexpr unsigned most_attempts = 5; // of one whose outcome was not known

etcd::Condition absent(std::string key) { return {etcd::Condition::Of::created, std::move(key), 0}; }

genesis::Value value_in(const backup::Content& content, const SiteId& site) {
    auto checked = genesis::check_from_outside(content.genesis, site);
    if (const auto* const refused = std::get_if<genesis::Refused>(&checked)) throw Error(fmt::format("cannot restore the site: the genesis value in '{}' does not hold: {}", file_name, refused->text), "make the restore file again, from another backup");
    return std::get<genesis::Value>(std::move(checked));
}

// ---- What is written ---------------------------------------------------------------------------------

// As it is where what it is about is there no more. Nothing: it is forgotten.
std::optional<std::string> restored(const backup::Pair& pair, Time lost) {
    switch (backup::fate_of(pair.key)) {
    case backup::Fate::kept:
    case backup::Fate::newest: return pair.value;
    case backup::Fate::removed: {
        roster::Member member = roster::member_from(pair.value);
        if (member.state == roster::Member::State::removed) return pair.value;
        member.state = roster::Member::State::removed;
        member.since = lost;
        return text_of(member);
    }
    case backup::Fate::done: return parse_strict_json(pair.value, pair.key).value("done", false) ? std::optional(pair.value) : std::nullopt;
    case backup::Fate::dropped: return std::nullopt;
    }
    return std::nullopt;
}

formations::Keys keys_of(const genesis::Value& value) {
    formations::Keys keys;
    for (const auto& voter : value.voters) keys.emplace(voter.node.text(), voter.key);
    return keys;
}

// Each is what one transaction takes.
class Portions {
public:
    using Portion = std::vector<etcd::Change>;

    Portions(const backup::Content& content, const genesis::Value& value, Time lost) {
        for (const auto& pair : content.pairs) add(pair.key.size() + pair.value.size(), pair.key, restored(pair, lost));
        const auto keys = keys_of(value);
        for (const auto& [formation, name, secret] : content.secrets)
            add(secret.text().size(), "/" + forming::key::secret(formation, name), formations::SealedVault::sealed(secret, keys, value.site.text(), formation, name));
    }
    [[nodiscard]] const std::vector<Portion>& all() const noexcept { return portions_; }

private:
    void add(std::size_t size, std::string key, std::optional<std::string> text) {
        if (portions_.empty() || ++count_ > most_changes || (bytes_ += size) > most_bytes) {
            portions_.emplace_back();
            count_ = 1;
            bytes_ = size;
        }
        if (text) portions_.back().emplace_back(etcd::Put{std::move(key), std::move(*text)});
    }

    std::vector<Portion> portions_;
    std::size_t count_ = 0, bytes_ = 0;
};

// ---- Writing -----------------------------------------------------------------------------------------

// That the conditions do not hold is that all of it is there, by somebody else.
void write(etcd::Client& client, const std::vector<etcd::Condition>& conditions, const std::vector<etcd::Change>& changes) {
    for (unsigned attempt = 1;; ++attempt) {
        try {
            (void)client.commit(conditions, changes);
            return;
        } catch (const etcd::OutcomeUnknown&) {
            if (attempt == most_attempts) throw;
        }
    }
}

// Nobody changes anything before it is done: until then what was written may be written again, by another voter, or after a cut.
void write_portions(etcd::Client& client, const std::vector<Portions::Portion>& portions) {
    for (const auto& portion : portions)
        if (!portion.empty()) write(client, {absent(done_key)}, portion);
}

void write_end(etcd::Client& client, const genesis::Value& value, const backup::Header& header, const std::string& who, Time now) {
    const Json record{{"format", 1}, {"genesis", value.restores->genesis.text()}, {"file", value.restores->file.hex()}, {"made", header.made.time_since_epoch().count()}, {"time", now.time_since_epoch().count()}};
    auto [condition, entry] = audit::addition({.time = now, .who = who, .what = "site.restore", .about = header.name, .text = fmt::format("from the backup of {} (seconds since 1970), genesis {}", header.made.time_since_epoch().count(), header.genesis.text())});
    write(client, {absent(done_key), condition}, {etcd::Put{done_key, tuf::canonical_json(record)}, entry});
}

} // namespace

genesis::Past past_of(std::string_view file, const site::SiteKey& key) {
    const auto header = backup::read_restore_header(file, file_name);
    const auto content = backup::open_restore(file, file_name, key);
    const auto value = value_in(content, key.site());
    auto authorities = genesis::authorities_with(value, content.authority, content.etcd_authority);
    if (const auto* const refused = std::get_if<genesis::Refused>(&authorities)) throw Error(fmt::format("cannot restore the site: {}", refused->text), "make the restore file again, from another backup");
    return {.authorities = std::get<genesis::Authorities>(std::move(authorities)), .restores = {.genesis = value.genesis, .file = sha256(file)}};
}

bool is_done(etcd::Client& client) { return client.get(done_key).has_value(); }

void restore(etcd::Client& client, const genesis::Value& value, std::string_view file, const site::SiteKey& key, const std::string& who, Time now) {
    if (is_done(client)) return;
    if (!value.restores || value.restores->file != sha256(file)) throw Error("cannot restore the site: this node's restore file is not the one that was agreed on", "every voter's medium has the same");
    const auto header = backup::read_restore_header(file, file_name);
    write_portions(client, Portions(backup::open_restore(file, file_name, key), value, header.made).all());
    write_end(client, value, header, who, now);
}

} // namespace ashlar::restoration
