#include <steps/node_steps.hpp>

#include "state_content.hpp"

#include <base/error.hpp>
#include <state/state.hpp>

#include <fmt/format.h>

namespace ashlar::steps {

namespace {

constexpr const char* member = "upgrade";

} // namespace

Json content_of(const std::filesystem::path& partition) {
    auto record = state::read(partition);
    if (!record) throw Error(fmt::format("cannot read the state in '{}': it was never written", partition.native()), "install the node again");
    return std::move(record->content);
}

upgrade::Journal StateMemory::recall() {
    const Json content = content_of(partition_);
    return content.contains(member) ? upgrade::journal_from(content.at(member)) : upgrade::Journal{};
}

// Others keep things there too.
void StateMemory::keep(const upgrade::Journal& journal) {
    state::change(partition_, [&](Json& content) { content[member] = upgrade::to_json(journal); });
}

} // namespace ashlar::steps
