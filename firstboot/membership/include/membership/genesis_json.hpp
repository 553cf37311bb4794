#pragma once

// The words of genesis as JSON: what goes over the site port, and what a node must not forget. docs/formats/genesis.md.

#include <base/json.hpp>
#include <founding/message.hpp>

#include <filesystem>

namespace ashlar::membership {

[[nodiscard]] Json to_json(const founding::Message& message);
// An Error for whatever to_json() does not write.
[[nodiscard]] founding::Message message_from(const Json& json);

// Of the state.
inline constexpr const char* genesis_member = "genesis";
[[nodiscard]] Json to_json(const founding::Journal& journal);
[[nodiscard]] founding::Journal journal_from(const Json& json);
// As the state has it; an empty one where it has none.
[[nodiscard]] founding::Journal journal_in(const std::filesystem::path& state);

} // namespace ashlar::membership
