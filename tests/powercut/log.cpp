#include "log.hpp"

#include <base/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

namespace powercut {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t magic = 0x6a736677736872;
constexpr std::uint64_t flag_flush = 1, flag_discard = 4, flag_mark = 8;

class Parser {
public:
    Parser(ByteView bytes, const fs::path& name) : bytes_(bytes), name_(name) {}

    // QEMU counts entries in the superblock when it flushes; those that came after the last flush stand behind
    // them all the same.
    std::vector<Entry> entries() {
        if (number(0) != magic || number(8) != 1) throw broken("it is no log of writes");
        if (little_endian_at<std::uint32_t>(bytes_, 24) != sector_size) throw broken("its sectors are not of 512 bytes");
        std::vector<Entry> entries;
        std::uint64_t count = 0;
        for (; at_ + sector_size <= bytes_.size(); ++count) add_entry(entries);
        if (count < number(16)) throw broken("it is cut off");
        return entries;
    }

private:
    void add_entry(std::vector<Entry>& entries) {
        Entry entry{.sector = number(at_), .count = number(at_ + 8)};
        const std::uint64_t flags = number(at_ + 16);
        at_ += sector_size;
        if ((flags & ~(flag_flush | flag_discard | flag_mark)) != 0) throw broken(fmt::format("entry {} has flags that QEMU does not write", entries.size()));
        if ((flags & flag_mark) != 0) return;
            if ((flags & flag_discard) != 0) entry.kind = Entry::Kind::discard;
        else if (entry.count != 0) entry.data = data_of(entry);
        // A write that asks for a flush asks for it before itself (REQ_PREFLUSH).
        if ((flags & flag_flush) != 0) entries.push_back({.kind = Entry::Kind::flush});
        if (entry.count != 0) entries.push_back(entry);
    }
    const std::byte* data_of(const Entry& entry) {
        const std::uint64_t size = entry.count * sector_size;
        if (entry.count > bytes_.size() / sector_size || at_ > bytes_.size() - size) throw broken("it is cut off");
        const std::byte* data = bytes_.data() + at_;
        at_ += size;
        return data;
    }
    [[nodiscard]] std::uint64_t number(std::uint64_t at) const {
        if (const auto value = little_endian_at<std::uint64_t>(bytes_, at)) return *value;
        throw broken("it is cut off");
    }
    [[nodiscard]] Error broken(const std::string& why) const { return Error(fmt::format("cannot read the log '{}': {}", name_.native(), why)); }

    ByteView bytes_;
    const fs::path& name_;
    std::uint64_t at_ = sector_size;
};

} // namespace

Log Log::read(const fs::path& file) {
    const Fd fd = open_file(file, O_RDONLY);
    const auto size = static_cast<std::size_t>(fs::file_size(file));
    void* bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (bytes == MAP_FAILED) throw system_error("map", file.native());
    Log log;
    log.mapped_ = {static_cast<const std::byte*>(bytes), [size](const std::byte* place) { ::munmap(const_cast<std::byte*>(place), size); }};
    log.entries_ = Parser(ByteView(log.mapped_.get(), size), file).entries();
    return log;
}

void Log::write(std::uint64_t sector, ByteView data) {
    owned_.push_back(std::make_shared<const Bytes>(data.begin(), data.end()));
    entries_.push_back({.sector = sector, .count = data.size() / sector_size, .data = owned_.back()->data()});
}

void Log::append(const Log& other) {
    entries_.insert(entries_.end(), other.entries_.begin(), other.entries_.end());
    owned_.insert(owned_.end(), other.owned_.begin(), other.owned_.end());
}

Log Log::with(std::vector<Entry> entries) const {
    Log log = *this;
    log.entries_ = std::move(entries);
    return log;
}

} // namespace powercut
