#pragma once

// site.toml: what a site's operator writes for its nodes. docs/formats/site.md.

#include <disks/rule.hpp>
#include <toml/source.hpp>

#include <cstdint>
#include <string>

namespace ashlar::site {

// What a machine must have before anything is written to it.
struct Requirements {
    std::uint64_t memory = 0; // bytes
    unsigned processors = 0;
    bool tpm = false;
};

struct Site {
    std::string name;
    disks::Rule disk;
    Requirements requirements;
};

// SourceError with every problem of the file.
[[nodiscard]] Site read(const toml::SourcePtr& source);

} // namespace ashlar::site
