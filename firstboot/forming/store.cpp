#include <forming/store.hpp>

namespace ashlar::forming {

SiteStore::Entries MemoryStore::list(std::string_view prefix) const {
    const std::lock_guard lock(mutex_);
    Entries found;
    for (auto entry = entries_.lower_bound(prefix); entry != entries_.end() && entry->first.starts_with(prefix); ++entry) found.insert(*entry);
    return found;
}

bool MemoryStore::swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if ((found == entries_.end() ? 0 : found->second.revision) != revision) return false;
    if (value) entries_[key] = {*value, ++revision_};
    else if (found != entries_.end()) entries_.erase(found);
    return true;
}

} // namespace ashlar::forming
