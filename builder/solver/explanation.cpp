#include "explanation.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace ashlar::solver {

namespace {

std::string role_of(const Request& request) {
    return request.role.empty() ? std::string("this request") : fmt::format("role '{}'", request.role);
}

// A folder of packages has no suites.
std::string where(const Package& package) {
    return fmt::format("{} ({})", package.version, package.suite.empty() ? package.archive : package.suite);
}

// "1.0 (trixie), 1.1 (trixie-updates)"
std::string offered(std::span<const Package* const> versions) {
    std::vector<std::string> all;
    for (const Package* package : versions) all.push_back(where(*package));
    return join(all, ", ");
}

std::string verb(RefusalKind kind) { return kind == RefusalKind::conflicts ? "conflicts with" : "breaks"; }

// "'c' 2.0" where name alone was asked for, "'c (>= 1)', which is 'c' 2.0" or
// "'mta', which 'exim4' 4.98 provides".
std::string met_by(const std::string& text, std::string_view name, const Package& package) {
    if (text == package.name) return quoted(package);
    if (name == package.name) return fmt::format("'{}', which is {}", text, quoted(package));
    return fmt::format("'{}', which {} provides", text, quoted(package));
}

// Debian's names grow at their ends: who writes 'exim' rather leaves out the '4' than slips from 'vim'.
// So the shortest name that begins with the word comes first, then the shortest that holds it, and only
// then the nearest by letters.
std::optional<std::string> meant_name(std::string_view word, const std::vector<std::string_view>& names) {
    if (word.size() < 3) return std::nullopt; // any name is made of two letters by a slip or two
    std::string_view longer;
    std::vector<std::string> near;
    const auto rank = [word](std::string_view name) { return std::tuple(!name.starts_with(word), name.size(), name); };
    for (const std::string_view name : names) {
        if (name.find(word) != name.npos && (longer.empty() || rank(name) < rank(longer))) longer = name;
        if (name.size() + 3 > word.size() && name.size() < word.size() + 3) near.emplace_back(name);
    }
    return longer.empty() ? did_you_mean(word, near) : std::string(longer);
}

// Makes a tree of one problem's rules. libsolv's order of rules is its own affair: here everything
// comes in the order of the request and of the control files.
class ProblemTree {
public:
    ProblemTree(const Offers& offers, Explanation& explanation, const std::vector<Rule>& rules)
        : offers_(offers), explanation_(explanation) {
        for (const Rule& rule : rules) add(rule);
    }

    Reason build(const std::vector<Root>& roots) {
        Reason top{"these cannot be installed together", {}};
        for (const Root& root : roots)
            if (asked_for_.erase(root.package) > 0)
                top.because.push_back(
                    {fmt::format("{} is {}", quoted(*root.package), root.reason), expand(*root.package)});
        return top.because.size() == 1 ? std::move(top.because.front()) : top;
    }

private:
    void add(const Rule& rule) {
        switch (rule.kind) {
        case Rule::Kind::asked_for: asked_for_.insert(rule.package); break;
        case Rule::Kind::needs: needs_.insert(rule.need); break;
        case Rule::Kind::conflicts:
            conflicts_[rule.package].insert({rule.refusal, rule.other});
            refused_by_[rule.other].insert({rule.package->name, rule.package});
            break;
        }
    }

    bool was_expanded(const Package* package) const { return expanded_.contains(package); }

    // What stands against this package, or nothing when that was said before.
    std::vector<Reason> expand(const Package& package) {
        std::vector<Reason> because;
        if (!expanded_.insert(&package).second) return because;
        for (const Need& need : offers_.relations(package).needs)
            if (needs_.contains(&need)) because.push_back(this->need(package, need.group));
        append_conflicts(package, nullptr, because);
        if (const auto refused = refused_by_.find(&package); refused != refused_by_.end())
            for (const auto& [name, by] : refused->second) append_conflicts(*by, &package, because);
        return because;
    }

    // What `package` refuses, or only its refusal of `other`; each sentence once.
    void append_conflicts(const Package& package, const Package* other, std::vector<Reason>& because) {
        const auto found = conflicts_.find(&package);
        if (found == conflicts_.end()) return;
        for (const Refusal& refusal : offers_.relations(package).refuses)
            for (const auto& [refused_as, refused] : found->second) {
                if (refused_as != &refusal || (other != nullptr && refused != other)) continue;
                Reason reason{conflict(package, refusal, *refused), {}};
                if (std::find(because.begin(), because.end(), reason) == because.end())
                    because.push_back(std::move(reason));
            }
    }

    Reason need(const Package& package, const Group& group) {
        const std::string text = debian::to_string(group);
        const auto options = options_of(group);
        if (options.size() == 1 && group.size() == 1)
            return {fmt::format("'{}' needs {}", package.name, met_by(text, group.front().name, *options.front())),
                    expand(*options.front())};
        Reason reason{fmt::format("'{}' needs '{}'", package.name, text), {}};
        for (const Package* option : options) reason.because.push_back(this->option(*option));
        for (const Alternative& alternative : group)
            if (offers_.options(alternative).empty()) reason.because.push_back(explanation_.absent(alternative));
        return reason;
    }

