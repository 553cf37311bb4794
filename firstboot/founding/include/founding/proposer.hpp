#pragma once

// One ballot, from the side of whoever proposes. It keeps nothing on the disk: the ballot's number is its own for ever, and a proposer
// that is cut off makes another one.

#include <founding/message.hpp>

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace ashlar::founding {

class Proposer {
public:
    enum class Stage {
        preparing, // waits for promises
        making,    // everybody has promised and nobody has accepted anything: waits for a genesis to propose
        proposing, // waits for acceptances
        chosen,    // everybody has accepted
    };

    Proposer(Ballot ballot, Electorate electorate) : ballot_(ballot), electorate_(std::move(electorate)) {}

    // What electors answer; who is none, and what belongs to another ballot, changes nothing. True: the stage changed.
    [[nodiscard]] bool promised(const NodeId& from, const Promise& promise);
    [[nodiscard]] bool made(const Ballot& ballot, Genesis genesis);
    [[nodiscard]] bool accepted(const NodeId& from, const Accepted& accepted);

    [[nodiscard]] Stage stage() const { return stage_; }
    [[nodiscard]] const Ballot& ballot() const { return ballot_; }
    [[nodiscard]] const Electorate& electorate() const { return electorate_; }
    // That is proposed; from `proposing` on.
    [[nodiscard]] const std::optional<Genesis>& genesis() const { return genesis_; }
    // What each elector offers for a new genesis; whole in `making`.
    [[nodiscard]] const std::map<NodeId, Bytes>& offers() const { return offers_; }
    // Who has not answered yet.
    [[nodiscard]] std::vector<NodeId> silent() const;

private:
    [[nodiscard]] bool answered_by(const NodeId& from);
    void enter(Stage stage);

    Ballot ballot_;
    Electorate electorate_;
    Stage stage_ = Stage::preparing;
    std::set<NodeId> answered_;
    std::optional<Vote> newest_; // of what electors have accepted before
    std::map<NodeId, Bytes> offers_;
    std::optional<Genesis> genesis_;
};

} // namespace ashlar::founding
