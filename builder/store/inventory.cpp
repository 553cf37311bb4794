#include <store/inventory.hpp>

#include "entries.hpp"

#include <base/error.hpp>

#include <array>
#include <fcntl.h>
#include <set>

namespace ashlar::store {

namespace fs = std::filesystem;

namespace {

std::string beginning_of(const fs::path& path) {
    try {
        std::array<std::byte, 34> bytes;
        const Fd file = open_file(path, O_RDONLY);
        return {reinterpret_cast<const char*>(bytes.data()), read_some(file.get(), bytes, path.native())};
    } catch (const Error&) {
        return {}; // collected meanwhile
    }
}

Kind kind_of(const fs::path& blob) {
    const std::string begin = beginning_of(blob);
    if (begin.starts_with("!<arch>\ndebian-binary")) return Kind::package;
    if (begin.starts_with("-----BEGIN PGP SIGNED MESSAGE-----")) return Kind::release;
    if (begin.starts_with("Package: ")) return Kind::index;
    return Kind::other;
}

void add_blobs(const Store& store, std::vector<Object>& found) {
    for (auto& path : entries_two_deep(store.root() / "blobs"))
        if (const auto digest = Digest::from_hex(path.filename().native()))
            if (const auto info = status_of(path); info && S_ISREG(info->st_mode))
                found.push_back({std::move(path), *digest, allocated(*info), last_use(*info)});
}

void add_stages(const Store& store, std::vector<Object>& found) {
    for (auto& path : entries_two_deep(store.root() / "stages"))
        if (const auto key = Digest::from_hex(path.filename().native()))
            if (const auto info = status_of(path); info && S_ISDIR(info->st_mode)) {
                StageName name{path.parent_path().filename().native(), *key};
                const std::uint64_t bytes = allocated_below(path);
                found.push_back({std::move(path), std::move(name), bytes, last_use(*info)});
            }
}

Amount amount_in(const fs::path& directory) {
    Amount amount;
    for (const auto& path : entries(directory))
        if (const auto info = status_of(path)) amount.add(allocated(*info) + allocated_below(path));
    return amount;
}

using Names = std::set<std::variant<Digest, StageName>>;

Names names_of(const Roots& roots) {
    Names names(roots.blobs.begin(), roots.blobs.end());
    names.insert(roots.stages.begin(), roots.stages.end());
    return names;
}

Inventory::Kept count(const std::string& name, const Roots& roots, const std::map<std::variant<Digest, StageName>, std::uint64_t>& here) {
    Inventory::Kept kept{name, roots.reason, {}, 0};
    for (const auto& wanted : names_of(roots)) {
        const auto object = here.find(wanted);
        if (object == here.end()) {
            ++kept.missing;
        } else {
            kept.here.add(object->second);
        }
    }
    return kept;
}

} // namespace

std::vector<Object> objects(const Store& store) {
    std::vector<Object> found;
    add_blobs(store, found);
    add_stages(store, found);
    return found;
}

Amount Inventory::total() const {
    Amount sum = partial;
    sum += quarantine;
    for (const auto& [kind, amount] : blobs) sum += amount;
    for (const auto& [stage, amount] : stages) sum += amount;
    return sum;
}

Inventory take_inventory(const Store& store, Clock::time_point before) {
    Inventory inventory{.partial = amount_in(store.root() / "partial"),
                        .quarantine = amount_in(store.root() / "quarantine")};
    const auto all = objects(store);
    std::map<std::variant<Digest, StageName>, std::uint64_t> here;
    for (const auto& object : all) here.emplace(object.name, object.bytes);
    Names reachable;
    for (const auto& [name, roots] : read_roots(store)) {
        inventory.roots.push_back(count(name, roots, here));
        reachable.merge(names_of(roots));
    }
    for (const auto& object : all) {
        if (const auto* stage = std::get_if<StageName>(&object.name)) {
            inventory.stages[stage->stage].add(object.bytes);
        } else {
            inventory.blobs[kind_of(object.path)].add(object.bytes);
        }
        const bool kept = reachable.contains(object.name);
        (kept ? inventory.reachable : inventory.unreachable).add(object.bytes);
        if (!kept && object.last_use < before) inventory.old.add(object.bytes);
    }
    return inventory;
}

std::string_view name_of(Kind kind) {
    switch (kind) {
    case Kind::package: return "packages";
    case Kind::release: return "releases";
    case Kind::index: return "indices";
    case Kind::other: break;
    }
    return "other files";
}

} // namespace ashlar::store
