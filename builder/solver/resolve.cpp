#include "explanation.hpp"
#include "proof.hpp"
#include "walk.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

namespace ashlar::solver {

namespace {

std::vector<const Package*> packages_of(const std::vector<Choice>& choices) {
    std::vector<const Package*> packages;
    for (const Choice& choice : choices) packages.push_back(choice.package);
    return packages;
}

std::string names(const std::vector<const Package*>& packages) {
    std::vector<std::string> all;
    for (const Package* package : packages) all.push_back(fmt::format("'{}'", package->name));
    return join(all, ", ");
}

// One request on its way to an answer: roots → walk → proof, or → search → walk.
class Resolution {
public:
    Resolution(const debian::Universe& universe, const Request& request)
        : offers_(universe, request), explanation_(offers_) {}

    std::variant<Solution, Conflict> run() {
        collect_foundation();
        for (std::size_t i = 0; i < offers_.request().packages.size(); ++i) collect(i);
        check_providers();
        if (!reasons_.empty()) return conflict();
        Walked walked = walk();
        if (!walked.complete || !is_proven(walked)) {
            auto found = search(walked);
            if (!found) return conflict();
            walked = std::move(*found);
        }
        if (offers_.request().strict_providers == StrictProviders::yes && refuse_ties(walked)) return conflict();
        return solution(std::move(walked));
    }

private:
    void collect_foundation() {
        const Foundation foundation = offers_.request().foundation;
        if (foundation == Foundation::none) return;
        for (const Package* package : offers_.foundation())
            if (package->essential || foundation == Foundation::required)
                roots_.push_back({package, package->essential ? "essential" : "required"});
    }

    void collect(std::size_t wish) {
        const Wanted& wanted = offers_.request().packages[wish];
        const Alternative name{.name = wanted.name};
        if (const Package* package = offers_.candidate(wanted.name)) {
            roots_.push_back({package, "asked for", wish});
            return;
        }
        // An exact version is a version of the package itself.
        const auto providers = wanted.version ? std::vector<const Package*>{} : offers_.options(name);
        if (!providers.empty())
            if (const Package* chosen = chosen_provider(wanted.name, providers)) {
                roots_.push_back({chosen, fmt::format("asked for as '{}'", wanted.name), wish});
                return;
            }
        blame(wish);
        if (providers.empty())
            reasons_.push_back(explanation_.absent(name));
        else
            reasons_.push_back(
                {fmt::format("'{}' is no package, and more than one provides it: {}", wanted.name, names(providers)),
                 {}});
    }

    // The first one stays: one place is shown.
    void blame(std::optional<std::size_t> wish) {
        if (!wish_) wish_ = wish;
    }

    void blame(const Package* root) {
        for (const Root& one : roots_)
            if (one.package == root) blame(one.wish);
    }

    const Package* chosen_provider(const std::string& name, const std::vector<const Package*>& providers) const {
        if (providers.size() == 1) return providers.front();
        const auto demanded = offers_.request().providers.find(name);
        if (demanded == offers_.request().providers.end()) return nullptr;
        const auto found = std::find_if(providers.begin(), providers.end(),
                                        [&](const Package* p) { return p->name == demanded->second; });
        return found == providers.end() ? nullptr : *found;
    }

    void check_providers() {
        for (const auto& [name, provider] : offers_.request().providers) {
            const Package* package = offers_.candidate(provider);
            if (package != nullptr && offers_.satisfies(*package, {.name = name})) continue;
            Reason reason{fmt::format("providers.{} = \"{}\" cannot be followed", name, provider), {}};
            if (package == nullptr)
                reason.because.push_back(explanation_.absent({.name = provider}));
            else
                reason.because.push_back({fmt::format("'{}' does not provide '{}'", provider, name), {}});
            reasons_.push_back(std::move(reason));
            if (!wish_ && !provider_) provider_ = name;
        }
    }

    // Walks until nothing that a first alternative pulled in keeps out what is needed later. Where that
    // leads nowhere, the first walk is what the search should stay near to.
    Walked walk() {
        Walked first, walked;
        std::unordered_set<const Package*> avoided;
        std::vector<std::string> notes;
        do {
            Walk walk(offers_);
            walk.avoid(avoided);
            walked = walk.run(roots_);
            if (avoided.empty()) first = walked;
            for (const Obstacle& obstacle : walked.obstacles) {
                avoided.insert(obstacle.choice.package);
                notes.push_back(gives_way(obstacle));
            }
        } while (!walked.complete && !walked.obstacles.empty());
        if (!walked.complete) return first;
        notes_.insert(notes_.end(), notes.begin(), notes.end());
        return walked;
    }

    static std::string gives_way(const Obstacle& obstacle) {
        const Choice& choice = obstacle.choice;
        return fmt::format("'{}', the first choice where '{}' has '{}', gives way to '{}', which '{}' needs",
                           choice.package->name, choice.because_of->name, choice.group, obstacle.kept_out->name,
                           obstacle.needed_by->name);
    }

    bool is_proven(const Walked& walked) const {
        const auto packages = packages_of(walked.choices);
        return std::holds_alternative<std::vector<const Package*>>(Proof(offers_, packages).solve(packages, {}));
    }

