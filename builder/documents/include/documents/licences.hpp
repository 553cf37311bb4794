#pragma once

// The licences of an image's packages, and their texts in one file.

#include <documents/copyright.hpp>
#include <documents/library.hpp>

#include <base/json.hpp>

#include <string>
#include <vector>

namespace ashlar::documents {

struct PackageLicences {
    std::string package, version, source;
    Licences licences;
    std::string absence; // why nothing is known; empty: something is
};

// Sorted as the library's packages are.
[[nodiscard]] std::vector<PackageLicences> licences_of(Library& library);

[[nodiscard]] Json to_json(const std::vector<PackageLicences>& licences);
[[nodiscard]] std::string to_text(const std::vector<PackageLicences>& licences);

// One text with the copyright files of all packages, each different text once with the packages that have
// it, and behind them the common licences that they refer to: what has to go with the binaries. The same
// packages give the same bytes; what is missing is named in it.
[[nodiscard]] std::string licence_texts(Library& library);

} // namespace ashlar::documents
