#pragma once

// A bench with a switch, and nodes of sites.

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

// What is particular to a site: its voters are n1, n2 … of that letter, and behind them others, at addresses that follow each other.
struct Sketch {
    std::string name;
    unsigned voters = 3, others = 0;
    char letter = 'n';
    unsigned first_address = 11; // of its management plane
    std::string network = "10.77.0."; // in which: before the host's part, "fd77::" for IPv6
    std::string more = {};            // of its site.toml
    std::string roles = R"("base")";  // of each node, as site.toml has them
    [[nodiscard]] std::string serial(unsigned node) const { return letter + std::to_string(node); }
    [[nodiscard]] std::string address(unsigned node) const { return network + std::to_string(first_address + node - 1); }
    [[nodiscard]] std::string subnet() const { return network.ends_with(':') ? network + "/64" : network + "0/24"; }
};

class Bench {
public:
    Bench();

    // The medium of a new site.
    [[nodiscard]] std::filesystem::path site(const Sketch& sketch);
    // Of one that is not as a sketch has it; `text` of its site.toml.
    [[nodiscard]] std::filesystem::path site(const std::string& name, const std::function<std::string(const SiteId& id)>& text);
    // The same with a ticket for one node in the place of the key.
    [[nodiscard]] static std::filesystem::path with_ticket(const std::filesystem::path& medium);
    Node& add(const std::string& name, const std::filesystem::path& medium);
    [[nodiscard]] Node& operator[](std::size_t index) { return *nodes_.at(index); }
    [[nodiscard]] const Switch& switch_of_all() const noexcept { return switch_; }
    [[nodiscard]] const std::filesystem::path& work() const noexcept { return work_.path(); }
    [[nodiscard]] std::vector<std::unique_ptr<Node>>& nodes() { return nodes_; }

private:
    TemporaryDirectory work_;
    Switch switch_;
    RootMount root_;
    std::vector<std::unique_ptr<Node>> nodes_;
};

} // namespace ashlar::virtual_site
