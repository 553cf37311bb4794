#include <policy/licences.hpp>

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::policy {

namespace {

bool is_one_of(const std::string& name, const std::vector<std::string>& patterns) {
    return std::ranges::any_of(patterns, [&](const auto& pattern) { return matches(pattern, name); });
}

// The names in the expression that the rules do not accept.
std::string culprits(const LicenceRules& rules, std::string_view expression) {
    std::vector<std::string> names;
    for (auto& name : documents::names_in(expression))
        if (is_one_of(name, rules.denied) || (!rules.allowed.empty() && !is_one_of(name, rules.allowed))) names.push_back(std::move(name));
    return join(names, ", ");
}

class Judge {
public:
    Judge(const LicenceRules& rules, Waivers& waivers) : rules_(rules), waivers_(waivers) {}

    void judge(const documents::PackageLicences& one) {
        if (one.licences.expressions.empty()) return judge_unknown(one);
        for (const auto& expression : one.licences.expressions) judge(one, expression);
    }
    [[nodiscard]] std::vector<Finding> take() && { return std::move(findings_); }

private:
    void judge_unknown(const documents::PackageLicences& one) {
        if (rules_.unknown == Verdict::accept) return;
        const std::string why = one.absence.empty() ? "its copyright file names none in a form that is read here" : one.absence;
        waivers_.add(findings_, {"licences.unknown", one.package, fmt::format("no licence is known: {}", why)}, one.package, "");
    }

    void judge(const documents::PackageLicences& one, const std::string& expression) {
        const auto denied = [&](const std::string& name) { return is_one_of(name, rules_.denied); };
        if (!documents::satisfied(expression, [&](const std::string& name) { return !denied(name); }))
            add("licences.denied", one, expression, "is denied");
        else if (!documents::satisfied(expression, [&](const std::string& name) { return !denied(name) && (rules_.allowed.empty() || is_one_of(name, rules_.allowed)); }))
            add("licences.allowed", one, expression, "is not among what is allowed");
    }

    void add(const char* rule, const documents::PackageLicences& one, const std::string& expression, std::string_view what) {
        const std::string names = culprits(rules_, expression);
        const std::string in = names == expression ? "" : fmt::format(", in '{}',", expression);
        waivers_.add(findings_, {rule, one.package, fmt::format("the licence '{}'{} {}", names, in, what)}, one.package, expression);
    }

    const LicenceRules& rules_;
    Waivers& waivers_;
    std::vector<Finding> findings_;
};

} // namespace

std::vector<Finding> judge(const LicenceRules& rules, const std::vector<documents::PackageLicences>& licences, Waivers& waivers) {
    Judge judge(rules, waivers);
    for (const auto& one : licences) judge.judge(one);
    return std::move(judge).take();
}

} // namespace ashlar::policy
