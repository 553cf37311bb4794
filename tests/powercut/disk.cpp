#include "disk.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

namespace powercut {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::byte, sector_size> zeros{};

// The finaliser of MurmurHash3: each bit of the input changes half of the output's.
std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ value >> 33U) * 0xff51afd7ed558ccd;
    value = (value ^ value >> 33U) * 0xc4ceb9fe1a85ec53;
    return value ^ value >> 33U;
}

Disk::Fingerprint stamp(std::uint64_t sector, Mark mark) {
    if (mark == 0) return {};
    return {mixed(mark + mixed(sector)), mixed(mark ^ mixed(~sector))};
}

void toggle(Disk::Fingerprint& sum, Disk::Fingerprint stamp) {
    sum.high ^= stamp.high;
    sum.low ^= stamp.low;
}

std::shared_ptr<const std::byte> map(const fs::path& file) {
    const Fd fd = open_file(file, O_RDONLY);
    const auto size = static_cast<std::size_t>(fs::file_size(file));
    void* bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (bytes == MAP_FAILED) throw system_error("map", file.native());
    return {static_cast<const std::byte*>(bytes), [size](const std::byte* place) { ::munmap(const_cast<std::byte*>(place), size); }};
}

} // namespace

Mark mark_of(const std::byte* sector) {
    std::uint64_t sum = 0, any = 0;
    for (std::size_t i = 0; i < sector_size; i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, sector + i, 8);
        any |= word;
        sum = (sum ^ word) * 0x9e3779b97f4a7c15;
        sum ^= sum >> 29U;
    }
    return any == 0 ? 0 : mixed(sum) | 1U;
}

Content content_of(ByteView bytes) {
    Content content;
    content.reserve(bytes.size() / sector_size + 1);
    std::size_t at = 0;
    for (; at + sector_size <= bytes.size(); at += sector_size) content.push_back(mark_of(bytes.data() + at));
    if (at == bytes.size()) return content;
    std::array<std::byte, sector_size> last{};
    std::ranges::copy(bytes.subspan(at), last.begin());
    content.push_back(mark_of(last.data()));
    return content;
}

Content content_of_file(const fs::path& file, std::uint64_t offset, std::uint64_t size) {
    const auto bytes = map(file);
    return content_of(ByteView(bytes.get() + offset, size));
}

Disk::Disk(const Log& log, std::uint64_t sectors, const fs::path& before) : log_(&log), owners_(sectors) {
    if (!before.empty()) before_ = map(before);
    for (const Entry& entry : log.entries()) {
        if (entry.end() > sectors) throw Error(fmt::format("cannot replay the log: it writes sector {} of a disk of {}", entry.end() - 1, sectors));
        auto& marks = marks_.emplace_back();
        for (std::uint64_t i = 0; entry.data != nullptr && i < entry.count; ++i) marks.push_back(mark_of(entry.data + i * sector_size));
    }
}

const std::byte* Disk::bytes_by(Owner owner, std::uint64_t sector) const {
    if (owner == 0) return before_ ? before_.get() + sector * sector_size : zeros.data();
    const Entry& entry = log_->entries()[owner - 1];
    return entry.data == nullptr ? zeros.data() : entry.data + (sector - entry.sector) * sector_size;
}

Mark Disk::mark_by(Owner owner, std::uint64_t sector) const {
    if (owner == 0) return before_ ? mark_of(before_.get() + sector * sector_size) : 0;
    const Entry& entry = log_->entries()[owner - 1];
    return entry.data == nullptr ? 0 : marks_[owner - 1][sector - entry.sector];
}

const std::byte* Disk::sector(std::uint64_t number) const { return bytes_by(owners_.at(number), number); }

Bytes Disk::read(std::uint64_t offset, std::uint64_t size) const {
    Bytes bytes;
    bytes.reserve(size);
    while (size > 0) {
        const std::uint64_t within = offset % sector_size, here = std::min(size, sector_size - within);
        const std::byte* from = sector(offset / sector_size) + within;
        bytes.insert(bytes.end(), from, from + here);
        offset += here;
        size -= here;
    }
    return bytes;
}

void Disk::save(Range range, const fs::path& file, std::vector<Range> parts) const {
    const Fd fd = open_file(file, O_RDWR | O_CREAT | O_TRUNC);
    if (::ftruncate(fd.get(), static_cast<off_t>((range.end - range.begin) * sector_size)) != 0) throw system_error("make", file.native());
    if (parts.empty()) parts.push_back(range);
    for (const Range& part : parts)
        for (std::uint64_t number = part.begin; number < part.end; ++number)
            if (mark(number) != 0 &&
                ::pwrite(fd.get(), sector(number), sector_size, static_cast<off_t>((number - range.begin) * sector_size)) != static_cast<ssize_t>(sector_size))
                throw system_error("write", file.native());
}

bool Disk::Part::differs(std::uint64_t sector, Mark mark) const {
    const std::uint64_t index = sector - range.begin;
    return index < content->size() && (*content)[index] != mark;
}

bool Disk::counts(std::uint64_t sector) const {
    return std::ranges::none_of(parts_, [&](const Part& part) { return part.range.contains(sector); }) &&
           std::ranges::none_of(ignored_, [&](const Range& range) { return range.contains(sector); });
}

void Disk::collapse(const std::string& name, Range range, std::shared_ptr<const Content> content) {
    Part part{.name = name, .range = range, .content = std::move(content)};
    for (std::uint64_t sector = range.begin; sector < range.end; ++sector) part.different += part.differs(sector, mark(sector)) ? 1U : 0U;
    parts_.push_back(std::move(part));
}

std::optional<bool> Disk::complete(const std::string& name) const {
    const auto found = std::ranges::find(parts_, name, &Part::name);
    if (found == parts_.end()) return std::nullopt;
    return found->different == 0;
}

Disk::Fingerprint Disk::fingerprint() const {
    Fingerprint sum = outside_;
    for (std::size_t i = 0; i < parts_.size(); ++i)
        if (parts_[i].different == 0) toggle(sum, {mixed(i + 1), mixed(~i)});
    return sum;
}

void Disk::watch(const std::string& name, Range range) { watched_.push_back({name, range, {}}); }

Disk::Fingerprint Disk::watched(const std::string& name) const { return std::ranges::find(watched_, name, &Watched::name)->sum; }

void Disk::give(std::uint64_t sector, Owner owner) {
    const Mark was = mark(sector), is = mark_by(owner, sector);
    owners_[sector] = owner;
    if (was == is) return;
    for (Part& part : parts_)
        if (part.range.contains(sector)) {
            if (part.differs(sector, is)) ++part.different;
            if (part.differs(sector, was)) --part.different;
        }
    Fingerprint change = stamp(sector, was);
    toggle(change, stamp(sector, is));
    for (Watched& watched : watched_)
        if (watched.range.contains(sector)) toggle(watched.sum, change);
    if (counts(sector)) toggle(outside_, change);
}

void Disk::apply(std::size_t entry, std::uint64_t from, std::uint64_t to) {
    const std::uint64_t first = log_->entries()[entry].sector;
    for (std::uint64_t sector = first + from; sector < first + to; ++sector) give(sector, static_cast<Owner>(entry + 1));
}

} // namespace powercut
