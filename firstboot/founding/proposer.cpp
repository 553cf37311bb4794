#include <founding/proposer.hpp>

#include <founding/charter.hpp>

#include <algorithm>
#include <ranges>

namespace ashlar::founding {

bool Proposer::answered_by(const NodeId& from) {
    if (!sits_in(electorate_, from)) return false;
    answered_.insert(from);
    return silent().empty();
}

void Proposer::enter(Stage stage) {
    stage_ = stage;
    answered_.clear();
}

bool Proposer::promised(const NodeId& from, const Promise& promise) {
    if (stage_ != Stage::preparing || promise.ballot != ballot_ || !sits_in(electorate_, from)) return false;
    if (promise.accepted && (!newest_ || newest_->ballot < promise.accepted->ballot)) newest_ = promise.accepted;
    offers_[from] = promise.offer;
    if (!answered_by(from)) return false;
    // What may have been chosen already is proposed again, and nothing else.
    if (newest_) genesis_ = newest_->genesis;
    enter(newest_ ? Stage::proposing : Stage::making);
    return true;
}

bool Proposer::made(const Ballot& ballot, Genesis genesis) {
    if (stage_ != Stage::making || ballot != ballot_) return false;
    genesis_ = std::move(genesis);
    enter(Stage::proposing);
    return true;
}

bool Proposer::accepted(const NodeId& from, const Accepted& accepted) {
    if (stage_ != Stage::proposing || accepted.ballot != ballot_ || !answered_by(from)) return false;
    enter(Stage::chosen);
    return true;
}

std::vector<NodeId> Proposer::silent() const {
    std::vector<NodeId> silent;
    if (stage_ == Stage::making || stage_ == Stage::chosen) return silent;
    for (const NodeId& node : electorate_ | std::views::transform(&Elector::node))
        if (!answered_.contains(node)) silent.push_back(node);
    return silent;
}

} // namespace ashlar::founding
