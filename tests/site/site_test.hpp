#pragma once

// What tests of whole sites have in common: nodes of one or more sites on one bench, and what they say of themselves.

#include "bench.hpp"

#include <map>
#include <set>

#include <gmock/gmock.h>

namespace ashlar::virtual_site {

using namespace std::chrono_literals;

inline constexpr auto patience = 120s; // of a busy machine

using Nodes = std::vector<Node*>;

class SiteTest : public testing::Test {
protected:
    // The voters of a new site; their power is off.
    [[nodiscard]] Nodes voters_of(const Sketch& sketch) { return nodes_of(sketch, sketch.voters); }
    // The same with those that are none, behind them.
    [[nodiscard]] Nodes nodes_of(const Sketch& sketch) { return nodes_of(sketch, sketch.voters + sketch.others); }

    // One of a site that is not as a sketch has it.
    [[nodiscard]] Node& add(const std::string& name, const std::filesystem::path& medium, const std::string& address);

    static void power_on(const Nodes& nodes);
    static void cut_power(const Nodes& nodes);
    // All at once, as when there is a word from the battery.
    static void shut_down(const Nodes& nodes);

    [[nodiscard]] static std::string phase(const Node& node) { return site_of(node).value("phase", ""); }
    [[nodiscard]] static std::string sentence(const Node& node) { return site_of(node).value("sentence", ""); }
    [[nodiscard]] static std::string genesis(const Node& node) { return site_of(node).value("genesis", "none"); }
    [[nodiscard]] static std::set<std::string> geneses(const Nodes& nodes);
    // What its log warns of.
    [[nodiscard]] static std::string warnings(const Node& node);

    // Members, each with its part of the site at work.
    [[nodiscard]] static bool are_members(const Nodes& nodes);
    // Its formations, and how they are there.
    [[nodiscard]] static std::map<std::string, std::string> formations_of(const Node& node);
    // Whatever runs there is as it should be.
    [[nodiscard]] static bool are_settled(const Nodes& nodes);
    [[nodiscard]] static bool comes_to_say(const Node& node, std::string_view part);
    // For what must not happen: it holds each time that it is looked at.
    [[nodiscard]] static bool stays(std::chrono::seconds time, const std::function<bool()>& holds);

    // For a failure's text.
    [[nodiscard]] static std::string what_they_say(const Nodes& nodes);

    // etcdctl, as the node's own service and at its own member.
    [[nodiscard]] std::vector<std::string> etcdctl(const Node& node, std::vector<std::string> arguments) const;
    [[nodiscard]] std::string etcd(const Node& node, std::vector<std::string> arguments) const { return said(node, etcdctl(node, std::move(arguments))); }
    // Again until it does: what was on its way to a leader that is gone is lost.
    [[nodiscard]] bool comes_to_keep(const Node& node, const std::string& key, const std::string& value) const {
        return wait_until(patience, [&] { return node.run(etcdctl(node, {"put", key, value})).ok(); });
    }
    // What that member has, whatever the others know.
    [[nodiscard]] std::string kept_by(const Node& node, const std::string& key) const { return etcd(node, {"get", "--print-value-only", "--consistency=s", key}); }
    [[nodiscard]] bool comes_to_have(const Node& node, const std::string& key, const std::string& value) const {
        return wait_until(patience, [&] { return node.run(etcdctl(node, {"get", "--print-value-only", "--consistency=s", key})).output == value + "\n"; });
    }

    [[nodiscard]] const std::string& address(const Node& node) const { return addresses_.at(node.name()); }

    Bench bench_;

private:
    [[nodiscard]] Nodes nodes_of(const Sketch& sketch, unsigned count);

    std::map<std::string, std::string> addresses_;
};

} // namespace ashlar::virtual_site
