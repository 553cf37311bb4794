#pragma once

// Each package of a subject once, with the parts it is in.

#include <evidence/subject.hpp>

#include <vector>

namespace ashlar::evidence {

struct Contained {
    const lock::Package* package;
    std::vector<std::string> parts; // sorted
};

// Sorted by name, then version, then digest.
[[nodiscard]] std::vector<Contained> contained(const Subject& subject);

} // namespace ashlar::evidence
