#include "places.hpp"

#include <base/parallel.hpp>
#include <signing/digest.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

namespace ashlar::deltas {

namespace {

constexpr std::uint64_t block = delta::block_size;

ByteView block_of(ByteView bytes, std::size_t number) { return bytes.subspan(number * block, block); }

bool equal(ByteView a, ByteView b) { return std::memcmp(a.data(), b.data(), a.size()) == 0; }

std::vector<std::uint64_t> keys_of(ByteView bytes) {
    constexpr std::size_t at_once = 256;
    std::vector<std::uint64_t> keys(bytes.size() / block);
    in_parallel((keys.size() + at_once - 1) / at_once, [&](std::size_t chunk) {
        for (std::size_t i = chunk * at_once; i < std::min(keys.size(), (chunk + 1) * at_once); ++i)
            keys[i] = *little_endian_at<std::uint64_t>(sha256(block_of(bytes, i)).bytes(), 0);
    });
    return keys;
}

// The old root's blocks by content: the first of those that are the same.
class Contents {
public:
    explicit Contents(ByteView bytes) : bytes_(bytes) {
        const auto keys = keys_of(bytes);
        first_.reserve(keys.size());
        for (std::size_t i = 0; i < keys.size(); ++i) first_.emplace(keys[i], i);
    }

    [[nodiscard]] bool same(Place place, ByteView wanted) const {
        return place < bytes_.size() / block && equal(block_of(bytes_, place), wanted);
    }
    [[nodiscard]] std::optional<Place> find(std::uint64_t key, ByteView wanted) const {
        const auto found = first_.find(key);
        if (found == first_.end() || !same(found->second, wanted)) return std::nullopt;
        return found->second;
    }

private:
    ByteView bytes_;
    std::unordered_map<std::uint64_t, Place> first_;
};

// What a new file was: the old one of the same path, or of the same path but for versions.
class Predecessors {
public:
    explicit Predecessors(const std::vector<PlacedFile>& old) {
        for (const PlacedFile& file : old) {
            by_path_.emplace(file.path, &file);
            by_name_.emplace(without_versions(file.path), &file);
        }
    }

    [[nodiscard]] const PlacedFile* of(const PlacedFile& file) const {
        if (const auto found = by_path_.find(file.path); found != by_path_.end()) return found->second;
        const auto found = by_name_.find(without_versions(file.path));
        return found == by_name_.end() ? nullptr : found->second;
    }

private:
    std::map<std::string_view, const PlacedFile*> by_path_;
    std::map<std::string, const PlacedFile*> by_name_;
};

// Where the old file has what is at the same distance from its start, as far as it goes.
void place_extents(const PlacedFile& old, const PlacedFile& now, std::vector<std::optional<Place>>& places) {
    std::size_t o = 0;
    std::uint64_t old_start = 0, now_start = 0; // in the files
    for (const Extent& extent : now.extents) {
        for (std::uint64_t at = 0; at < extent.size; at += block - (extent.offset + at) % block) {
            const std::uint64_t wanted = now_start + at;
            while (o + 1 < old.extents.size() && wanted >= old_start + old.extents[o].size) old_start += old.extents[o++].size;
            const std::uint64_t inside = std::min(wanted - std::min(wanted, old_start), old.extents[o].size - 1);
            auto& place = places[(extent.offset + at) / block];
            if (!place) place = (old.extents[o].offset + inside) / block;
        }
        now_start += extent.size;
    }
}

std::string_view contents_of(ByteView root, const PlacedFile& file, std::string& joined) {
    if (file.extents.size() == 1) return text_of(root.subspan(file.extents[0].offset, file.extents[0].size));
    joined.clear();
    for (const Extent& extent : file.extents) joined += text_of(root.subspan(extent.offset, extent.size));
    return joined;
}

bool same_contents(ByteView old_root, const PlacedFile& old, ByteView new_root, const PlacedFile& now) {
    std::string a, b;
    return contents_of(old_root, old, a) == contents_of(new_root, now, b);
}

// What the files say: by block of the new root, where its file was; by file, whether it is what it was.
struct FilePlaces {
    std::vector<std::optional<Place>> places;
    std::vector<bool> kept;

    FilePlaces(const Side& old, const Side& now) : places(now.bytes.size() / block) {
        const Predecessors predecessors(old.files);
        for (const PlacedFile& file : now.files) {
            const PlacedFile* const before = predecessors.of(file);
            if (before != nullptr) place_extents(*before, file, places);
            kept.push_back(before != nullptr && same_contents(old.bytes, *before, now.bytes, file));
        }
    }
};

} // namespace

bool all_zero(ByteView bytes) {
    return bytes.empty() || (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::string without_versions(std::string_view path) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    std::string name;
    for (const char c : path) {
        if (!is_digit(c))
            name += c;
        else if (!name.ends_with('#'))
            name += '#';
    }
    return name;
}

// In this order: where the last equal block goes on, where the file's own old place is, wherever the content
// is, where the file was. What belongs to no file lies behind what is before it, as it did.
Places::Places(const Side& old, const Side& now) : places_(now.bytes.size() / block) {
    const Contents contents(old.bytes);
    const auto keys = keys_of(now.bytes);
    FilePlaces files(old, now);
    kept_ = std::move(files.kept);
    const auto& expected = files.places;
    std::optional<Place> next;
    for (std::size_t i = 0; i < places_.size(); ++i) {
        const ByteView wanted = block_of(now.bytes, i);
        BlockPlace& place = places_[i];
        place.zero = all_zero(wanted);
        const auto same_at = [&](const std::optional<Place>& where) { return where && contents.same(*where, wanted); };
        if (same_at(next))
            place = {next, true, place.zero};
        else if (same_at(expected[i]))
            place = {expected[i], true, place.zero};
        else if (const auto found = place.zero ? std::nullopt : contents.find(keys[i], wanted))
            place = {found, true, false};
        else if (expected[i])
            place.old = expected[i];
        else if (next && *next < old.bytes.size() / block)
            place.old = next;
        if (place.old) next = *place.old + 1;
    }
}

} // namespace ashlar::deltas
