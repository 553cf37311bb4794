#pragma once

// Universes of a few packages, written as short as they are thought.

#include <debian/universe.hpp>
#include <solver/solver.hpp>

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ashlar::solver {

// A paragraph of Packages; `more` are further fields, each with its line end.
inline std::string package(std::string_view name, std::string_view version = "1", std::string_view more = {}) {
    return fmt::format(
        "Package: {0}\nVersion: {1}\nArchitecture: amd64\nFilename: pool/{0}.deb\nSize: 10\nSHA256: {2:0>64}\n{3}\n",
        name, version, 1, more);
}

inline const debian::Source trixie{.archive = "debian", .suite = "trixie"};
inline const debian::Source security{.archive = "debian-security", .suite = "trixie-security"};
inline const debian::Source firmware{.archive = "debian", .suite = "trixie", .component = "non-free-firmware"};

struct Market {
    explicit Market(std::initializer_list<std::string> packages) : Market({{trixie, join(packages)}}) {}
    explicit Market(std::initializer_list<std::pair<debian::Source, std::string>> indices,
                    std::vector<debian::Pin> pins = {})
        : universe("amd64", std::move(pins)) {
        for (const auto& [source, text] : indices) universe.add_text(text, "Packages", source);
    }

    static std::string join(std::initializer_list<std::string> packages) {
        std::string text;
        for (const auto& one : packages) text += one;
        return text;
    }

    debian::Universe universe;
};

inline Request asking(std::initializer_list<std::string_view> packages) {
    Request request{.role = "test", .foundation = Foundation::none};
    for (const std::string_view name : packages) request.packages.push_back(Wanted::parse(name));
    return request;
}

// The chosen names in the order of the walk, or the conflict as it is shown.
inline std::string answer(const Market& market, const Request& request) {
    const auto result = resolve(market.universe, request);
    if (const auto* conflict = std::get_if<Conflict>(&result)) return conflict->render();
    std::string names;
    for (const Choice& choice : std::get<Solution>(result).choices)
        names += fmt::format("{}{}", names.empty() ? "" : " ", choice.package->name);
    return names;
}

inline Solution solved(const Market& market, const Request& request) {
    return std::get<Solution>(resolve(market.universe, request));
}

inline std::string hint(const Market& market, const Request& request) {
    return std::get<Conflict>(resolve(market.universe, request)).hint;
}

} // namespace ashlar::solver
