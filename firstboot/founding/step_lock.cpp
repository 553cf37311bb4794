#include <founding/step_lock.hpp>

#include <tuple>

namespace ashlar::founding {

Turn next_turn(const std::optional<Held>& read, const Claim& mine, const Evidence& evidence) {
    if (!read) return Put{mine, 0};
    if (read->claim == mine) return Run{};
    const bool own_former = read->claim.owner == mine.owner && std::tie(read->claim.boot, read->claim.attempt) < std::tie(mine.boot, mine.attempt);
    if (own_former || evidence.gone == read->claim) return Put{mine, read->revision};
    return Wait{*read, evidence.unchanged};
}

} // namespace ashlar::founding
