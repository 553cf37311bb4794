#include "explanation.hpp"
#include "offers.hpp"

#include <base/error.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::solver {

namespace {

std::optional<std::string> passed_over(const Offers& offers, const Solution& solution, const Choice& choice,
                                       const Need& need, const Package& package) {
    const auto content = [&](const Package& p) {
        return std::any_of(need.group.begin(), need.group.end(),
                           [&](const Alternative& a) { return offers.satisfies(p, a); });
    };
    if (!content(package)) return std::nullopt;
    for (const Choice& other : solution.choices)
        if (content(*other.package))
            return fmt::format("'{}' needs '{}' and has '{}'", choice.package->name, debian::to_string(need.group),
                               other.package->name);
    return std::nullopt;
}

NotNeeded not_needed(const debian::Universe& universe, const Request& request, const Solution& solution,
                     const Package& package) {
    const Offers offers(universe, request);
    NotNeeded answer{&package, {}};
    for (const Choice& choice : solution.choices)
        for (const Need& need : offers.relations(*choice.package).needs)
            if (auto line = passed_over(offers, solution, choice, need, package))
                answer.passed_over.push_back(std::move(*line));
    return answer;
}

// The package that answers to a name that was asked for.
const Package& asked_for(const Solution& solution, const std::string& name) {
    if (const Choice* bearer = solution.find(name)) return *bearer->package;
    const auto provider = std::find_if(solution.choices.begin(), solution.choices.end(), [&](const Choice& choice) {
        return choice.because_of == nullptr && choice.group == fmt::format("asked for as '{}'", name);
    });
    if (provider != solution.choices.end()) return *provider->package;
    throw Error(fmt::format("cannot explain '{}': a package that was asked for already provides it", name),
                "ask about the package instead of what it provides");
}

} // namespace

std::optional<std::vector<Choice>> why(const Solution& solution, std::string_view name) {
    const Choice* choice = solution.find(name);
    if (choice == nullptr) return std::nullopt;
    std::vector<Choice> chain{*choice};
    while (chain.back().because_of != nullptr) chain.push_back(*solution.find(chain.back().because_of->name));
    std::reverse(chain.begin(), chain.end());
    return chain;
}

std::string render(const std::vector<Choice>& chain) {
    std::string text;
    for (const Choice& choice : chain)
        text += choice.because_of == nullptr ? fmt::format("{} is {}", quoted(*choice.package), choice.group)
                                             : fmt::format("\n'{}' has '{}': {}", choice.because_of->name, choice.group,
                                                           quoted(*choice.package));
    return text;
}

std::string NotNeeded::render() const {
    std::string text = fmt::format("nothing needs {}; it could be installed", quoted(*package));
    for (const std::string& line : passed_over) text += "\n" + line;
    return text;
}

std::variant<NotNeeded, Conflict> why_not(const debian::Universe& universe, const Request& request,
                                          std::string_view name) {
    Request with = request;
    with.packages.push_back(Wanted::parse(name));
    auto answer = resolve(universe, with);
    if (auto* conflict = std::get_if<Conflict>(&answer)) return std::move(*conflict);
    const Package& package = asked_for(std::get<Solution>(answer), with.packages.back().name);
    auto without = resolve(universe, request);
    if (auto* conflict = std::get_if<Conflict>(&without)) return std::move(*conflict);
    return not_needed(universe, request, std::get<Solution>(without), package);
}

} // namespace ashlar::solver
