#include <site/network.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::array<std::string_view, 4> names{"management", "storage", "tunnel", "provider"};

} // namespace

std::string_view name_of(Plane plane) { return names.at(static_cast<std::size_t>(plane)); }

std::optional<Plane> plane_named(std::string_view name) {
    const auto found = std::ranges::find(names, name);
    return found == names.end() ? std::nullopt : std::optional(planes.at(static_cast<std::size_t>(found - names.begin())));
}

const Subnet* PlaneNetwork::subnet_of(const Address& address) const {
    const auto found = std::ranges::find_if(subnets, [&](const Subnet& subnet) { return subnet.contains(address); });
    return found == subnets.end() ? nullptr : &*found;
}

std::string PlaneNetwork::vlan_interface() const { return vlan ? fmt::format("{}.{}", link, *vlan) : std::string(); }

} // namespace ashlar::site
