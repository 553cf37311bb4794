#include "beliefs.hpp"

#include "state_content.hpp"

#include <base/json.hpp>
#include <state/state.hpp>

namespace ashlar::steps {

namespace {

constexpr const char *metadata = "metadata_floor", *time_member = "time_floor", *security = "security_floor";

bool is_kept(std::string_view role) { return !role.starts_with("train-") && !role.starts_with("site-"); }

void keep(const std::filesystem::path& partition, const Json& before, const Json& now) {
    if (now != before) state::write(partition, now);
}

} // namespace

std::optional<std::string> Beliefs::load(std::string_view role) const {
    const Json content = content_of(partition_);
    const Json kept = content.value(metadata, Json::object());
    if (const auto found = kept.find(role); found != kept.end()) return found->get<std::string>();
    return role == "root" ? std::optional(root_) : std::nullopt;
}

void Beliefs::save(std::string_view role, std::string_view text) {
    if (!is_kept(role)) return;
    const Json before = content_of(partition_);
    Json content = before;
    content[metadata][std::string(role)] = text;
    keep(partition_, before, content);
}

void Beliefs::remove(std::string_view role) {
    const Json before = content_of(partition_);
    Json content = before;
    if (content.contains(metadata)) content[metadata].erase(std::string(role));
    keep(partition_, before, content);
}

Time Beliefs::time_floor() const {
    const Json content = content_of(partition_);
    return tuf::time_of(content.value(time_member, "")).value_or(Time{});
}

trust::SecurityFloors Beliefs::security_floors() const { return content_of(partition_).value(security, trust::SecurityFloors{}); }

void Beliefs::raise(const trust::SecurityFloors& floors, const std::optional<Time>& newest_issue) {
    const Json before = content_of(partition_);
    Json content = before;
    if (!floors.empty()) content[security] = floors;
    if (newest_issue && *newest_issue > time_floor()) content[time_member] = tuf::text_of(*newest_issue);
    keep(partition_, before, content);
}

} // namespace ashlar::steps
