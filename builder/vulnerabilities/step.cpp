#include <vulnerabilities/step.hpp>

#include <set>

namespace ashlar::vulnerabilities {

namespace {

using Names = std::set<std::pair<std::string, std::string>>; // id, source package

std::pair<std::string, std::string> name_of_one(const Finding& finding) { return {finding.id, finding.source}; }

std::vector<Finding> open_ones(const Assessment& assessment) {
    std::vector<Finding> open;
    Names seen; // a source may be there in two versions
    for (const auto& finding : assessment.findings)
        if (finding.state == Finding::State::open && seen.insert(name_of_one(finding)).second) open.push_back(finding);
    return open;
}

Names names_of(const std::vector<Finding>& findings) {
    Names names;
    for (const auto& finding : findings) names.insert(name_of_one(finding));
    return names;
}

} // namespace

Step step(const Assessment& before, const Assessment& now) {
    Step step{.old_release = before.release, .new_release = now.release, .opened = {}, .still_open = {}, .closed = {}};
    const auto old_ones = open_ones(before), new_ones = open_ones(now);
    const Names old_names = names_of(old_ones), new_names = names_of(new_ones);
    for (const auto& finding : new_ones) (old_names.contains(name_of_one(finding)) ? step.still_open : step.opened).push_back(finding);
    for (const auto& finding : old_ones)
        if (!new_names.contains(name_of_one(finding))) step.closed.push_back(finding);
    return step;
}

Json to_json(const Step& step) {
    const auto list_of = [](const std::vector<Finding>& findings) {
        Json list = Json::array();
        for (const auto& one : findings) list.push_back(to_json(one));
        return list;
    };
    return {{"old_release", step.old_release}, {"new_release", step.new_release}, {"opened", list_of(step.opened)}, {"still_open", list_of(step.still_open)}, {"closed", list_of(step.closed)}};
}

} // namespace ashlar::vulnerabilities
