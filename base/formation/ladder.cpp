#include <formation/ladder.hpp>

#include <set>

namespace ashlar::formation {

namespace {

void climb(const Formations& all, const std::string& name, std::set<std::string>& seen, std::vector<std::string>& order) {
    const auto found = all.find(name);
    if (found == all.end() || !seen.insert(name).second) return; // built in, or elsewhere; or on it already
    for (const auto& required : found->second.requires_) climb(all, required.value, seen, order);
    order.push_back(name);
}

} // namespace

std::vector<std::string> ladder(const Formations& all) {
    std::set<std::string> seen;
    std::vector<std::string> order;
    for (const auto& [name, formation] : all) climb(all, name, seen, order);
    return order;
}

} // namespace ashlar::formation
