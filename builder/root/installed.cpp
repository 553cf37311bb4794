#include "installed.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <debian/control.hpp>
#include <debian/package.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

std::optional<fs::path> find_database(const fs::path& root) {
    for (const auto folder : {database_folder, sealed_database_folder})
        if (fs::exists(root / folder / "status")) return root / folder;
    return std::nullopt;
}

fs::path database_of(const fs::path& root) {
    if (auto folder = find_database(root)) return *folder;
    throw Error(fmt::format("cannot read the packages of '{}': it has no dpkg database", root.native()));
}

std::string text_of(const debian::Paragraph& paragraph, std::string_view field) {
    return debian::fold_lines(paragraph.get(field).value_or(""));
}

} // namespace

bool has_database(const fs::path& root) { return find_database(root).has_value(); }

std::vector<InstalledPackage> read_installed(const fs::path& root) {
    const fs::path file = database_of(root) / "status";
    const std::string text = read_file(file);
    debian::ControlReader reader(text, file.native());
    std::vector<InstalledPackage> packages;
    for (debian::Paragraph paragraph; reader.next(paragraph);) {
        InstalledPackage package{.name = text_of(paragraph, "Package"),
                                 .version = text_of(paragraph, "Version"),
                                 .architecture = text_of(paragraph, "Architecture"),
                                 .status = text_of(paragraph, "Status"),
                                 .pre_depends = text_of(paragraph, "Pre-Depends"),
                                 .depends = text_of(paragraph, "Depends"),
                                 .provides = text_of(paragraph, "Provides")};
        package.info_name = text_of(paragraph, "Multi-Arch") == "same" ? package.name + ":" + package.architecture : package.name;
        packages.push_back(std::move(package));
    }
    std::sort(packages.begin(), packages.end(), [](const auto& a, const auto& b) { return a.info_name < b.info_name; });
    return packages;
}

std::vector<const InstalledPackage*> script_order(const std::vector<InstalledPackage>& packages) {
    std::multimap<std::string, const InstalledPackage*, std::less<>> by_name;
    for (const auto& package : packages) by_name.emplace(package.name, &package);
    for (const auto& package : packages)
        for (const auto& group : debian::parse_groups(package.provides)) by_name.emplace(group.at(0).name, &package);

    std::vector<const InstalledPackage*> order;
    std::set<const InstalledPackage*> seen;
    const std::function<void(const InstalledPackage&)> visit = [&](const InstalledPackage& package) {
        if (!seen.insert(&package).second) return;
        for (const auto* field : {&package.pre_depends, &package.depends})
            for (const auto& group : debian::parse_groups(*field))
                for (const auto& alternative : group)
                    for (auto [at, end] = by_name.equal_range(alternative.name); at != end; ++at) visit(*at->second);
        order.push_back(&package);
    };
    if (const auto first = by_name.find("base-passwd"); first != by_name.end()) visit(*first->second);
    for (const auto& package : packages) visit(package);
    // What base-passwd depends on has no business with accounts.
    std::stable_partition(order.begin(), order.end(), [](const auto* package) { return package->name == "base-passwd"; });
    return order;
}

namespace {

// "diversions": three lines each: the path, where it went, the package that may use the path.
struct Diversion {
    std::string target, by;
};

std::map<std::string, Diversion> read_diversions(const fs::path& database) {
    std::map<std::string, Diversion> diversions;
    if (!fs::exists(database / "diversions")) return diversions;
    const std::string text = read_file(database / "diversions");
    const auto lines = split(text, '\n');
    for (std::size_t i = 0; i + 2 < lines.size(); i += 3)
        diversions[std::string(lines[i])] = {std::string(lines[i + 1]), std::string(lines[i + 2])};
    return diversions;
}

// "bin/x" → "usr/bin/x" where /bin is a link to usr/bin. Lists keep the path that a package was built with.
class TopLinks {
public:
    explicit TopLinks(const fs::path& root) {
        for (const auto& entry : fs::directory_iterator(root))
            if (entry.is_symlink()) links_[entry.path().filename()] = fs::read_symlink(entry.path());
    }
    [[nodiscard]] std::string resolve(std::string_view path) const {
        const std::size_t end = path.find('/');
        const auto link = end == std::string_view::npos ? links_.end() : links_.find(path.substr(0, end));
        return link == links_.end() ? std::string(path) : link->second + std::string(path.substr(end));
    }

private:
    std::map<std::string, std::string, std::less<>> links_;
};

} // namespace

std::map<std::string, std::string> read_owners(const fs::path& root, const std::vector<InstalledPackage>& packages) {
    const fs::path database = database_of(root);
    const auto diversions = read_diversions(database);
    const TopLinks links(root);
    std::map<std::string, std::string> owners;
    for (const auto& package : packages) {
        const fs::path list = database / "info" / (package.info_name + ".list");
        if (!fs::exists(list)) continue;
        const std::string text = read_file(list);
        for (std::string_view line : split(text, '\n')) {
            if (line.empty() || line == "/.") continue;
            const auto diversion = diversions.find(std::string(line));
            if (diversion != diversions.end() && diversion->second.by != package.name) line = diversion->second.target;
            owners.emplace(links.resolve(line.substr(line.find_first_not_of('/'))), package.name);
        }
    }
    return owners;
}

} // namespace ashlar::root
