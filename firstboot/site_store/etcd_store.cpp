#include <site_store/etcd_store.hpp>

namespace ashlar::site_store {

namespace {

std::string etcd_key(std::string_view key) { return std::string("/").append(key); }

// That a key is not there has a question of its own: a key that was written has a revision of its creation.
etcd::Condition unchanged(const std::string& key, std::uint64_t revision) {
    if (revision == 0) return {etcd::Condition::Of::created, etcd_key(key), 0};
    return {etcd::Condition::Of::modified, etcd_key(key), static_cast<etcd::Revision>(revision)};
}

} // namespace

forming::SiteStore::Entries EtcdStore::list(std::string_view prefix) const {
    const std::lock_guard lock(mutex_);
    Entries entries;
    for (auto& pair : client_.range(etcd_key(prefix)).pairs) entries.emplace(pair.key.substr(1), Entry{std::move(pair.value), static_cast<std::uint64_t>(pair.modified)});
    return entries;
}

bool EtcdStore::swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) {
    const std::lock_guard lock(mutex_);
    const etcd::Change change = value ? etcd::Change(etcd::Put{etcd_key(key), *value}) : etcd::Change(etcd::Delete{etcd_key(key)});
    return client_.commit({unchanged(key, revision)}, {change}).done;
}

} // namespace ashlar::site_store
