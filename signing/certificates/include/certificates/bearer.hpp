#pragma once

// Whom a certificate of a site names, and what they are. docs/formats/certificates.md.

#include <base/id.hpp>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::certificates {

// A label of a host name: lower-case letters, digits and '-', at most 63, a letter or digit first and last.
[[nodiscard]] bool is_label(std::string_view text);
// An IPv4 or IPv6 address in its one usual spelling.
[[nodiscard]] bool is_address(std::string_view text);

struct NodeBearer {
    NodeId node;
    std::string name;               // a label
    std::set<std::string> roles;    // labels, of recipes: "control"
    std::set<std::string> addresses; // where it is reached
    bool operator==(const NodeBearer&) const = default;
};

// A service on a node, as other services know it: etcd.
struct ServiceBearer {
    NodeId node;
    std::string service;            // a label; its host name is `<service>.ashlar`
    std::set<std::string> addresses;
    bool operator==(const ServiceBearer&) const = default;
};

// What an operator may do; a right has no other in it.
enum class Right { view, operate, approve, administer };
[[nodiscard]] std::string_view name_of(Right right); // "viewer", "operator", "approver", "admin"
[[nodiscard]] std::optional<Right> right_named(std::string_view name);

struct OperatorBearer {
    std::string name; // a label
    std::set<Right> rights;
    bool operator==(const OperatorBearer&) const = default;
};

using Bearer = std::variant<NodeBearer, ServiceBearer, OperatorBearer>;

// "node n01 (0123…)", for messages and the audit log.
[[nodiscard]] std::string text_of(const Bearer& bearer);

// Nothing when it can stand in a certificate; otherwise what is wrong with it.
[[nodiscard]] std::optional<std::string> fault_of(const Bearer& bearer);

} // namespace ashlar::certificates
