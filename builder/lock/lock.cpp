#include <lock/lock.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace ashlar::lock {

namespace {

auto rank(const Package& package) {
    return std::tie(package.name, package.version, package.architecture, package.archive, package.path);
}

// Where each package goes when the packages are sorted and doubles are joined.
std::vector<std::size_t> sorted_places(const std::vector<Package>& packages) {
    std::vector<std::size_t> order(packages.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return rank(packages[a]) < rank(packages[b]); });
    std::vector<std::size_t> places(packages.size());
    std::size_t place = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i > 0 && packages[order[i]] != packages[order[i - 1]]) ++place;
        places[order[i]] = place;
    }
    return places;
}

void sort_packages(Lock& lock) {
    const std::vector<std::size_t> places = sorted_places(lock.packages);
    const std::size_t count = places.empty() ? 0 : *std::max_element(places.begin(), places.end()) + 1;
    std::vector<std::optional<Package>> sorted(count);
    for (std::size_t i = 0; i < places.size(); ++i) sorted[places[i]] = std::move(lock.packages[i]);
    lock.packages.clear();
    for (auto& package : sorted) lock.packages.push_back(std::move(*package));
    for (auto& [role, indices] : lock.roles) {
        for (auto& index : indices) index = places.at(index);
        std::sort(indices.begin(), indices.end());
        indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    }
}

} // namespace

std::string Package::file_name() const { return path.substr(path.rfind('/') + 1); }

std::vector<const Package*> Lock::packages_of(const std::string& role) const {
    const auto found = roles.find(role);
    if (found == roles.end()) {
        throw Error(fmt::format("cannot use the lock of train '{}' for role '{}': the role is not in it", train, role),
                    fmt::format("lock it with `ashlar lock {} --role {}`", train, role));
    }
    std::vector<const Package*> wanted;
    for (const std::size_t index : found->second) wanted.push_back(&packages.at(index));
    return wanted;
}

void normalise(Lock& lock) {
    for (const auto& [role, indices] : lock.roles)
        for (const std::size_t index : indices)
            if (index >= lock.packages.size())
                throw Error(fmt::format("cannot make a lock: role '{}' names package {} of {}", role, index,
                                        lock.packages.size()));
    sort_packages(lock);
    for (auto& suite : lock.suites) std::sort(suite.signers.begin(), suite.signers.end());
    std::sort(lock.suites.begin(), lock.suites.end(), [](const Suite& a, const Suite& b) {
        return std::tie(a.archive, a.suite) < std::tie(b.archive, b.suite);
    });
    std::sort(lock.folders.begin(), lock.folders.end(),
              [](const Folder& a, const Folder& b) { return a.archive < b.archive; });
}

Lock read(const std::filesystem::path& path) { return parse(read_file(path), path.native()); }

} // namespace ashlar::lock
