#pragma once

// What this machine says about itself, by which its site knows it.

#include <site/machine.hpp>
#include <site/networkd.hpp>
#include <site/site.hpp>

#include <filesystem>
#include <vector>

namespace ashlar::node {

// The serial number is the firmware's, or what a container was given. The TPM is not asked.
[[nodiscard]] site::Machine machine_facts(const std::filesystem::path& root = "/");
// The same of this machine, for a site that may know it by its TPM: that is asked where the site does, once, for seconds. An Error where it
// does not answer.
[[nodiscard]] site::Machine machine_facts_for(const site::Site& site);
// Its wired ports: every interface but those that are made of others.
[[nodiscard]] std::vector<site::Port> ports(const std::filesystem::path& root = "/");

} // namespace ashlar::node
