#pragma once

// Where in the recipes a thing was written, so that a stage that finds it wrong later ("no such
// package", "no firmware for this module") can show the very word:
//
//     throw toml::SourceError(role.where(Element::package, "etcd-servr"),
//                             "package 'etcd-servr' is in no archive of train 'R0'", "did you mean …?");

#include <toml/source.hpp>

#include <map>
#include <string>
#include <string_view>

namespace ashlar::recipe {

enum class Element {
    package,
    exclude,
    component,
    service,
    overlay,
    formation,
    drop,
    initrd,
    kernel,
    command_line,
    rescue,
    initrd_module,
    microcode,
    limit, // "root", "uki", "boot_partition"
    state, // its path
    file,  // its path
    waived_firmware,
    provider, // the virtual package
    suite,
    key,    // of an archive: "<archive>/<name>", as `component` is
    folder, // the archive
    role,
    tools,
    build,
    architecture, // of a train
    policy,       // of a train
};

class Places {
public:
    Places() = default;
    explicit Places(toml::Position whole) : whole_(std::move(whole)) {}

    void set(Element element, std::string_view name, toml::Position position);
    // The place of `name`; the file as a whole when it stands nowhere, so that an error always
    // has a place to show.
    [[nodiscard]] const toml::Position& where(Element element, std::string_view name) const;
    [[nodiscard]] const toml::Position* find(Element element, std::string_view name) const;

private:
    toml::Position whole_;
    std::map<Element, std::map<std::string, toml::Position, std::less<>>> places_;
};

} // namespace ashlar::recipe
