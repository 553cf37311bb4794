#pragma once

// What a node's entry says, word by word and with its place: from [[node]] or from a row of the table, which say the same.

#include <site/network.hpp>

#include <toml/reader.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::site {

struct NodeFields {
    toml::Position position; // of the entry
    std::optional<toml::Text> name, serial, mac, tpm_ek, from_template;
    std::vector<toml::Text> roles;
    std::optional<toml::Located<bool>> voter;
    std::map<Plane, std::vector<toml::Text>> addresses;
    // The ports of a link, where its pattern does not say them.
    struct Ports {
        toml::Text link;
        std::vector<toml::Text> macs;
    };
    std::vector<Ports> ports;
};

[[nodiscard]] NodeFields node_fields(toml::Table& table);
// Of a whole table, nodes.csv.
[[nodiscard]] std::vector<NodeFields> node_fields(const toml::SourcePtr& csv, toml::Problems& problems);

} // namespace ashlar::site
