#pragma once

// What is not wrong in a site.toml, and will hurt: for `ashlar site check`.

#include <site/site.hpp>

#include <string>
#include <vector>

namespace ashlar::site {

struct Warning {
    std::string message, remedy;
    bool operator==(const Warning&) const = default;
};

[[nodiscard]] std::vector<Warning> review(const Site& site, Day today);

} // namespace ashlar::site
