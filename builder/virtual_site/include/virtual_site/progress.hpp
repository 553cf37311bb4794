#pragma once

// How a site begins, as its nodes tell it: what is worth a line, when each step was reached, whether all are members. Pure.

#include <virtual_site/site_copy.hpp>

#include <base/json.hpp>

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::virtual_site {

// Steps of a node, in their order. A voter that is in one has been in all before it.
enum class Step {
    network,  // it has its addresses; seen from outside
    daemon,   // ashlard answers
    heard,    // it hears as many voters as it takes
    promised, // docs/formats/genesis.md
    accepted,
    genesis,  // the genesis is known to it
    etcd,     // its etcd listens; seen from outside
    member,   // etcd answered it once; of others: they are enrolled
};
inline constexpr std::array steps{Step::network, Step::daemon, Step::heard, Step::promised, Step::accepted, Step::genesis, Step::etcd, Step::member};
[[nodiscard]] std::string_view name_of(Step step);     // "network"
[[nodiscard]] std::string_view meaning_of(Step step);  // for people

using Elapsed = std::chrono::duration<double>; // since the power of the first node came on

class Progress {
public:
    // `voters`: how many it takes.
    Progress(const std::vector<Cast>& nodes, std::size_t voters);

    // Member "site" of a node's status, or an empty object. True when there is something new to tell of it.
    bool hear(std::size_t node, Elapsed at, const Json& site);
    // What is seen from outside. The first time counts.
    void reach(std::size_t node, Elapsed at, Step step);
    // Its power went off by itself, or came on again.
    bool say(std::size_t node, Elapsed at, std::string phase, std::string sentence);

    struct Now {
        std::string name;
        bool voter = false;
        std::string phase = "off", sentence, trouble, genesis;
        Elapsed since{};
    };
    [[nodiscard]] const std::vector<Now>& nodes() const noexcept { return nodes_; }
    [[nodiscard]] bool is_formed() const; // all are members, without trouble, of one genesis
    // "n02: hearing: 2 of 3 voters …", of those that are no members.
    [[nodiscard]] std::vector<std::string> waiting() const;
    [[nodiscard]] std::optional<Elapsed> when(std::size_t node, Step step) const;
    // When the last node got there; nothing while one has not.
    [[nodiscard]] std::optional<Elapsed> when_all(Step step) const;

    // ---- For people and programs ----
    // A line a node, at most `width` wide.
    [[nodiscard]] std::string table(std::size_t width) const;
    [[nodiscard]] std::string line(std::size_t node) const;
    [[nodiscard]] std::string timeline() const;
    [[nodiscard]] Json timeline_json() const;
    [[nodiscard]] Json json(std::size_t node) const;

private:
    void infer(std::size_t node, Elapsed at, Step step);

    std::vector<Now> nodes_;
    std::size_t voters_;
    std::vector<std::map<Step, Elapsed>> reached_;
};

} // namespace ashlar::virtual_site
