#pragma once

// What of the vulnerabilities changes from one set of images to another, by one snapshot of the tracker. Pure.

#include <vulnerabilities/assessment.hpp>

#include <string>
#include <vector>

namespace ashlar::vulnerabilities {

// Each by id and source package; of what is open, as the new images have it.
struct Step {
    std::string old_release, new_release; // of Debian
    std::vector<Finding> opened;          // open now, and not before
    std::vector<Finding> still_open;
    std::vector<Finding> closed; // open before, and not now; as the old images had it
};

[[nodiscard]] Step step(const Assessment& before, const Assessment& now);

[[nodiscard]] Json to_json(const Step& step);

} // namespace ashlar::vulnerabilities
