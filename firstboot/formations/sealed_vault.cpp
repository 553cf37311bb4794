#include <formations/sealed_vault.hpp>

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <forming/ledger.hpp>
#include <forming/machine.hpp>
#include <signing/base64.hpp>
#include <signing/hpke.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>

#include <algorithm>
#include <cstring>
#include <vector>

#include <fmt/format.h>

namespace ashlar::formations {

namespace {

constexpr JsonDocument document{.kind = "secret", .name = "of the site's store", .remedy = "a newer release has written it, or the store was written by something else"};
constexpr unsigned most_tries = 20; // against others who give copies meanwhile

std::string name_of(std::string_view formation, std::string_view secret) { return fmt::format("{}/{}", formation, secret); }
std::string purpose_of(std::string_view site, std::string_view formation, std::string_view secret) { return fmt::format("ashlar secret 1 {} {}", site, name_of(formation, secret)); }

Error not_rotated(std::string_view formation, std::string_view secret, std::string_view cause, std::string hint) {
    return Error(fmt::format("cannot rotate the secret '{}': {}", name_of(formation, secret), cause), std::move(hint));
}

// The store's own failure, and not of what is in it.
class Unanswered final : public Error {
public:
    explicit Unanswered(const Error& error) : Error(error) {}
};
forming::SiteStore::Entries entries_of(const forming::SiteStore& store, const std::string& key) {
    try {
        return store.list(key);
    } catch (const Error& error) {
        throw Unanswered(error);
    }
}

Secret random_value(const formation::Secret& secret, forming::Randomness& random) {
    std::string text = forming::random_secret(secret, random);
    Secret value{text};
    ::explicit_bzero(text.data(), text.size());
    return value;
}

} // namespace

struct SealedVault::Copies {
    std::map<std::string, std::string, std::less<>> sealed; // base64, by node id

