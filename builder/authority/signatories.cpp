#include "signatories.hpp"

#include <authority/policy.hpp>
#include <base/error.hpp>
#include <tuf/trusted.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::authority {

namespace {

bool is_met(const Signatories::Group& group, const tuf::Envelope& envelope) {
    try {
        tuf::verify_threshold(envelope, group.role, group.keys, "proposal");
        return true;
    } catch (const tuf::MetadataError&) {
        return false;
    }
}

const tuf::Role& role_of(const tuf::Root& root, std::string_view name) {
    if (name == "root") return root.root;
    if (name == "targets") return root.targets;
    if (name == "snapshot") return root.snapshot;
    if (name == "timestamp") return root.timestamp;
    if (!root.bundle) throw Error("cannot sign a bundle: root names no key for it", "`ashlar key ceremony` puts trust.toml into force");
    return *root.bundle;
}

} // namespace

bool Signatories::are_met(const tuf::Envelope& envelope) const {
    return std::ranges::all_of(groups, [&](const Group& group) { return is_met(group, envelope); });
}

std::vector<VerifyingKey> Signatories::still_wanted(const tuf::Envelope& envelope) const {
    std::vector<VerifyingKey> wanted;
    for (const Group& group : groups) {
        if (is_met(group, envelope)) continue;
        for (const auto& id : group.role.key_ids) {
            const auto found = group.keys.find(id);
            const bool has_signed = std::ranges::find(envelope.signatures, id, &tuf::Signature::key_id) != envelope.signatures.end();
            if (found == group.keys.end() || !found->second.key || has_signed) continue;
            if (std::ranges::find(wanted, *found->second.key) == wanted.end()) wanted.push_back(*found->second.key);
        }
    }
    return wanted;
}

Signatories signatories(const Repository& repository, std::string_view role, const tuf::Envelope& proposal) {
    const auto root = repository.root();
    if (role == "root") {
        const tuf::Root next = tuf::root_of(proposal, "root.json");
        Signatories both{.groups = {{next.root, next.keys}}};
        if (root) both.groups.push_back({root->root, root->keys});
        return both;
    }
    if (!root) throw Error(fmt::format("cannot sign '{}': there is no root yet", role), "`ashlar key ceremony` makes it");
    if (!is_delegated(role)) return {.groups = {{role_of(*root, role), root->keys}}};
    const auto targets = repository.targets("targets");
    const auto delegated = targets ? std::ranges::find(targets->delegations, role, &tuf::DelegatedRole::name) : std::vector<tuf::DelegatedRole>::const_iterator{};
    if (!targets || delegated == targets->delegations.end())
        throw Error(fmt::format("cannot sign '{}': nothing is delegated to that role", role), fmt::format("`ashlar key new {}` and `ashlar key ceremony` do that", role));
    return {.groups = {{delegated->role, targets->keys}}};
}

} // namespace ashlar::authority
