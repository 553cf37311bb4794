#include <restoration/collect.hpp>

#include <backup/fate.hpp>
#include <base/error.hpp>
#include <formations/sealed_vault.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace ashlar::restoration {

namespace {

constexpr const char *audit = "/audit/", *behind_audit = "/audit0", *formations = "/formations/", *secrets = "/secrets/";

struct Name {
    std::string formation, secret;
};
// Of "/formations/galera/secrets/root".
std::optional<Name> secret_in(std::string_view key) {
    if (!key.starts_with(formations)) return std::nullopt;
    key.remove_prefix(std::string_view(formations).size());
    const auto middle = key.find(secrets);
    if (middle == std::string_view::npos || key.find('/') != middle) return std::nullopt;
    return Name{std::string(key.substr(0, middle)), std::string(key.substr(middle + std::string_view(secrets).size()))};
}

Secret in_the_clear(const Voter& voter, const Name& name, const std::string& record) {
    auto value = formations::SealedVault::opened(record, voter.key, voter.value.site.text(), name.formation, name.secret);
    if (!value) throw Error(fmt::format("cannot back up the secret '{}/{}': this voter has no copy of it yet", name.formation, name.secret), "ask again in a minute, or another voter");
    return std::move(*value);
}

// Nothing removes entries of the audit, so that they are not read all at once; what stands behind them is as of one moment.
std::vector<etcd::Pair> pairs_in(etcd::Client& client) {
    auto pairs = client.between("", audit).pairs;
    auto entries = client.last(audit, most_audit).pairs;
    std::ranges::move(entries.rbegin(), entries.rend(), std::back_inserter(pairs));
    std::ranges::move(client.between(behind_audit, "").pairs, std::back_inserter(pairs));
    return pairs;
}

} // namespace

Collected collect(etcd::Client& client, const Voter& voter, Time now) {
    Collected collected{.header = {.site = voter.value.site, .name = voter.site_name, .genesis = voter.value.genesis, .made = now, .holds = {}},
                        .content = {.genesis = genesis::text_of(voter.value), .authority = voter.authorities.site.secret(), .etcd_authority = voter.authorities.etcd.secret(), .site_key = Secret(voter.site_key.text()), .secrets = {}, .pairs = {}}};
    auto& holds = collected.header.holds;
    const auto entries = static_cast<std::uint64_t>(client.extent(audit).keys);
    for (auto& pair : pairs_in(client)) {
        if (const auto name = secret_in(pair.key)) collected.content.secrets.push_back({name->formation, name->secret, in_the_clear(voter, *name, pair.value)});
        if (!backup::is_backed_up(pair.key)) continue;
        if (backup::is_audit(pair.key)) ++holds.audit;
        if (backup::is_node(pair.key)) ++holds.nodes;
        collected.content.pairs.push_back({std::move(pair.key), std::move(pair.value)});
    }
    std::ranges::sort(collected.content.secrets, {}, [](const backup::FormationSecret& secret) { return std::pair(secret.formation, secret.name); });
    holds.secrets = collected.content.secrets.size();
    holds.pairs = collected.content.pairs.size();
    holds.audit_left_out = entries - std::min(entries, holds.audit);
    return collected;
}

bool fits_on_media(backup::Header header, backup::Content content, const site::SiteKey& key) try {
    content = backup::for_restore(std::move(content), header);
    (void)backup::write_restore(header, content, key);
    return true;
} catch (const Error&) {
    return false;
}

} // namespace ashlar::restoration
