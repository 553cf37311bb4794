#pragma once

// The universe as one request may use it: its components, without what it excludes, with the versions
// it fixes. Everything that chooses or proves asks here, so that all have the same view.

#include <solver/solver.hpp>

#include <set>
#include <unordered_map>

namespace ashlar::solver {

using debian::Alternative;
using debian::Group;
using debian::Package;

enum class NeedKind { pre_depends, depends };

struct Need {
    NeedKind kind = NeedKind::depends;
    Group group;
};

enum class RefusalKind { conflicts, breaks };

// For a fresh installation both mean: not together.
struct Refusal {
    RefusalKind kind = RefusalKind::conflicts;
    Alternative what;
};

// A package's relations, parsed.
struct Relations {
    std::vector<Need> needs; // Pre-Depends first, as written
    std::vector<Refusal> refuses;
    std::vector<Alternative> provides;
};

// "Depends: a | b"
[[nodiscard]] std::string to_string(const Need& need);
// "'name' 1.0"
[[nodiscard]] std::string quoted(const Package& package);

class Offers {
public:
    Offers(const debian::Universe& universe, const Request& request);

    [[nodiscard]] const debian::Universe& universe() const noexcept { return universe_; }
    [[nodiscard]] const Request& request() const noexcept { return request_; }

    // The one version of a name that may be installed.
    [[nodiscard]] const Package* candidate(std::string_view name) const;
    [[nodiscard]] bool is_excluded(std::string_view name) const { return excludes_.contains(name); }

    // The candidates that are Essential or of Priority: required, by name.
    [[nodiscard]] std::vector<const Package*> foundation() const;

    // The candidates that are content with `wanted`: first the one that bears the name, then its
    // providers, best first.
    [[nodiscard]] std::vector<const Package*> options(const Alternative& wanted) const;

    [[nodiscard]] const Relations& relations(const Package& package) const;

    // Whether two providers differ only in what APT calls undecided.
    [[nodiscard]] static bool is_tie(const Package& one, const Package& other);

    // Whether the package is what `wanted` names, by its own name or by what it provides.
    [[nodiscard]] bool satisfies(const Package& package, const Alternative& wanted) const;

private:
    [[nodiscard]] bool qualifier_fits(const Package& package, std::string_view qualifier) const;
    [[nodiscard]] bool bears(const Package& package, const Alternative& wanted) const;
    [[nodiscard]] bool is_better_provider(const Package& one, const Package& other) const;

    const debian::Universe& universe_;
    const Request& request_;
    std::set<std::string, std::less<>> excludes_;
    std::map<std::string, std::string, std::less<>> fixed_versions_;
    mutable std::unordered_map<std::string_view, const Package*> candidates_;
    mutable std::unordered_map<const Package*, Relations> relations_;
};

} // namespace ashlar::solver
