#include <vulnerabilities/inventory.hpp>

#include <algorithm>
#include <map>

namespace ashlar::vulnerabilities {

namespace {

// The tracker knows what was signed, not the packages that carry the signature: linux-signed-amd64
// 6.12.118+1 is linux 6.12.118-1, which is also the version of its binary packages.
std::pair<std::string, std::string> as_tracked(const evidence::ManifestPackage& package) {
    constexpr std::string_view signed_kernel = "linux-signed-";
    if (package.source.starts_with(signed_kernel)) return {"linux", package.version};
    return {package.source, package.source_version};
}

// "6.17.5-1~bpo13+1" → "6.17.5-1"
std::optional<std::string> without_backport(const std::string& version) {
    const std::size_t at = version.rfind("~bpo");
    return at == std::string::npos ? std::nullopt : std::optional(version.substr(0, at));
}

std::string release_of(const std::string& suite) { return suite.substr(0, suite.find_first_of("-/")); }

// Archives with suites are Debian's; folders and what Ashlar compiled are not.
std::set<std::string> archives_of(const lock::Lock& lock) {
    std::set<std::string> archives;
    for (const auto& suite : lock.suites) archives.insert(suite.archive);
    return archives;
}

std::map<Digest, std::string> archive_of_each(const lock::Lock& lock) {
    std::map<Digest, std::string> found;
    for (const auto& package : lock.packages) found.emplace(package.sha256, package.archive);
    return found;
}

} // namespace

std::set<std::string> Inventory::names() const {
    std::set<std::string> all;
    for (const auto& source : sources) all.insert(source.name);
    return all;
}

Inventory inventory_of(const std::vector<Image>& images, const std::vector<std::string>& bills) {
    std::map<std::pair<std::string, std::string>, Source> sources;
    std::set<std::string> foreign;
    Inventory inventory;
    for (std::size_t i = 0; i < images.size(); ++i) {
        const auto& [manifest, lock] = images[i];
        for (const auto& suite : lock.suites) inventory.releases.insert(release_of(suite.suite));
        const auto archives = archives_of(lock);
        const auto archive_of = archive_of_each(lock);
        for (const auto& package : manifest.packages) {
            const auto archive = archive_of.find(package.sha256);
            if (archive == archive_of.end() || !archives.contains(archive->second)) {
                foreign.insert(package.source);
                continue;
            }
            auto [name, version] = as_tracked(package);
            const auto original = without_backport(version);
            Source& source = sources.try_emplace({name, version}, Source{name, original.value_or(version), original.has_value(), {}}).first->second;
            source.places.push_back({manifest.role, package.name, package.version, package.sha256, bills[i]});
        }
    }
    for (auto& [key, source] : sources) inventory.sources.push_back(std::move(source));
    inventory.foreign.assign(foreign.begin(), foreign.end());
    return inventory;
}

} // namespace ashlar::vulnerabilities
