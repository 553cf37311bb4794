#include <bootmenu/menu.hpp>

#include <bootmenu/version.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <signing/digest.hpp>

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::bootmenu {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "ashlar_", suffix = ".efi", unfinished = ".tmp";

std::optional<unsigned> number(std::string_view text) {
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// "3-0" or "3".
std::optional<Tries> parse_tries(std::string_view text) {
    const auto dash = text.find('-');
    const auto left = number(text.substr(0, dash));
    const auto done = dash == std::string_view::npos ? std::optional(0U) : number(text.substr(dash + 1));
    if (!left || !done) return std::nullopt;
    return Tries{*left, *done};
}

std::string unfinished_name(std::string_view release) { return fmt::format("{}{}{}", prefix, release, unfinished); }

void remove_file(const fs::path& path) {
    std::error_code failure;
    fs::remove(path, failure);
    if (failure) throw system_error("remove", path.native(), failure.value());
}

} // namespace

std::string Entry::file_name() const {
    const std::string count = tries ? fmt::format("+{}-{}", tries->left, tries->done) : std::string();
    return fmt::format("{}{}{}{}", prefix, release, count, suffix);
}

std::optional<Entry> parse_entry(std::string_view file_name) {
    if (!file_name.starts_with(prefix) || !file_name.ends_with(suffix)) return std::nullopt;
    const auto name = file_name.substr(prefix.size(), file_name.size() - prefix.size() - suffix.size());
    const auto plus = name.rfind('+');
    const auto tries = plus == std::string_view::npos ? std::nullopt : parse_tries(name.substr(plus + 1));
    const auto release = tries ? name.substr(0, plus) : name;
    if (release.empty()) return std::nullopt;
    return Entry{std::string(release), tries};
}

std::vector<Entry> Menu::entries() const {
    std::vector<Entry> found;
    for (const auto& file : fs::directory_iterator(directory_))
        if (auto entry = parse_entry(file.path().filename().native())) found.push_back(std::move(*entry));
    std::ranges::sort(found, [](const Entry& left, const Entry& right) {
        const auto order = compare_releases(left.release, right.release);
        return order != 0 ? order > 0 : left.file_name() > right.file_name(); // '.' is behind '+'
    });
    return found;
}

std::vector<Entry> Menu::entries_of(std::string_view release) const {
    auto found = entries();
    std::erase_if(found, [&](const Entry& entry) { return entry.release != release; });
    return found;
}

std::optional<Entry> Menu::next() const {
    auto all = entries();
    const auto found = std::ranges::find_if_not(all, &Entry::exhausted);
    if (found != all.end()) return *found;
    return all.empty() ? std::nullopt : std::optional(all.front());
}

void Menu::sync() const {
    const Fd directory = open_file(directory_, O_RDONLY | O_DIRECTORY);
    // In this order. A rename writes an entry without size and clusters, which come when its inode is written:
    // by syncfs(2), which does not flush the disk. fsync(2) flushes; alone it would make the disk keep the empty one.
    if (::syncfs(directory.get()) != 0 || ::fsync(directory.get()) != 0) throw system_error("sync", directory_.native());
}

void Menu::remove(std::string_view release) const {
    for (const auto& entry : entries_of(release)) remove_file(directory_ / entry.file_name());
    remove_file(directory_ / unfinished_name(release));
    sync();
    if (!entries_of(release).empty())
        throw Error(fmt::format("cannot remove '{}' from the boot menu: its file is there again", release), "check the boot partition with fsck.fat");
}

void Menu::require_space(std::uint64_t bytes) const {
    struct statvfs space{};
    if (::statvfs(directory_.c_str(), &space) != 0) throw system_error("measure", directory_.native());
    const std::uint64_t free = space.f_bavail * space.f_frsize;
    if (free >= bytes + (std::uint64_t{1} << 20U)) return;
    throw Error(fmt::format("cannot put {} on the boot partition: {} are free", human_bytes(bytes), human_bytes(free)),
                "remove what is not the node's from it, or old releases with `ashlarctl status`");
}

void Menu::add(ByteView uki, std::string_view release, Tries tries) const {
    if (!entries_of(release).empty()) throw Error(fmt::format("cannot add '{}' to the boot menu: it is there already", release));
    const Entry entry{std::string(release), tries};
    const fs::path temporary = directory_ / unfinished_name(release);
    remove_file(temporary);
    require_space(uki.size());
    Fd file = open_file(temporary, O_RDWR | O_CREAT | O_EXCL, 0644);
    write_all(file.get(), uki, temporary.native());
    if (::fsync(file.get()) != 0) throw system_error("sync", temporary.native());
    sync();
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    file.close();
    if (sha256_of_file(temporary) != sha256(uki))
        throw Error(fmt::format("cannot trust '{}': what was written there reads back differently", temporary.native()),
                    "the disk is failing or lies about writes: replace it");
    if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, (directory_ / entry.file_name()).c_str(), RENAME_NOREPLACE) != 0)
        throw system_error("rename", temporary.native());
    sync();
    if (entries_of(release) != std::vector{entry})
        throw Error(fmt::format("cannot add '{}' to the boot menu: its file did not stay", release), "check the boot partition with fsck.fat");
}

void Menu::rename(const Entry& from, const Entry& to) const {
    std::error_code failure;
    fs::rename(directory_ / from.file_name(), directory_ / to.file_name(), failure);
    if (failure) throw system_error("rename", (directory_ / from.file_name()).native(), failure.value());
    sync();
    if (entries_of(from.release) != std::vector{to})
        throw Error(fmt::format("cannot rename '{}' to '{}': the boot partition did not keep it", from.file_name(), to.file_name()),
                    "check the boot partition with fsck.fat");
}

// A twin under another name would keep the counted one from being renamed.
void Menu::bless(std::string_view release) const {
    const auto names = entries_of(release);
    if (names.empty()) throw Error(fmt::format("cannot bless '{}': the boot menu does not have it", release));
    for (std::size_t i = 1; i < names.size(); ++i) remove_file(directory_ / names[i].file_name());
    const Entry blessed{std::string(release), std::nullopt};
    if (names.front() != blessed) rename(names.front(), blessed);
    else if (names.size() > 1) sync();
}

void Menu::exhaust(std::string_view release) const {
    const auto names = entries_of(release);
    if (names.empty()) throw Error(fmt::format("cannot give up '{}': the boot menu does not have it", release));
    for (std::size_t i = 1; i < names.size(); ++i) remove_file(directory_ / names[i].file_name());
    if (names.front().exhausted()) return;
    const unsigned done = names.front().tries ? names.front().tries->left + names.front().tries->done : 1;
    rename(names.front(), {std::string(release), Tries{0, done}});
}

} // namespace ashlar::bootmenu
