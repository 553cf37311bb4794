#include <voters/tally.hpp>

#include <algorithm>
#include <utility>

namespace ashlar::voters {

std::optional<Tally::Written> Tally::count(const std::string& kind, Time now) {
    static const std::string others; // no kind is called so
    if (!kinds_.contains(kind) && kinds_.size() >= most_kinds) std::erase_if(kinds_, [&](const auto& entry) { return now - entry.second.written >= pause && !entry.first.empty(); });
    const bool is_known = kinds_.contains(kind);
    const bool is_of_others = !is_known && kinds_.size() >= most_kinds;
    const auto [found, is_new] = kinds_.try_emplace(is_of_others ? others : kind);
    Kind& counted = found->second;
    // A clock that was put back must not silence the log for longer than an hour of its own.
    if (!is_new && now - counted.written < pause && now >= counted.written) {
        ++counted.left_out;
        return std::nullopt;
    }
    counted.written = now;
    return Written{std::exchange(counted.left_out, 0), is_of_others};
}

bool Ration::take(const std::string& who, Time now) {
    const auto is_over = [&](Time taken) { return now - taken >= Tally::pause || taken > now; };
    if (!taken_.contains(who) && taken_.size() >= most_known) std::erase_if(taken_, [&](const auto& entry) { return is_over(entry.second.back()); });
    if (!taken_.contains(who) && taken_.size() >= most_known) return false;
    auto& taken = taken_[who];
    std::erase_if(taken, is_over);
    if (taken.size() >= most) return false;
    taken.push_back(now);
    return true;
}

} // namespace ashlar::voters