    [[nodiscard]] std::string text() const { return Json{{"format", 1}, {"algorithm", node_sealing_algorithm}, {"sealed", sealed}}.dump(); }
    [[nodiscard]] static Copies from(std::string_view text) {
        const Json json = parse_strict_json(text, "secret");
        JsonObject object(json, document, "it");
        object.expect("format", 1);
        object.expect("algorithm", node_sealing_algorithm);
        const Json& sealed = object.at("sealed");
        object.finish();
        Copies copies;
        if (!sealed.is_object()) throw object.refusal("'sealed' is no object");
        for (const auto& [node, copy] : sealed.items()) copies.sealed.emplace(node, copy.is_string() ? copy.get<std::string>() : throw object.refusal("'sealed' holds something that is no text"));
        return copies;
    }
};

struct SealedVault::Kept {
    Copies copies;
    std::uint64_t revision = 0;
};

SealedVault::SealedVault(forming::SiteStore& store, const formation::Formations& formations, const SigningKey& key, forming::Randomness& random)
    : store_(store), formations_(formations), key_(key), random_(random) {}

void SealedVault::see(forming::Site site, Keys keys) {
    for (const auto& [node, key] : keys)
        if (node_id_of(key).text() != node) throw Error(fmt::format("cannot seal secrets to node '{}': the key that is said to be its own is another's", node), "`ashlarctl status` shows who belongs to the site");
    const std::lock_guard lock(mutex_);
    site_ = std::move(site);
    keys_ = std::move(keys);
}

std::string SealedVault::purpose(std::string_view formation, std::string_view secret) const { return purpose_of(site_.id, formation, secret); }

std::optional<SealedVault::Kept> SealedVault::kept(std::string_view formation, std::string_view secret) const {
    const std::string key = forming::key::secret(formation, secret);
    const auto entries = entries_of(store_, key);
    const auto found = entries.find(key);
    if (found == entries.end()) return std::nullopt;
    return Kept{Copies::from(found->second.value), found->second.revision};
}

std::optional<Secret> SealedVault::copy_for(const SigningKey& key, const Copies& copies, std::string_view site, std::string_view formation, std::string_view secret) {
    const auto found = copies.sealed.find(node_id_of(key.verifying_key()).text());
    if (found == copies.sealed.end()) return std::nullopt;
    const auto bytes = from_base64(found->second);
    auto value = bytes ? unseal(key, purpose_of(site, formation, secret), *bytes) : std::nullopt;
    if (!value) throw Error(fmt::format("cannot open the secret '{}': the copy for this node is not sealed to its key, or was changed", name_of(formation, secret)), "rotate it: all who may read it get another one");
    return value;
}

std::optional<Secret> SealedVault::own_copy(const Copies& copies, std::string_view formation, std::string_view secret) const { return copy_for(key_, copies, site_.id, formation, secret); }

std::optional<Secret> SealedVault::opened(std::string_view record, const SigningKey& key, std::string_view site, std::string_view formation, std::string_view secret) {
    return copy_for(key, Copies::from(record), site, formation, secret);
}

std::string SealedVault::sealed(const Secret& value, const Keys& to, std::string_view site, std::string_view formation, std::string_view secret) {
    Copies copies;
    for (const auto& [node, key] : to) copies.sealed[node] = base64(seal_to_node(key, purpose_of(site, formation, secret), value));
    return copies.text();
}

std::optional<Secret> SealedVault::read(std::string_view formation, std::string_view secret) const {
    const auto found = kept(formation, secret);
    return found ? own_copy(found->copies, formation, secret) : std::nullopt;
}

std::optional<std::string> SealedVault::open(std::string_view formation, std::string_view secret) const {
    const std::lock_guard lock(mutex_);
    const std::string name = name_of(formation, secret);
    try {
        auto value = read(formation, secret);
        opened_.erase(name);
        if (!value) return std::nullopt;
        return std::string(opened_.emplace(name, std::move(*value)).first->second.text());
    } catch (const Unanswered&) {
        const auto known = opened_.find(name);
        if (known == opened_.end()) throw;
        return std::string(known->second.text());
    }
}

SealedVault::Entitled SealedVault::entitled(const formation::Formation& formation, const formation::Secret& secret) const {
    std::vector<const formation::Formation*> readers{&formation};
    for (const auto& name : secret.also)
        if (const auto found = formations_.find(name.value); found != formations_.end()) readers.push_back(&found->second);
    Entitled nodes;
    for (const auto& member : site_.members) {
        const bool runs = std::ranges::any_of(readers, [&](const auto* reader) { return forming::is_placed(*reader, site_, member.id); });
        const auto key = keys_.find(member.id);
        if ((runs || member.is_voter) && key != keys_.end()) nodes.emplace(member.id, &key->second);
    }
    return nodes;
}

void SealedVault::seal(Copies& copies, const Entitled& to, std::string_view formation, std::string_view secret, const Secret& value) const {
    for (const auto& [node, key] : to) copies.sealed[node] = base64(seal_to_node(*key, purpose(formation, secret), value));
}

SealedVault::Copies SealedVault::sealed_new(const formation::Formation& formation, const formation::Secret& secret, const Secret& value) const {
    const Entitled to = entitled(formation, secret);
    if (to.empty()) throw Error(fmt::format("cannot seal the secret '{}': the key of no node that may read it is known", name_of(formation.name, secret.name.value)));
    Copies copies;
    seal(copies, to, formation.name, secret.name.value, value);
    return copies;
}

void SealedVault::make(std::string_view formation, const formation::Secret& secret) {
    const std::lock_guard lock(mutex_);
    const auto found = formations_.find(formation);
    if (found == formations_.end()) throw Error(fmt::format("cannot make the secret '{}': there is no such formation here", name_of(formation, secret.name.value)));
    // False: another node was faster, and its value is the site's.
    (void)store_.swap(forming::key::secret(formation, secret.name.value), 0, sealed_new(found->second, secret, random_value(secret, random_)).text());
}

unsigned SealedVault::share(const formation::Formation& formation, const formation::Secret& secret) {
    auto found = kept(formation.name, secret.name.value);
    if (!found) return 0;
    Entitled without = entitled(formation, secret);
    std::erase_if(without, [&](const auto& node) { return found->copies.sealed.contains(node.first); });
    if (without.empty()) return 0;
    const auto value = own_copy(found->copies, formation.name, secret.name.value);
    if (!value) return 0;
    seal(found->copies, without, formation.name, secret.name.value, *value);
    // Where another was faster, the next look shows what is still missing.
    const bool given = store_.swap(forming::key::secret(formation.name, secret.name.value), found->revision, found->copies.text());
    return given ? static_cast<unsigned>(without.size()) : 0;
}

unsigned SealedVault::share() {
    const std::lock_guard lock(mutex_);
    unsigned given = 0;
    for (const auto& [name, formation] : formations_)
        for (const auto& secret : formation.secrets) given += share(formation, secret);
    return given;
}

// With the mutex.
SealedVault::Rotation SealedVault::rotated(std::string_view formation, std::string_view secret) {
    const auto& [owner, known] = known_secret(formation, secret);
    if (known.given) throw not_rotated(formation, secret, "a person gave it", "give it again: ashlarctl formation give");
    const auto before = kept(formation, secret);
    if (!before) throw not_rotated(formation, secret, "it has not been made yet", "it is made when its formation needs it");
    return {forming::key::secret(formation, secret), before->revision, sealed_new(owner, known, random_value(known, random_)).text()};
}

SealedVault::Known SealedVault::known_secret(std::string_view formation, std::string_view secret) const {
    const auto found = formations_.find(formation);
    const auto* known = found == formations_.end() ? nullptr : found->second.secret(secret);
    if (known == nullptr) throw Error(fmt::format("cannot change the secret '{}': this node knows no such secret", name_of(formation, secret)), "`ashlarctl status` shows the formations of a node");
    return {found->second, *known};
}

SealedVault::Rotation SealedVault::gift(std::string_view formation, std::string_view secret, const Secret& value) {
    const std::lock_guard lock(mutex_);
    const auto& [owner, known] = known_secret(formation, secret);
    if (!known.given) throw Error(fmt::format("cannot take the secret '{}' from a person: it is random, and made by the site", name_of(formation, secret)), "`ashlarctl formation rotate` gives it another value");
    const auto before = kept(formation, secret);
    return {forming::key::secret(formation, secret), before ? before->revision : 0, sealed_new(owner, known, value).text()};
}

SealedVault::Rotation SealedVault::rotation(std::string_view formation, std::string_view secret) {
    const std::lock_guard lock(mutex_);
    return rotated(formation, secret);
}

void SealedVault::rotate(std::string_view formation, std::string_view secret) {
    const std::lock_guard lock(mutex_);
    for (unsigned tries = 0; tries < most_tries; ++tries) {
        const Rotation next = rotated(formation, secret);
        if (store_.swap(next.key, next.revision, next.value)) return;
    }
    throw not_rotated(formation, secret, "others change it at the same time", "try again");
}

} // namespace ashlar::formations
