#include <forming/journal.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::forming {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t width_of_sum = 8;
constexpr std::array<std::string_view, 5> words{"intent", "ended", "confirmed", "failed", "forgiven"};

std::string line_of(const Record& record) {
    const Json json{{"what", words[static_cast<std::size_t>(record.what)]}, {"formation", record.formation}, {"step", record.step}, {"boot", record.boot}, {"about", record.about}, {"text", record.text}, {"exit_code", record.exit_code}, {"failures", record.failures}, {"needs_person", record.needs_person}};
    // A program may have said anything.
    const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    return fmt::format("{:08x} {}\n", crc32(text), text);
}

std::optional<Record> record_from(std::string_view line) {
    std::uint32_t sum = 0;
    if (line.size() <= width_of_sum || line[width_of_sum] != ' ') return std::nullopt;
    const auto [end, failure] = std::from_chars(line.data(), line.data() + width_of_sum, sum, 16);
    const std::string_view text = line.substr(width_of_sum + 1);
    if (failure != std::errc() || end != line.data() + width_of_sum || sum != crc32(text)) return std::nullopt;
    try {
        const Json json = parse_json(text, "record");
        const auto what = std::ranges::find(words, json.at("what").get<std::string>());
        if (what == words.end()) return std::nullopt;
        return Record{static_cast<Record::What>(what - words.begin()), json.at("formation"), json.at("step"), json.at("boot"), json.at("about"), json.at("text"), json.at("exit_code"), json.at("failures"), json.at("needs_person")};
    } catch (const std::exception&) { // of a later release, or none of ours: a hint less
        return std::nullopt;
    }
}

std::vector<Record> records_in(std::string_view text) {
    std::vector<Record> records;
    for (const auto line : split(text, '\n'))
        if (auto record = record_from(line)) records.push_back(std::move(*record));
    return records;
}

} // namespace

std::uint32_t crc32(std::string_view bytes) noexcept {
    std::uint32_t sum = ~std::uint32_t{0};
    for (const char byte : bytes) {
        sum ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1U) ^ ((sum & 1U) != 0 ? 0xEDB88320U : 0U);
    }
    return ~sum;
}

FileJournal::FileJournal(fs::path directory) : file_(directory / "formations.journal") {
    fs::create_directories(directory);
    if (fs::exists(file_)) records_ = records_in(read_file(file_));
    // Also takes away a line that was torn: the next one must not be its end.
    rewrite();
}

void FileJournal::append(const Record& record) {
    const std::string line = line_of(record);
    write_all(out_.get(), line, file_.native());
    if (::fdatasync(out_.get()) != 0) throw system_error("sync", file_.native());
    records_.push_back(record);
    size_ += line.size();
    if (size_ <= most_bytes) return;
    records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(records_.size() / 2));
    rewrite();
}

void FileJournal::rewrite() {
    std::string text;
    for (const auto& record : records_) text += line_of(record);
    write_file(file_, text, 0600, Durability::synced);
    out_ = open_file(file_, O_WRONLY | O_APPEND);
    size_ = text.size();
}

} // namespace ashlar::forming
