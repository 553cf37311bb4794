#pragma once

// Which ports of a machine make up which link.

#include <site/networkd.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ashlar::site {

struct Cabling {
    std::map<std::string, std::vector<const Port*>> ports; // by link, in the order of their names
    std::vector<std::string> faults;
};

// `needed`: whether a link must be there. `ports` must outlive the answer.
[[nodiscard]] Cabling cable(const std::vector<Link>& links, const std::vector<Port>& ports, const std::function<bool(const Link&)>& needed);

} // namespace ashlar::site
