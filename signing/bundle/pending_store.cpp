#include "pending_store.hpp"

namespace ashlar::bundle {

std::optional<std::string> MemoryStore::load(std::string_view role) const {
    const auto found = texts_.find(role);
    return found == texts_.end() ? std::nullopt : std::optional(found->second);
}
void MemoryStore::save(std::string_view role, std::string_view text) { texts_[std::string(role)] = std::string(text); }
void MemoryStore::remove(std::string_view role) { texts_.erase(std::string(role)); }

std::optional<std::string> PendingStore::load(std::string_view role) const {
    const auto changed = changes_.find(role);
    return changed == changes_.end() ? below_.load(role) : changed->second;
}

std::vector<std::string> PendingStore::changed() const {
    std::vector<std::string> roles;
    for (const auto& [role, text] : changes_)
        if (below_.load(role) != text) roles.push_back(role);
    return roles;
}

void PendingStore::commit(std::string_view role) {
    const auto change = changes_.find(role);
    if (change == changes_.end() || below_.load(role) == change->second) return;
    if (change->second) {
        below_.save(role, *change->second);
    } else {
        below_.remove(role);
    }
}

} // namespace ashlar::bundle
