#include <authority/repository.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <tuf/updater.hpp>

#include <charconv>

#include <fmt/format.h>

namespace ashlar::authority {

namespace fs = std::filesystem;

namespace {

// Carried along, and read by everybody who comes: these have no version in their name.
bool is_unversioned(std::string_view role) { return role == "timestamp" || role.starts_with("bundle-"); }

// "7.train-R1.json" of "train-R1"
std::optional<std::uint64_t> version_in(std::string_view file, std::string_view role) {
    const auto dot = file.find('.');
    if (dot == file.npos || file.substr(dot + 1) != std::string(role) + ".json") return std::nullopt;
    std::uint64_t version = 0;
    const auto [end, error] = std::from_chars(file.data(), file.data() + dot, version);
    return error == std::errc() && end == file.data() + dot ? std::optional(version) : std::nullopt;
}

std::uint64_t version_of(std::string_view text, const fs::path& file) {
    const auto envelope = tuf::parse_envelope(text, file.native());
    return envelope.type() == "bundle" ? tuf::bundle_of(envelope, file.native()).version : tuf::timestamp_of(envelope, file.native()).version;
}

template <typename Kind> std::optional<Kind> read(const Repository& repository, std::string_view role, Kind (*of)(const tuf::Envelope&, std::string_view)) {
    const auto text = repository.text(role);
    if (!text) return std::nullopt;
    const std::string name = std::string(role) + ".json";
    return of(tuf::parse_envelope(*text, name), name);
}

void make_place(const fs::path& from, const fs::path& to) {
    std::error_code failure;
    fs::create_hard_link(from, to, failure); // of one file system, and read only from here on
    if (failure) fs::copy_file(from, to);
}

} // namespace

fs::path Repository::metadata_file(std::string_view role, std::uint64_t version) const {
    return directory_ / "metadata" / (is_unversioned(role) ? fmt::format("{}.json", role) : fmt::format("{}.{}.json", version, role));
}

std::optional<std::uint64_t> Repository::version(std::string_view role) const {
    if (is_unversioned(role)) {
        const fs::path file = metadata_file(role, 0);
        return fs::exists(file) ? std::optional(version_of(read_file(file), file)) : std::nullopt;
    }
    std::optional<std::uint64_t> newest;
    if (!fs::exists(directory_ / "metadata")) return newest;
    for (const auto& entry : fs::directory_iterator(directory_ / "metadata"))
        newest = std::max(newest, version_in(entry.path().filename().native(), role)); // nothing is less than everything
    return newest;
}

std::optional<std::string> Repository::text(std::string_view role) const {
    const auto newest = version(role);
    return newest ? std::optional(read_file(metadata_file(role, *newest))) : std::nullopt;
}

std::string Repository::root_text(std::uint64_t version) const { return read_file(metadata_file("root", version)); }
std::optional<tuf::Root> Repository::root() const { return read(*this, "root", tuf::root_of); }
std::optional<tuf::Targets> Repository::targets(std::string_view role) const { return read(*this, role, tuf::targets_of); }
std::optional<tuf::Snapshot> Repository::snapshot() const { return read(*this, "snapshot", tuf::snapshot_of); }
std::optional<tuf::Bundle> Repository::bundle(std::string_view train) const { return read(*this, fmt::format("bundle-{}", train), tuf::bundle_of); }

void Repository::publish(std::string_view role, std::uint64_t version, std::string_view text) const {
    const fs::path file = metadata_file(role, version);
    fs::create_directories(file.parent_path());
    write_file(file, text, 0644, Durability::synced);
}

fs::path Repository::target_file(std::string_view path, const tuf::Target& target) const { return directory_ / "targets" / tuf::place_of(path, target, tuf::Naming::consistent); }

tuf::Target Repository::add_target(std::string_view path, const fs::path& file) const {
    tuf::Target target{.length = fs::file_size(file), .hashes = {{"sha256", sha256_of_file(file).hex()}}, .custom = {}};
    const fs::path place = target_file(path, target);
    if (fs::exists(place) && fs::file_size(place) == target.length) return target;
    fs::create_directories(place.parent_path());
    const fs::path part = place.native() + ".part";
    fs::remove(part);
    make_place(file, part);
    fs::rename(part, place);
    return target;
}

tuf::Target Repository::add_target_text(std::string_view path, std::string_view text) const {
    const tuf::Target target{.length = text.size(), .hashes = {{"sha256", sha256(text).hex()}}, .custom = {}};
    const fs::path place = target_file(path, target);
    fs::create_directories(place.parent_path());
    write_file(place, text);
    return target;
}

} // namespace ashlar::authority
