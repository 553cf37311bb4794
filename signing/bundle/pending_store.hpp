#pragma once

// What a run learns, kept apart until it may stay.

#include <tuf/updater.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::bundle {

// In memory.
class MemoryStore final : public tuf::Store {
public:
    std::optional<std::string> load(std::string_view role) const override;
    void save(std::string_view role, std::string_view text) override;
    void remove(std::string_view role) override;

private:
    std::map<std::string, std::string, std::less<>> texts_;
};

class PendingStore final : public tuf::Store {
public:
    explicit PendingStore(tuf::Store& below) : below_(below) {}

    std::optional<std::string> load(std::string_view role) const override;
    void save(std::string_view role, std::string_view text) override { changes_[std::string(role)] = std::string(text); }
    void remove(std::string_view role) override { changes_[std::string(role)] = std::nullopt; }

    // Roles whose text is another than below.
    [[nodiscard]] std::vector<std::string> changed() const;
    // Into the store below, of which nothing is written that is there already.
    void commit(std::string_view role);

private:
    tuf::Store& below_;
    std::map<std::string, std::optional<std::string>, std::less<>> changes_; // nothing: removed
};

} // namespace ashlar::bundle
