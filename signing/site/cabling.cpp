#include "cabling.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <fnmatch.h>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

bool any_matches(const std::vector<std::string>& patterns, const std::string& text) {
    return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0; });
}

bool matches(const PortRule& rule, const Port& port) {
    return any_matches(rule.interfaces, port.name) && any_matches(rule.macs, port.mac.text()) && any_matches(rule.drivers, port.driver) && port.speed >= rule.min_speed;
}

std::vector<const Port*> ports_of(const Link& link, const std::vector<Port>& ports) {
    std::vector<const Port*> found;
    for (const Port& port : ports)
        if (matches(link.ports, port)) found.push_back(&port);
    std::ranges::sort(found, {}, &Port::name);
    return found;
}

std::string described(const std::vector<const Port*>& ports) {
    std::vector<std::string> names;
    for (const Port* port : ports) names.push_back(fmt::format("{} ({}, {})", port->name, port->mac.text(), port->driver.empty() ? "no driver" : port->driver));
    return join(names, ", ");
}

} // namespace

Cabling cable(const std::vector<Link>& links, const std::vector<Port>& ports, const std::function<bool(const Link&)>& needed) {
    Cabling cabling;
    std::map<const Port*, std::string> taken;
    for (const Link& link : links) {
        const auto found = ports_of(link, ports);
        if (found.empty()) {
            if (needed(link)) cabling.faults.push_back(fmt::format("no port of this machine matches link '{}'", link.name));
            continue;
        }
        if (link.bond == Bond::none && found.size() > 1)
            cabling.faults.push_back(fmt::format("link '{}' is no bond, and {} ports match it: {}", link.name, found.size(), described(found)));
        for (const Port* port : found)
            if (const auto [other, fresh] = taken.emplace(port, link.name); !fresh)
                cabling.faults.push_back(fmt::format("port {} matches link '{}' and link '{}'", port->name, other->second, link.name));
        cabling.ports.emplace(link.name, found);
    }
    return cabling;
}

} // namespace ashlar::site
