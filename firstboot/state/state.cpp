#include <state/state.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/bytes.hpp>
#include <signing/digest.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::state {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view magic = "ASHLSTAT";
constexpr std::uint32_t format = 1;
constexpr std::size_t digest_at = 32, payload_at = 4096;
constexpr std::size_t most_payload = std::size_t{1} << 20U;
constexpr std::array<off_t, 2> places{0, off_t{32} << 20U};

struct Copy {
    enum class Condition { never_written, broken, whole } condition = Condition::broken;
    Record record; // when whole
    std::size_t covers = most_payload; // so many bytes may hold something of it
};

Digest digest_of(ByteView header, std::string_view payload) {
    Hasher hasher;
    hasher.update(header.first(digest_at));
    hasher.update(payload);
    return hasher.finish();
}

Bytes header_of(std::uint64_t generation, std::string_view payload) {
    Bytes header;
    append(header, magic);
    append_little_endian(header, format);
    append_little_endian(header, static_cast<std::uint32_t>(payload.size()));
    append_little_endian(header, generation);
    append_little_endian(header, std::uint64_t{0});
    const Digest digest = digest_of(header, payload);
    append(header, ByteView(digest.bytes()));
    return header;
}

std::string read_at(const Fd& file, off_t offset, std::size_t size, const fs::path& name) {
    std::string text(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const auto got = ::pread(file.get(), text.data() + have, size - have, offset + static_cast<off_t>(have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw system_error("read", name.native());
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

void write_at(const Fd& file, off_t offset, std::string_view text, const fs::path& name) {
    if (::lseek(file.get(), offset, SEEK_SET) < 0) throw system_error("write", name.native());
    write_all(file.get(), text, name.native());
    if (::fsync(file.get()) != 0) throw system_error("sync", name.native());
}

Copy read_copy(const Fd& file, off_t offset, const fs::path& name) {
    const std::string block = read_at(file, offset, payload_at, name);
    if (std::ranges::all_of(block, [](char c) { return c == '\0'; })) return {Copy::Condition::never_written, {}, 0};
    const ByteView header = bytes_of(block);
    const auto length = little_endian_at<std::uint32_t>(header, 12);
    if (!block.starts_with(magic) || little_endian_at<std::uint32_t>(header, 8) != format || !length || *length > most_payload) return {};
    const std::string payload = read_at(file, offset + static_cast<off_t>(payload_at), *length, name);
    const auto expected = digest_of(header, payload).bytes();
    if (payload.size() != *length || !std::ranges::equal(expected, header.subspan(digest_at, Digest::size))) return {};
    return {Copy::Condition::whole, {*little_endian_at<std::uint64_t>(header, 16), parse_json(payload, name.native())}, *length};
}

struct Both {
    std::array<Copy, 2> copies;

    // The index of the content.
    [[nodiscard]] std::optional<std::size_t> newest() const {
        std::optional<std::size_t> found;
        for (std::size_t i = 0; i < copies.size(); ++i)
            if (copies[i].condition == Copy::Condition::whole &&
                (!found || copies[i].record.generation > copies[*found].record.generation))
                found = i;
        return found;
    }
};

Fd locked(const fs::path& partition) {
    Fd lock = open_file(partition, O_RDONLY);
    while (::flock(lock.get(), LOCK_EX) != 0)
        if (errno != EINTR) throw system_error("lock", partition.native());
    return lock;
}

Both read_both(const Fd& file, const fs::path& name) {
    Both both{.copies = {read_copy(file, places[0], name), read_copy(file, places[1], name)}};
    const bool anything = std::ranges::any_of(both.copies, [](const Copy& copy) { return copy.condition != Copy::Condition::never_written; });
    if (anything && !both.newest())
        throw Error(fmt::format("cannot read the state in '{}': neither of its copies is whole", name.native()),
                    "the node has lost who it is: install it again, or put back a copy of the partition");
    return both;
}

// Over the older copy, and whatever lies behind it to `at_least` bytes.
void write_covering(const fs::path& partition, const Json& content, std::size_t at_least) {
    const std::string payload = pretty(content);
    if (!content.is_object() || payload.size() > most_payload)
        throw Error(fmt::format("cannot keep a state of {} bytes: it is an object of at most {} bytes", payload.size(), most_payload));
    const Fd file = open_file(partition, O_RDWR);
    const Both both = read_both(file, partition);
    const auto newest = both.newest();
    const std::size_t target = newest == std::size_t{0} ? 1 : 0;
    const std::uint64_t generation = newest ? both.copies[*newest].record.generation + 1 : 1;

    // A header that fits may only be seen over a payload that is there. What was there before is not left behind it.
    std::string covering = payload;
    covering.resize(std::max({payload.size(), both.copies[target].covers, at_least}), '\0');
    write_at(file, places[target] + static_cast<off_t>(payload_at), covering, partition);
    write_at(file, places[target], text_of(header_of(generation, payload)), partition);

    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    const Copy copy = read_copy(file, places[target], partition);
    if (copy.condition != Copy::Condition::whole || copy.record.generation != generation)
        throw Error(fmt::format("cannot keep the state in '{}': the disk did not keep what was written", partition.native()),
                    "the disk is failing or lies about writes: replace it");
}

} // namespace

const Guid& partition_type() {
    static const Guid type = *Guid::from_text("8e3b1c5a-6d0f-4a5e-9a44-3f6c2d1b7e90");
    return type;
}

std::optional<Record> read(const fs::path& partition) {
    const Fd file = open_file(partition, O_RDONLY);
    Both both = read_both(file, partition);
    const auto newest = both.newest();
    if (!newest) return std::nullopt;
    return std::move(both.copies[*newest].record);
}

void erase(const fs::path& partition) {
    const Fd file = open_file(partition, O_RDWR);
    for (const off_t place : places) write_at(file, place, std::string(payload_at + most_payload, '\0'), partition);
}

void write(const fs::path& partition, const Json& content) { write_covering(partition, content, 0); }

Json change(const fs::path& partition, const std::function<void(Json&)>& change) {
    const Fd lock = locked(partition);
    const auto record = read(partition);
    if (!record) throw Error(fmt::format("cannot read the state in '{}': it was never written", partition.native()), "install the node again");
    Json content = record->content;
    change(content);
    if (content != record->content) write(partition, content);
    return content;
}

void purge(const fs::path& partition, const std::function<bool(const Json&)>& unwanted) {
    const Fd lock = locked(partition);
    const Both both = read_both(open_file(partition, O_RDONLY), partition);
    const auto newest = both.newest();
    if (!newest) return;
    const Copy& before = both.copies[1 - *newest];
    const bool may_have_it = before.condition == Copy::Condition::broken || (before.condition == Copy::Condition::whole && unwanted(before.record.content));
    if (!may_have_it) return;
    // Once for each copy: a release of before left the end of a longer one behind a shorter one.
    for (std::size_t copy = 0; copy < places.size(); ++copy) write_covering(partition, both.copies[*newest].record.content, most_payload);
}

} // namespace ashlar::state
