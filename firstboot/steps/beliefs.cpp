#include "beliefs.hpp"

#include "state_content.hpp"

#include <base/json.hpp>
#include <state/state.hpp>

namespace ashlar::steps {

namespace {

constexpr const char *metadata = "metadata_floor", *time_member = "time_floor", *security = "security_floor";

Time time_in(const Json& content) { return tuf::time_of(content.value(time_member, "")).value_or(Time{}); }

bool is_kept(std::string_view role) { return !role.starts_with("train-") && !role.starts_with("site-"); }

} // namespace

std::optional<std::string> Beliefs::load(std::string_view role) const {
    const Json content = content_of(partition_);
    const Json kept = content.value(metadata, Json::object());
    if (const auto found = kept.find(role); found != kept.end()) return found->get<std::string>();
    return role == "root" ? std::optional(root_) : std::nullopt;
}

void Beliefs::save(std::string_view role, std::string_view text) {
    if (!is_kept(role)) return;
    state::change(partition_, [&](Json& content) { content[metadata][std::string(role)] = text; });
}

void Beliefs::remove(std::string_view role) {
    state::change(partition_, [&](Json& content) {
        if (content.contains(metadata)) content[metadata].erase(std::string(role));
    });
}

Time Beliefs::time_floor() const { return time_in(content_of(partition_)); }

trust::SecurityFloors Beliefs::security_floors() const { return content_of(partition_).value(security, trust::SecurityFloors{}); }

void Beliefs::raise(const trust::SecurityFloors& floors, const std::optional<Time>& newest_issue) {
    state::change(partition_, [&](Json& content) {
        if (!floors.empty()) content[security] = floors;
        if (newest_issue && *newest_issue > time_in(content)) content[time_member] = tuf::text_of(*newest_issue);
    });
}

} // namespace ashlar::steps
