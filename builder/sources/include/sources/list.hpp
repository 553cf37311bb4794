#pragma once

// The sources of a release as a document, evidence of kind `sources`: docs/formats/sources.md.

#include <sources/needs.hpp>

#include <signing/digest.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::sources {

struct File {
    std::string file;       // as dpkg-source(1) wants it to be called
    std::uint64_t size = 0; // bytes
    Digest sha256;
    bool operator==(const File&) const = default;
};

struct Source {
    std::string name, version;
    std::string archive, component;                       // where it was found
    std::vector<std::string> roles, packages, built_into; // sorted
    std::vector<File> files;                              // by name
    bool operator==(const Source&) const = default;
};

struct List {
    std::string release;
    std::vector<Source> sources; // by name, then version
    std::vector<LeftOut> left_out;
    bool operator==(const List&) const = default;

    // Each file once, by digest, of the sources of these roles; of all when none is named.
    [[nodiscard]] std::vector<File> files(const std::set<std::string>& roles = {}) const;
};

// `found`: for each of the needs, in their order.
[[nodiscard]] List list_of(std::string release, const Needs& needs, const std::vector<fetch::SourcePackage>& found);

// One list has one text; parse() takes no other, and an Error names the place.
[[nodiscard]] std::string to_text(const List& list);
[[nodiscard]] List parse(std::string_view text, std::string_view name);

} // namespace ashlar::sources
