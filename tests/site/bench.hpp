#pragma once

// A bench with a switch and nodes of one site.

#include <virtual_site/node.hpp>

#include <base/file.hpp>
#include <base/id.hpp>
#include <base/json.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ashlar::virtual_site {

// What a program on the node prints, without the line end; it must end well.
std::string said(const Node& node, std::vector<std::string> argv);
[[nodiscard]] Json status_of(const Node& node);
// Member "site" of its status; empty while the daemon does not answer.
[[nodiscard]] Json site_of(const Node& node);
// Everything that it starts by itself is started, and nothing has failed.
[[nodiscard]] bool is_up(const Node& node);
// Looks again until it holds.
[[nodiscard]] bool wait_until(std::chrono::seconds longest, const std::function<bool()>& holds);

class Bench {
public:
    Bench();

    // The medium of a site whose voters are n1, n2 …, and behind them others.
    [[nodiscard]] std::filesystem::path site(const std::string& name, unsigned voters, unsigned others = 0);
    // The same with a ticket for one node in the place of the key.
    [[nodiscard]] std::filesystem::path with_ticket(const std::filesystem::path& medium);
    Node& add(const std::string& name, const std::filesystem::path& medium);
    [[nodiscard]] Node& operator[](std::size_t index) { return *nodes_.at(index); }
    [[nodiscard]] std::vector<std::unique_ptr<Node>>& nodes() { return nodes_; }

    // Within two minutes, of a busy machine: without trouble.
    [[nodiscard]] bool is_member(const Node& node);
    [[nodiscard]] bool all_are_members();
    [[nodiscard]] std::string what_they_say();

private:
    TemporaryDirectory work_;
    Switch switch_;
    RootMount root_;
    std::vector<std::unique_ptr<Node>> nodes_;
};

} // namespace ashlar::virtual_site
