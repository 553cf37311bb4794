#pragma once

// Chooses packages as APT does with nothing installed: depth first, a package's needs in the order
// written, a need that is met already left alone, otherwise its first alternative that can be taken.

#include "offers.hpp"

#include <unordered_set>

namespace ashlar::solver {

// A virtual package with several providers that APT considers equals.
struct Ambiguity {
    std::string_view name;
    const Package* needed_by = nullptr; // null: asked for
    const Package* taken = nullptr;
    std::vector<const Package*> others;
};

// A choice that keeps out something that is needed later.
struct Obstacle {
    Choice choice; // never a root
    const Package* kept_out = nullptr;
    const Package* needed_by = nullptr;
};

struct Walked {
    std::vector<Choice> choices;
    std::vector<Ambiguity> ambiguities; // each virtual package once
    bool complete = true;               // every need met and nothing in conflict
    // When it is not complete: what stood in the way of the first need that could not be met.
    std::vector<Obstacle> obstacles;
};

// What is taken first, before anybody's needs are looked at.
struct Root {
    const Package* package = nullptr;
    std::string reason;              // "asked for"
    std::optional<std::size_t> wish; // of Request::packages; none: the foundation's
};

class Walk {
public:
    explicit Walk(const Offers& offers) : offers_(offers) {}

    // Only these packages may be taken. Without a call, all that are on offer.
    void restrict_to(std::unordered_set<const Package*> allowed) { allowed_ = std::move(allowed); }
    // These are never taken, but as roots.
    void avoid(std::unordered_set<const Package*> avoided) { failed_ = std::move(avoided); }

    [[nodiscard]] Walked run(const std::vector<Root>& roots);

private:
    struct Refuser {
        const Alternative* what = nullptr;
        const Package* by = nullptr;
    };

    void select(const Package& package, const Package* because_of, std::string group);
    void rollback(std::size_t size);
    bool take(const Package& package, const Package* because_of, const Need& need);
    bool meet_needs(const Package& package);
    bool meet(const Package& package, const Need& need);
    bool try_to_meet(const Package& package, const Need& need);
    bool try_alternative(const Package& package, const Need& need, const Alternative& alternative);
    [[nodiscard]] std::vector<const Package*> takeable(const Alternative& alternative) const;
    [[nodiscard]] const Package* demanded_provider(const Group& group) const;
    void note_tie(const Package& needed_by, const Alternative& alternative, const Package& taken,
                  const std::vector<const Package*>& options);

    // The choices that keep out the first option that could be taken without them.
    [[nodiscard]] std::vector<Obstacle> obstacles_to(const Package& package, const Need& need) const;
    [[nodiscard]] std::vector<Obstacle> obstacles_to(const Package& package, const Package& option) const;

    [[nodiscard]] bool is_met(const Need& need) const;
    [[nodiscard]] bool is_selected(const Package& package) const { return selected_.contains(&package); }
    // The selected packages that exclude this one or that it excludes.
    [[nodiscard]] std::vector<const Package*> in_conflict_with(const Package& package) const;
    [[nodiscard]] bool is_in_conflict(const Package& package) const { return !in_conflict_with(package).empty(); }
    [[nodiscard]] std::vector<std::string_view> names_of(const Package& package) const;

    const Offers& offers_;
    std::optional<std::unordered_set<const Package*>> allowed_;
    std::vector<Choice> choices_;
    std::unordered_set<const Package*> selected_;
    std::unordered_map<std::string_view, std::vector<const Package*>> bearers_; // selected, by own and provided name
    std::unordered_map<std::string_view, std::vector<Refuser>> refusers_;       // of the selected, by name refused
    std::unordered_set<const Package*> failed_; // could not be taken once: not tried again
    std::vector<Ambiguity> ambiguities_;
    std::vector<Obstacle> obstacles_;
};

} // namespace ashlar::solver
