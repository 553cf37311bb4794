#include "walk.hpp"

#include <algorithm>
#include <utility>

namespace ashlar::solver {

Walked Walk::run(const std::vector<Root>& roots) {
    Walked walked;
    for (const Root& root : roots) {
        if (is_selected(*root.package)) continue;
        walked.complete &= !is_in_conflict(*root.package);
        select(*root.package, nullptr, root.reason);
    }
    for (const Root& root : roots) walked.complete &= meet_needs(*root.package);
    walked.choices = std::move(choices_);
    walked.ambiguities = std::move(ambiguities_);
    walked.obstacles = std::move(obstacles_);
    return walked;
}

std::vector<std::string_view> Walk::names_of(const Package& package) const {
    std::vector<std::string_view> names{package.name};
    for (const Alternative& provided : offers_.relations(package).provides)
        if (std::find(names.begin(), names.end(), provided.name) == names.end()) names.push_back(provided.name);
    return names;
}

void Walk::select(const Package& package, const Package* because_of, std::string group) {
    choices_.push_back({&package, because_of, std::move(group)});
    selected_.insert(&package);
    for (const std::string_view name : names_of(package)) bearers_[name].push_back(&package);
    for (const Refusal& refusal : offers_.relations(package).refuses)
        refusers_[refusal.what.name].push_back({&refusal.what, &package});
}

void Walk::rollback(std::size_t size) {
    for (; choices_.size() > size; choices_.pop_back()) {
        const Package& package = *choices_.back().package;
        selected_.erase(&package);
        // What this package added stands last in each list, since later ones are gone already.
        for (const std::string_view name : names_of(package)) bearers_[name].pop_back();
        for (const Refusal& refusal : offers_.relations(package).refuses) refusers_[refusal.what.name].pop_back();
    }
}

std::vector<const Package*> Walk::in_conflict_with(const Package& package) const {
    std::vector<const Package*> found;
    const auto add = [&](const Package* other) {
        if (other != &package && std::find(found.begin(), found.end(), other) == found.end()) found.push_back(other);
    };
    for (const std::string_view name : names_of(package))
        if (const auto refusers = refusers_.find(name); refusers != refusers_.end())
            for (const Refuser& refuser : refusers->second)
                if (offers_.satisfies(package, *refuser.what)) add(refuser.by);
    for (const Refusal& refusal : offers_.relations(package).refuses)
        if (const auto bearers = bearers_.find(refusal.what.name); bearers != bearers_.end())
            for (const Package* bearer : bearers->second)
                if (offers_.satisfies(*bearer, refusal.what)) add(bearer);
    return found;
}

bool Walk::is_met(const Need& need) const {
    return std::any_of(need.group.begin(), need.group.end(), [this](const Alternative& alternative) {
        const auto found = bearers_.find(alternative.name);
        return found != bearers_.end() &&
               std::any_of(found->second.begin(), found->second.end(),
                           [&](const Package* bearer) { return offers_.satisfies(*bearer, alternative); });
    });
}

bool Walk::meet_needs(const Package& package) {
    bool all = true;
    for (const Need& need : offers_.relations(package).needs)
        if (!is_met(need) && !meet(package, need)) all = false;
    return all;
}

bool Walk::take(const Package& package, const Package* because_of, const Need& need) {
    const std::size_t before = choices_.size(), ambiguities_before = ambiguities_.size();
    select(package, because_of, to_string(need));
    for (const Need& own : offers_.relations(package).needs) {
        if (is_met(own) || meet(package, own)) continue;
        rollback(before);
        ambiguities_.resize(ambiguities_before);
        failed_.insert(&package);
        return false;
    }
    return true;
}

const Package* Walk::demanded_provider(const Group& group) const {
    for (const Alternative& alternative : group) {
        const auto demanded = offers_.request().providers.find(std::string(alternative.name));
        if (demanded == offers_.request().providers.end()) continue;
        const Package* package = offers_.candidate(demanded->second);
        if (package != nullptr && offers_.satisfies(*package, alternative)) return package;
    }
    return nullptr;
}

bool Walk::meet(const Package& package, const Need& need) {
    // Of nested failures the innermost has the reason; of failures one after the other the first.
    const auto earlier = std::exchange(obstacles_, {});
    const bool met = try_to_meet(package, need);
    if (!met && obstacles_.empty()) obstacles_ = obstacles_to(package, need);
    if (met || !earlier.empty()) obstacles_ = earlier;
    return met;
}

bool Walk::try_to_meet(const Package& package, const Need& need) {
    if (const Package* demanded = demanded_provider(need.group))
        return !failed_.contains(demanded) && !is_in_conflict(*demanded) && take(*demanded, &package, need);
    return std::any_of(need.group.begin(), need.group.end(),
                       [&](const Alternative& alternative) { return try_alternative(package, need, alternative); });
}

std::vector<Obstacle> Walk::obstacles_to(const Package& package, const Need& need) const {
    for (const Alternative& alternative : need.group)
        for (const Package* option : offers_.options(alternative)) {
            if (failed_.contains(option)) continue;
            if (auto obstacles = obstacles_to(package, *option); !obstacles.empty()) return obstacles;
        }
    return {};
}

std::vector<Obstacle> Walk::obstacles_to(const Package& package, const Package& option) const {
    std::vector<Obstacle> obstacles;
    for (const Package* other : in_conflict_with(option)) {
        const auto choice =
            std::find_if(choices_.begin(), choices_.end(), [&](const Choice& c) { return c.package == other; });
        if (choice->because_of == nullptr) return {};
        obstacles.push_back({*choice, &option, &package});
    }
    return obstacles;
}

std::vector<const Package*> Walk::takeable(const Alternative& alternative) const {
    auto options = offers_.options(alternative);
    std::erase_if(options, [this](const Package* option) {
        return failed_.contains(option) || (allowed_ && !allowed_->contains(option)) || is_in_conflict(*option);
    });
    return options;
}

bool Walk::try_alternative(const Package& package, const Need& need, const Alternative& alternative) {
    const auto options = takeable(alternative);
    for (const Package* option : options) {
        // An option may have failed as part of an earlier one.
        if (failed_.contains(option) || !take(*option, &package, need)) continue;
        note_tie(package, alternative, *option, options);
        return true;
    }
    return false;
}

void Walk::note_tie(const Package& needed_by, const Alternative& alternative, const Package& taken,
                    const std::vector<const Package*>& options) {
    if (taken.name == alternative.name) return;
    const auto same = [&](const Ambiguity& known) { return known.name == alternative.name; };
    if (std::any_of(ambiguities_.begin(), ambiguities_.end(), same)) return;
    Ambiguity found{alternative.name, &needed_by, &taken, {}};
    for (const Package* option : options)
        if (option != &taken && Offers::is_tie(*option, taken) && !failed_.contains(option))
            found.others.push_back(option);
    if (!found.others.empty()) ambiguities_.push_back(std::move(found));
}

} // namespace ashlar::solver
