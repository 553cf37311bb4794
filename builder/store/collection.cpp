#include <store/collection.hpp>

#include "entries.hpp"

#include <store/session.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <cerrno>
#include <set>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::store {

namespace fs = std::filesystem;

namespace {

enum class Hold { none, by_age, always };

class Collection {
public:
    Collection(Store& store, const Collecting& collecting)
        : store_(store), collecting_(collecting), in_use_since_(store.in_use_since()) {
        for (const auto& [name, roots] : read_roots(store)) {
            blobs_.insert(roots.blobs.begin(), roots.blobs.end());
            stages_.insert(roots.stages.begin(), roots.stages.end());
        }
    }

    Collected run() {
        end_roots();
        clear_aside();
        std::vector<Object> all = objects(store_);
        for (const auto& object : all) left_ += object.bytes;
        std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.last_use < b.last_use; });
        std::erase_if(all, [&](const Object& object) { return unused(object) && take(object, Collected::Cause::unused); });
        if (collecting_.most) shrink(all, *collecting_.most);
        collected_.left = left_;
        return std::move(collected_);
    }

private:
    [[nodiscard]] bool real() const { return collecting_.run == Collecting::Run::real; }
    [[nodiscard]] Clock::time_point limit() const {
        return std::min(in_use_since_, Clock::now() - collecting_.unused);
    }

    [[nodiscard]] Hold hold_on(const Object& object) const {
        if (const auto* stage = std::get_if<StageName>(&object.name))
            return stages_.contains(*stage) ? Hold::by_age : Hold::none;
        return blobs_.contains(std::get<Digest>(object.name)) ? Hold::always : Hold::none;
    }
    [[nodiscard]] bool unused(const Object& object) const {
        return hold_on(object) == Hold::none && object.last_use < limit();
    }

    void shrink(const std::vector<Object>& oldest_first, std::uint64_t most) {
        for (const auto& object : oldest_first)
            if (left_ > most && hold_on(object) != Hold::always) take(object, Collected::Cause::too_large);
        collected_.excess = left_ > most ? left_ - most : 0;
    }

    // False when it is in use.
    bool take(const Object& object, Collected::Cause cause) {
        if (object.last_use >= in_use_since_ || (real() && !store_.remove(object.path, object.last_use))) return false;
        const auto* stage = std::get_if<StageName>(&object.name);
        (stage != nullptr ? collected_.stages : collected_.blobs).add(object.bytes);
        note(stage != nullptr ? fmt::format("stages/{}/{}", stage->stage, stage->key.hex())
                              : fmt::format("blobs/{}", std::get<Digest>(object.name).hex()),
             object.bytes, cause);
        left_ -= object.bytes;
        return true;
    }

    void note(std::string name, std::uint64_t bytes, Collected::Cause cause) {
        collected_.taken.push_back({std::move(name), bytes, cause});
    }

    void end_roots() {
        for (const auto& name : ended_roots(store_)) {
            if (real()) forget(store_, name);
            note("roots/" + name, 0, Collected::Cause::ended);
        }
    }

    // Beginnings of transfers, and what was damaged.
    void clear_aside() {
        for (const auto& path : entries(store_.root() / "partial")) aside(path, "partial");
        for (const auto& path : entries(store_.root() / "quarantine")) aside(path, "quarantine");
    }
    void aside(const fs::path& path, std::string_view where) {
        const auto info = status_of(path);
        if (!info) return;
        const std::uint64_t bytes = allocated(*info) + allocated_below(path);
        const bool old = last_use(*info) < limit();
        auto claim = old && where == "partial" ? Claim::try_take(path) : std::nullopt;
        if (!old || (where == "partial" && !claim)) {
            left_ += bytes;
            return;
        }
        if (real()) claim ? claim->remove_file() : remove_tree(path);
        note(fmt::format("{}/{}", where, path.filename().native()), bytes, Collected::Cause::unused);
    }

    Store& store_;
    const Collecting& collecting_;
    Clock::time_point in_use_since_;
    std::set<Digest> blobs_;
    std::set<StageName> stages_;
    std::uint64_t left_ = 0;
    Collected collected_;
};

} // namespace

Collected collect(Store& store, const Collecting& collecting) {
    return while_doing(fmt::format("collecting what nobody needs of the store '{}'", store.root().native()),
                       [&] { return Collection(store, collecting).run(); });
}

} // namespace ashlar::store
