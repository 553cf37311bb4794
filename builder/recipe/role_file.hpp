#pragma once

// One role file as it was written, every word with its place; `extends` not yet followed.

#include <recipe/model.hpp>

#include <toml/reader.hpp>

namespace ashlar::recipe {

struct KernelPart {
    toml::Position position; // of [kernel]
    std::optional<toml::Text> package;
    std::vector<toml::Text> command_line, initrd_modules, microcode, rescue;
};

struct LimitsPart {
    toml::Position position; // of [limits]
    std::optional<toml::Located<std::uint64_t>> root, uki, boot_partition;
};

struct RoleFile {
    toml::SourcePtr source;
    std::string name;
    toml::Text summary;
    std::vector<toml::Text> extends;
    std::optional<toml::Located<Kind>> kind;
    std::vector<toml::Text> packages, exclude, components, services, overlays, drop, waived_firmware, formations;
    std::optional<toml::Text> initrd;
    std::optional<toml::Located<bool>> strict_providers;
    std::optional<KernelPart> kernel;
    std::optional<LimitsPart> limits;
    std::vector<toml::Located<StateEntry>> state;
    std::vector<toml::Located<FileEntry>> files;
    std::vector<toml::Table::Pair> providers;
};

// SourceError with everything that is wrong in the file by itself.
[[nodiscard]] RoleFile read_role_file(const toml::SourcePtr& source, std::string name);

} // namespace ashlar::recipe
