#pragma once

// A disk in the state that some of the writes of a log have made of it: for each sector, the write that it
// has its content from. To make another state of it costs as much as the sectors that differ.

#include "log.hpp"

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace powercut {

// Stands for the content of a sector; 0 for zeros.
using Mark = std::uint64_t;
[[nodiscard]] Mark mark_of(const std::byte* sector);

// A part of the disk, in sectors.
struct Range {
    std::uint64_t begin = 0, end = 0;
    [[nodiscard]] bool contains(std::uint64_t sector) const { return sector >= begin && sector < end; }
    bool operator==(const Range&) const = default;
};

// What a range holds when it is complete: one mark a sector, from its begin on. Sectors behind them may
// hold anything.
using Content = std::vector<Mark>;
[[nodiscard]] Content content_of(ByteView bytes);
[[nodiscard]] Content content_of_file(const std::filesystem::path& file, std::uint64_t offset, std::uint64_t size);

class Disk {
public:
    // Of `sectors`, zero, or what `before` holds, which must have that size.
    Disk(const Log& log, std::uint64_t sectors, const std::filesystem::path& before = {});

    // ---- What it holds ----
    [[nodiscard]] std::uint64_t sectors() const { return owners_.size(); }
    [[nodiscard]] const std::byte* sector(std::uint64_t number) const;
    [[nodiscard]] Mark mark(std::uint64_t sector) const { return mark_by(owners_[sector], sector); }
    [[nodiscard]] Bytes read(std::uint64_t offset, std::uint64_t size) const;
    // Into a file of the range's size, sparse. Of `parts` alone, where some are given.
    void save(Range range, const std::filesystem::path& file, std::vector<Range> parts = {}) const;

    // ---- Parts that are judged as a whole ----
    // From now on a difference to `content` is counted.
    void collapse(const std::string& name, Range range, std::shared_ptr<const Content> content);
    // Nothing when there is no such part.
    [[nodiscard]] std::optional<bool> complete(const std::string& name) const;
    // From now on watched(name) costs nothing.
    void watch(const std::string& name, Range range);
    // Parts that do not matter.
    void ignore(Range range) { ignored_.push_back(range); }

    // The same for two states that hold the same, where collapsed parts only have to be complete or not,
    // and what is ignored may differ.
    struct Fingerprint {
        std::uint64_t high = 0, low = 0;
        auto operator<=>(const Fingerprint&) const = default;
    };
    [[nodiscard]] Fingerprint fingerprint() const;
    // Of what a watched range holds.
    [[nodiscard]] Fingerprint watched(const std::string& name) const;

    // ---- Another state ----
    using Owner = std::uint32_t; // of a sector: 0 what was before, else the number of the entry + 1
    [[nodiscard]] Owner owner(std::uint64_t sector) const { return owners_[sector]; }
    void give(std::uint64_t sector, Owner owner);
    void apply(std::size_t entry) { apply(entry, 0, log_->entries()[entry].count); }
    // Sectors from..to of the entry, relative to its first: torn.
    void apply(std::size_t entry, std::uint64_t from, std::uint64_t to);

private:
    struct Part {
        std::string name;
        Range range;
        std::shared_ptr<const Content> content;
        std::uint64_t different = 0;
        [[nodiscard]] bool differs(std::uint64_t sector, Mark mark) const;
    };
    [[nodiscard]] const std::byte* bytes_by(Owner owner, std::uint64_t sector) const;
    [[nodiscard]] Mark mark_by(Owner owner, std::uint64_t sector) const;
    [[nodiscard]] bool counts(std::uint64_t sector) const;

    const Log* log_;
    std::vector<Owner> owners_;
    std::vector<std::vector<Mark>> marks_; // of each entry's sectors
    std::shared_ptr<const std::byte> before_;
    std::vector<Part> parts_;
    struct Watched {
        std::string name;
        Range range;
        Fingerprint sum;
    };
    std::vector<Watched> watched_;
    std::vector<Range> ignored_;
    Fingerprint outside_; // of what is neither collapsed nor ignored
};

} // namespace powercut
