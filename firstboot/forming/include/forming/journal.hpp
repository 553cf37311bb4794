#pragma once

// What the engine of this node did. Hints: it saves repetitions, tells people what happened, and decides nothing that an
// observation does not show. docs/formats/formation-journal.md.

#include <base/file.hpp>
#include <base/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::forming {

struct Record {
    enum class What { intent, ended, confirmed, failed, forgiven } what = What::intent;
    std::string formation, step;
    std::string boot, about, text; // text: a failure's reason
    int exit_code = 0;             // of `ended`
    unsigned failures = 0;         // of `failed`: in a row
    bool needs_person = false;
    bool operator==(const Record&) const = default;
};

class Journal {
public:
    virtual ~Journal() = default;
    [[nodiscard]] virtual std::vector<Record> recall() const = 0; // oldest first
    // Returns when it is on the disk.
    virtual void append(const Record& record) = 0;
};

// Lines `<CRC-32 as 8 hex digits> <JSON>`. A torn last line is cut off, a line that is damaged is left out. Beyond
// `most_bytes` the newer half is kept.
class FileJournal final : public Journal {
public:
    static constexpr std::size_t most_bytes = std::size_t{256} << 10U;

    explicit FileJournal(std::filesystem::path directory); // made when it is not there
    [[nodiscard]] std::vector<Record> recall() const override { return records_; }
    void append(const Record& record) override;

private:
    void rewrite();

    std::filesystem::path file_;
    std::vector<Record> records_;
    std::size_t size_ = 0;
    Fd out_;
};

[[nodiscard]] std::uint32_t crc32(std::string_view bytes) noexcept; // of ISO 3309, as in gzip

} // namespace ashlar::forming
