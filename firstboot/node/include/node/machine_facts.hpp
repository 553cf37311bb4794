#pragma once

// What this machine says about itself, by which its site knows it.

#include <site/machine.hpp>
#include <site/networkd.hpp>

#include <filesystem>
#include <vector>

namespace ashlar::node {

// The serial number is the firmware's, or what a container was given.
[[nodiscard]] site::Machine machine_facts(const std::filesystem::path& root = "/");
// Its wired ports: every interface but those that are made of others.
[[nodiscard]] std::vector<site::Port> ports(const std::filesystem::path& root = "/");

} // namespace ashlar::node
