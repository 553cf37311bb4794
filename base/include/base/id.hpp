#pragma once

// Names of 128 random or derived bits: of a site, of a node, of a site's genesis. Each is a type of its own, so that one
// never stands for another. As text: 32 lower-case hexadecimal digits.

#include <array>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar {

using IdBytes = std::array<std::byte, 16>;

[[nodiscard]] std::string id_text(const IdBytes& bytes);
// Nothing for what id_text() does not write.
[[nodiscard]] std::optional<IdBytes> parse_id_bytes(std::string_view text);
[[nodiscard]] IdBytes random_id_bytes();

template <typename Tag> struct Id {
    IdBytes bytes{};
    auto operator<=>(const Id&) const = default;

    [[nodiscard]] std::string text() const { return id_text(bytes); }
    [[nodiscard]] static std::optional<Id> parse(std::string_view text) {
        const auto bytes = parse_id_bytes(text);
        return bytes ? std::optional(Id{*bytes}) : std::nullopt;
    }
    [[nodiscard]] static Id random() { return {random_id_bytes()}; }
};

// Minted when the site is written down; in its site.toml.
using SiteId = Id<struct SiteIdTag>;
// Made from the node's own key.
using NodeId = Id<struct NodeIdTag>;
// Minted when a site's voters agree that it begins: once in its life.
using GenesisId = Id<struct GenesisIdTag>;

} // namespace ashlar