    Reason option(const Package& package) {
        if (was_expanded(&package)) return {fmt::format("{}, as explained above", quoted(package)), {}};
        return {quoted(package), expand(package)};
    }

    std::vector<const Package*> options_of(const Group& group) const {
        std::vector<const Package*> all;
        for (const Alternative& alternative : group)
            for (const Package* option : offers_.options(alternative))
                if (std::find(all.begin(), all.end(), option) == all.end()) all.push_back(option);
        return all;
    }

    static std::string conflict(const Package& package, const Refusal& refusal, const Package& other) {
        return fmt::format("'{}' {} {}", package.name, verb(refusal.kind),
                           met_by(debian::to_string(refusal.what), refusal.what.name, other));
    }

    const Offers& offers_;
    Explanation& explanation_;
    std::set<const Package*> asked_for_, expanded_;
    std::set<const Need*> needs_;
    std::map<const Package*, std::set<std::pair<const Refusal*, const Package*>>> conflicts_; // by who refuses
    std::map<const Package*, std::map<std::string_view, const Package*>> refused_by_;         // by name, for the order
};

} // namespace

Reason Explanation::absent(const Alternative& wanted) {
    const std::string& own = offers_.universe().architecture();
    if (!wanted.qualifier.empty() && wanted.qualifier != "any" && wanted.qualifier != "native" &&
        wanted.qualifier != own)
        return {fmt::format("'{}' is of another architecture than {}", debian::to_string(wanted), own), {}};
    if (!offers_.universe().versions(wanted.name).empty()) return absent_bearer(wanted);
    return offers_.universe().providers(wanted.name).empty() ? unknown(wanted) : absent_provider(wanted);
}

Reason Explanation::absent_bearer(const Alternative& wanted) {
    if (offers_.is_excluded(wanted.name))
        return {fmt::format("'{}' is excluded by {}", wanted.name, role_of(offers_.request())), {}};
    const auto versions = offers_.universe().versions(wanted.name);
    const auto allowed = [this](const Package* p) { return offers_.request().components.allows(p->component); };
    if (std::none_of(versions.begin(), versions.end(), allowed)) return absent_component(*versions.front());
    if (const Package* candidate = offers_.candidate(wanted.name)) return absent_version(wanted, *candidate);
    const auto fixed = std::find_if(offers_.request().packages.begin(), offers_.request().packages.end(),
                                    [&](const Wanted& w) { return w.name == wanted.name && w.version; });
    if (fixed != offers_.request().packages.end())
        return {fmt::format("'{}' is not offered as {}, only as {}", wanted.name, *fixed->version, offered(versions)),
                {}};
    return {fmt::format("'{}' is kept out by a pin: all its versions have a priority below 1", wanted.name), {}};
}

Reason Explanation::absent_component(const Package& package) {
    if (hint_.empty()) hint_ = fmt::format("to opt in, write components = [\"{}\"] into the role", package.component);
    return {fmt::format("'{}' is in component '{}', which {} does not opt in to", package.name, package.component,
                        role_of(offers_.request())),
            {}};
}

Reason Explanation::absent_version(const Alternative& wanted, const Package& candidate) {
    if (wanted.qualifier == "any" && candidate.multi_arch != debian::MultiArch::allowed)
        return {fmt::format("'{}' does not allow ':any': it is not marked 'Multi-Arch: allowed'", wanted.name), {}};
    Reason reason{fmt::format("'{}' is not met by {}", debian::to_string(wanted), quoted(candidate)), {}};
    for (const Package* other : offers_.universe().versions(wanted.name))
        if (other != &candidate && debian::version_satisfies(other->version, wanted))
            reason.because.push_back(
                {fmt::format("{} would do, but has priority {} and not {}", where(*other), other->pin, candidate.pin),
                 {}});
    return reason;
}

Reason Explanation::absent_provider(const Alternative& wanted) {
    Reason reason{fmt::format("'{}' has no provider that may be taken", debian::to_string(wanted)), {}};
    std::set<std::string_view> said;
    for (const debian::Provider& provider : offers_.universe().providers(wanted.name)) {
        const Package& package = *provider.package;
        if (!said.insert(package.name).second) continue;
        if (offers_.candidate(package.name) == nullptr)
            reason.because.push_back(absent_bearer({.name = package.name}));
        else if (provider.version.empty())
            reason.because.push_back({fmt::format("'{}' provides it without a version", package.name), {}});
        else
            reason.because.push_back({fmt::format("'{}' provides it as {}", package.name, provider.version), {}});
    }
    return reason;
}

Reason Explanation::unknown(const Alternative& wanted) {
    const auto meant = meant_name(wanted.name, offers_.universe().names());
    return {fmt::format("no archive has '{}' or a package that provides it{}", wanted.name,
                        meant ? fmt::format("; did you mean '{}'?", *meant) : ""),
            {}};
}

Reason Explanation::problem(const std::vector<Rule>& rules, const std::vector<Root>& roots) {
    return ProblemTree(offers_, *this, rules).build(roots);
}

} // namespace ashlar::solver