    std::vector<const Package*> root_packages() const {
        std::vector<const Package*> packages;
        for (const Root& root : roots_) packages.push_back(root.package);
        return packages;
    }

    // Another set near the walk's choices; none: reasons_ says why.
    std::optional<Walked> search(const Walked& walked) {
        const auto wanted = root_packages(), favoured = packages_of(walked.choices);
        std::vector<const Package*> universe = wanted;
        universe.insert(universe.end(), favoured.begin(), favoured.end());
        auto answer = Proof(offers_, reachable(offers_, universe)).solve(wanted, favoured);
        if (auto* problems = std::get_if<std::vector<std::vector<Rule>>>(&answer)) {
            explain(*problems);
            return std::nullopt;
        }
        const auto& set = std::get<std::vector<const Package*>>(answer);
        Walk again(offers_);
        again.restrict_to({set.begin(), set.end()});
        Walked found = again.run(roots_);
        if (!found.complete || !is_proven(found))
            throw Error(fmt::format("cannot resolve '{}': the set that libsolv found does not hold when walked",
                                    offers_.request().role),
                        "this is a defect of the resolver; please report it with the lock's indices");
        note_difference(walked, found);
        return found;
    }

    void explain(const std::vector<std::vector<Rule>>& problems) {
        for (const auto& rules : problems) {
            reasons_.push_back(explanation_.problem(rules, roots_));
            for (const Root& root : roots_)
                if (std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
                        return rule.kind == Rule::Kind::asked_for && rule.package == root.package;
                    }))
                    blame(root.wish);
        }
    }

    // The root whose needs led to `package`.
    static const Package* root_of(const Walked& walked, const Package* package) {
        for (auto choice = walked.choices.rbegin(); choice != walked.choices.rend(); ++choice)
            if (choice->package == package && choice->because_of != nullptr) package = choice->because_of;
        return package;
    }

    void note_difference(const Walked& walked, const Walked& found) {
        const auto missing = [](const Walked& from, const Walked& in) {
            const auto all = packages_of(in.choices);
            std::vector<const Package*> left;
            for (const Choice& choice : from.choices)
                if (std::find(all.begin(), all.end(), choice.package) == all.end()) left.push_back(choice.package);
            return left;
        };
        const auto dropped = missing(walked, found), added = missing(found, walked);
        std::string note = "taking the first alternative everywhere runs into a conflict";
        if (!added.empty()) note += fmt::format("; taken instead: {}", names(added));
        if (!dropped.empty()) note += fmt::format("; left out: {}", names(dropped));
        notes_.push_back(std::move(note));
    }

    bool refuse_ties(const Walked& walked) {
        for (const Ambiguity& tie : walked.ambiguities) {
            std::vector<const Package*> all{tie.taken};
            all.insert(all.end(), tie.others.begin(), tie.others.end());
            reasons_.push_back({fmt::format("'{}' needs '{}', which several packages provide equally well: {}",
                                            tie.needed_by->name, tie.name, names(all)),
                                {}});
            hints_.push_back(fmt::format("providers.{} = \"{}\"", tie.name, tie.taken->name));
            blame(root_of(walked, tie.needed_by));
        }
        return !walked.ambiguities.empty();
    }

    Solution solution(Walked walked) {
        for (const Ambiguity& tie : walked.ambiguities)
            notes_.push_back(fmt::format("'{}' needs '{}': '{}' is taken, as APT would; {} would do as well",
                                         tie.needed_by->name, tie.name, tie.taken->name, names(tie.others)));
        return {std::move(walked.choices), std::move(notes_)};
    }

    Conflict conflict() {
        std::string hint = explanation_.hint();
        if (!hints_.empty()) hint = fmt::format("choose in the role, for example {}", join(hints_, ", "));
        return {std::move(reasons_), std::move(hint), wish_, std::move(provider_)};
    }

    Offers offers_;
    Explanation explanation_;
    std::vector<Root> roots_;
    std::vector<Reason> reasons_;
    std::optional<std::size_t> wish_;
    std::optional<std::string> provider_;
    std::vector<std::string> hints_, notes_;
};

void render_below(const Reason& reason, const std::string& indent, std::string& text) {
    for (std::size_t i = 0; i < reason.because.size(); ++i) {
        const bool last = i + 1 == reason.because.size();
        text += fmt::format("\n{}{}{}", indent, last ? "└─ " : "├─ ", reason.because[i].text);
        render_below(reason.because[i], indent + (last ? "   " : "│  "), text);
    }
}

} // namespace

Wanted Wanted::parse(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return {std::string(trim(text)), std::nullopt};
    return {std::string(trim(text.substr(0, equals))), std::string(trim(text.substr(equals + 1)))};
}

const Choice* Solution::find(std::string_view name) const {
    const auto found =
        std::find_if(choices.begin(), choices.end(), [&](const Choice& c) { return c.package->name == name; });
    return found == choices.end() ? nullptr : &*found;
}

std::string Conflict::render() const {
    std::string text;
    for (const Reason& reason : reasons) {
        text += (text.empty() ? "" : "\n") + reason.text;
        render_below(reason, "", text);
    }
    return text;
}

std::variant<Solution, Conflict> resolve(const debian::Universe& universe, const Request& request) {
    return Resolution(universe, request).run();
}

} // namespace ashlar::solver
