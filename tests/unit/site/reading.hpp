#pragma once

#include <site/site.hpp>

#include <base/error.hpp>

#include <optional>
#include <string>

namespace ashlar::site {

// What every file must have. Its lines count: the next one is the fifth.
inline const std::string head = "[site]\nname = \"a\"\n[install]\nencryption = \"off\"\n";

inline Site read_text(std::string text, std::optional<std::string> nodes = std::nullopt) {
    const auto beside = [&](const std::string& name) {
        if (!nodes) throw Error("cannot open '" + name + "': No such file or directory");
        return toml::source_from_text(name, *nodes);
    };
    return site::read(toml::source_from_text("site.toml", std::move(text)), beside);
}

inline std::string problems_of(std::string text, std::optional<std::string> nodes = std::nullopt) {
    try {
        (void)read_text(std::move(text), std::move(nodes));
        return "no error";
    } catch (const Error& error) {
        return error.render();
    }
}

} // namespace ashlar::site
