#include <releases/confirmations.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace ashlar::releases {

namespace {

using confirmation::Confirmation;

const authority::RolePolicy* policy_of(const Office& office) { return office.policy().find(authority::rebuilders); }

std::optional<std::string> rebuilder(const Office& office, const VerifyingKey& key) {
    const auto* policy = policy_of(office);
    if (policy == nullptr) return std::nullopt;
    const auto found = std::ranges::find_if(policy->keys, [&](const std::string& name) { return office.policy().key(name) == key; });
    return found == policy->keys.end() ? std::nullopt : std::optional(*found);
}

Listed listed(const Office& office, const ReleaseVersion& release) {
    for (auto& one : list(office, to_text(release.train)))
        if (one.release == release) return one;
    throw Error(fmt::format("cannot find release {}", to_text(release)), "`ashlar release list` shows what there is");
}

// What it has to say to be of this release.
bool fits(const Confirmation& said, const Listed& listed, const ClusterRelease& release) { return said.document == listed.digest && said.images == confirmation::images_of(release); }

Confirmation checked(const Office& office, const Offered& offered) {
    Confirmation said = confirmation::parse(offered.text, offered.name);
    const auto refuse = [&](const std::string& cause, std::string hint) { throw Error(fmt::format("cannot use the confirmation '{}': {}", offered.name, cause), std::move(hint)); };
    const std::string release = to_text(said.release);
    if (!rebuilder(office, said.key))
        refuse(fmt::format("its key {} is none of the rebuilders that trust.toml names", confirmation::key_id(said.key).hex()), "`ashlar key new rebuilders --public FILE` takes its public half in, if it is to count");
    const Listed there = listed(office, said.release);
    if (there.revoked) refuse(fmt::format("{} is revoked: {}", release, *there.revoked), "it needs none any more");
    if (said.document != there.digest) refuse(fmt::format("what was built again is not {} as it is here", release), fmt::format("release.json has SHA-256 {} here, {} there", there.digest.hex(), said.document.hex()));
    if (!fits(said, there, load(office, said.release))) refuse(fmt::format("it names other images than {} has", release), "ask whoever built the release again for another one");
    return said;
}

} // namespace

Tally tally(const Office& office, const ReleaseVersion& release) {
    Tally tally;
    const auto* policy = policy_of(office);
    if (policy == nullptr) return tally;
    tally.threshold = policy->threshold;
    const Listed there = listed(office, release);
    const ClusterRelease document = load(office, release);
    for (const auto& name : policy->keys) {
        const auto& key = office.policy().key(name);
        const auto counts = [&] {
            const auto text = target_text(office, release, confirmation::file_name_of(key));
            if (!text) return false;
            try {
                const Confirmation said = confirmation::parse(*text, name);
                return said.key == key && said.release == release && fits(said, there, document);
            } catch (const Error&) {
                return false;
            }
        };
        (counts() ? tally.confirmed : tally.missing).push_back(name);
    }
    return tally;
}

std::vector<Taken> confirm(const Office& office, const std::vector<Offered>& offered, Time now) {
    (void)office.policy().role(authority::rebuilders);
    std::vector<Taken> taken;
    std::map<ReleaseVersion, std::map<std::string, std::string>> fresh; // release → file → text
    for (const auto& one : offered) {
        const Confirmation said = checked(office, one);
        const std::string key = rebuilder(office, said.key).value();
        const bool is_there = std::ranges::count(tally(office, said.release).confirmed, key) > 0;
        const bool is_new = !is_there && fresh[said.release].emplace(confirmation::file_name_of(said.key), one.text).second;
        taken.push_back({said.release, key, is_new ? Taken::Change::made : Taken::Change::none});
    }
    for (const auto& [release, files] : fresh) {
        if (files.empty()) continue;
        edit(office, to_text(release.train), now, [&](tuf::Targets& targets) {
            for (const auto& [file, text] : files) {
                const std::string path = target_path(release, file);
                targets.targets.insert_or_assign(path, office.repository().add_target_text(path, text));
            }
        });
    }
    return taken;
}

} // namespace ashlar::releases
