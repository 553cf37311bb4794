#pragma once

// The nodes of a site: templates, entries, and what no two of them may say.

#include "node_fields.hpp"
#include "words.hpp"

#include <site/site.hpp>

#include <toml/reader.hpp>

#include <map>
#include <string>
#include <vector>

namespace ashlar::site {

struct Template {
    std::vector<std::string> roles;
    std::vector<Link> links; // with those of the file
};
using Templates = std::map<std::string, Template, std::less<>>;

// [template.NAME]; `links`: those of the file.
[[nodiscard]] Templates read_templates(toml::Table& table, const std::vector<Link>& links);

// Takes entries one after the other, each held against those before it and against the planes. The site's links and planes
// must be there already.
class NodeReader {
public:
    NodeReader(Site& site, const Templates& templates, Once& addresses, toml::Problems& problems)
        : site_(site), templates_(templates), addresses_(addresses), problems_(problems) {}

    void take(const NodeFields& fields);
    // The entries of which `voter` is true, with their places.
    [[nodiscard]] const std::vector<toml::Text>& voters() const noexcept { return voters_; }
    // Once all are taken: whether they can hear each other.
    void finish();

private:
    void take_name(const NodeFields& fields, Node& node);
    void take_identity(const NodeFields& fields, Node& node);
    void take_template(const NodeFields& fields, Node& node);
    void take_addresses(const NodeFields& fields, Node& node);
    void take_address(const toml::Text& text, Plane plane, Node& node);
    void take_ports(const NodeFields& fields, Node& node);

    Site& site_;
    const Templates& templates_;
    Once& addresses_;
    toml::Problems& problems_;
    Once names_, machines_, ports_;
    std::vector<toml::Text> voters_;
    toml::Position first_;
};

} // namespace ashlar::site
