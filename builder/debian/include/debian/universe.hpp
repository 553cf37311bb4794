#pragma once

// All packages that a train's archives offer, for one architecture, and which of their versions
// APT would take.
//
// Loading does not copy: packages are views into index files that stay mapped as long as the
// Universe lives. The files must not change meanwhile (blobs of the store never do).
// Adding an index leaves what was handed out before valid. Any number of threads may read while none
// adds.

#include <debian/package.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::debian {

// Where an index comes from and how much it is wanted.
struct Source {
    std::string archive; // recipe::Archive::name
    std::string suite;   // as the train writes it: "trixie-security"
    std::string component = "main";
    // As in apt_preferences(5). Without one 500, or what the archive's Release asks for: NotAutomatic
    // makes it 1, with ButAutomaticUpgrades 100.
    std::optional<int> priority;
    bool not_automatic = false;
    bool but_automatic_upgrades = false;
};

// One record of apt_preferences(5). Empty fields match everything; `packages` and `version` are names
// or globs. The first pin that matches a version counts, before the source's priority. A
// priority below 1 means never, as for APT.
struct Pin {
    std::vector<std::string> packages;
    std::string archive, suite, version;
    int priority = 0;
};

// Which components a role may use. Everything else is as if it were not there.
class Components {
public:
    explicit Components(std::set<std::string, std::less<>> names) : names_(std::move(names)) {}
    // "main" and these.
    [[nodiscard]] static Components main_and(std::span<const std::string> names);
    [[nodiscard]] static Components all() { return Components({}, Which::all); }

    [[nodiscard]] bool allows(std::string_view component) const {
        return which_ == Which::all || names_.contains(component);
    }

private:
    enum class Which { named, all };
    Components(std::set<std::string, std::less<>> names, Which which) : names_(std::move(names)), which_(which) {}

    std::set<std::string, std::less<>> names_;
    Which which_ = Which::named;
};

// A package that provides a name, and the version it provides it as (empty: without a version).
struct Provider {
    const Package* package = nullptr;
    std::string_view version;
};

class Universe {
public:
    explicit Universe(std::string architecture, std::vector<Pin> pins = {});
    Universe(Universe&&) noexcept;
    Universe& operator=(Universe&&) noexcept;
    ~Universe();

    // Loads an uncompressed Packages file. Errors name file and line. Packages of other architectures
    // than ours and `all` are left out. The order of adding is that of a sources.list: the earlier
    // of two equal offers is taken, and ties between providers fall as they fall for APT.
    void add_file(const std::filesystem::path& packages, const Source& source);
    // The same for a text in memory, e.g. the index of a local folder of .debs; `name` is for messages.
    void add_text(std::string packages, std::string name, const Source& source);

    [[nodiscard]] const std::string& architecture() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept; // versions

    // All versions of a name, in the order of loading. Empty for a name that no package has.
    [[nodiscard]] std::span<const Package* const> versions(std::string_view name) const;

    // What APT would install with nothing installed: of the allowed components the highest pin, then the
    // highest version, then the earliest loaded. Null when there is none.
    [[nodiscard]] const Package* candidate(std::string_view name, const Components& components) const;

    // Every version that provides the virtual name (not the packages that bear it), in the order of
    // loading.
    [[nodiscard]] std::span<const Provider> providers(std::string_view name) const;

    // Each name that packages bear, sorted.
    [[nodiscard]] const std::vector<std::string_view>& names() const;

    // Every version, in the order of loading.
    template <typename Visit> void for_each(Visit&& visit) const {
        for (std::size_t part = 0; part < parts(); ++part)
            for (const Package& package : packages_of(part)) visit(package);
    }

    // Where APT's last tie-break ranks a package's name: the order in which names first occur in the
    // indices, as a package's own, a dependency's or a provided one. The later one wins.
    [[nodiscard]] std::size_t mention_rank(std::string_view name) const;

private:
    [[nodiscard]] std::size_t parts() const noexcept;
    [[nodiscard]] std::span<const Package> packages_of(std::size_t part) const noexcept;

    struct State;
    std::unique_ptr<State> state_;
};

} // namespace ashlar::debian
