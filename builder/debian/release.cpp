#include <debian/release.hpp>

#include <debian/control.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace ashlar::debian {

namespace {

std::optional<int> number(std::string_view text, std::size_t least_digits, std::size_t most_digits) {
    if (text.size() < least_digits || text.size() > most_digits) return std::nullopt;
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') return std::nullopt;
    return value;
}

template <std::size_t n>
std::optional<unsigned> index_of(const std::array<std::string_view, n>& names, std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<unsigned>(found - names.begin());
}

std::optional<unsigned> parse_month(std::string_view text) {
    static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto index = index_of(months, text);
    if (!index) return std::nullopt;
    return *index + 1;
}

bool is_day_name(std::string_view text) {
    static constexpr std::array<std::string_view, 7> days{"Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"};
    return index_of(days, text).has_value();
}

// Seconds of the day.
std::optional<std::int64_t> parse_clock(std::string_view text) {
    const auto parts = split(text, ':');
    if (parts.size() != 2 && parts.size() != 3) return std::nullopt;
    const auto hour = number(parts[0], 1, 2), minute = number(parts[1], 2, 2);
    const auto second = parts.size() == 3 ? number(parts[2], 2, 2) : std::optional(0);
    if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return *hour * 3600 + *minute * 60 + *second;
}

// Seconds east of Greenwich.
std::optional<std::int64_t> parse_zone(std::string_view text) {
    if (text == "UTC" || text == "GMT" || text == "UT" || text == "Z") return 0;
    if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
    const auto hours = number(text.substr(1, 2), 2, 2), minutes = number(text.substr(3), 2, 2);
    if (!hours || !minutes || *minutes > 59) return std::nullopt;
    return (text[0] == '-' ? -1 : 1) * (*hours * 3600 + *minutes * 60);
}

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> found;
    for (const std::string_view line : split(text, '\n'))
        for (const std::string_view word : split(line, ' '))
            if (!trim(word).empty()) found.push_back(trim(word));
    return found;
}

// Reads the fields of one Release; errors point at the field's line.
class ReleaseReader {
public:
    ReleaseReader(std::string_view text, std::string_view name) : reader_(text, std::string(name)) {
        if (text.starts_with("-----BEGIN PGP"))
            throw Error(fmt::format("cannot parse '{}': its signature is still around it", name),
                        "check the signature first and pass on the text that gpgv puts out");
        Paragraph another;
        if (!reader_.next(fields_)) throw Error(fmt::format("cannot parse '{}': there is no field in it", name));
        if (reader_.next(another)) throw reader_.error(another.line(), "expected one paragraph, here begins another");
    }

    Release read() const {
        Release release;
        release.origin = text("Origin");
        release.label = text("Label");
        release.suite = text("Suite");
        release.codename = text("Codename");
        release.version = text("Version");
        if (release.suite.empty() && release.codename.empty()) missing("Suite or Codename");
        release.date = date(required("Date"));
        if (const Field* field = fields_.find("Valid-Until")) release.valid_until = date(*field);
        release.acquire_by_hash = flag("Acquire-By-Hash");
        release.not_automatic = flag("NotAutomatic");
        release.but_automatic_upgrades = flag("ButAutomaticUpgrades");
        release.architectures = list("Architectures");
        release.components = list("Components");
        release.separate_all_index =
            contains(release.architectures, "all") && !contains(list("No-Support-for-Architecture-all"), "Packages");
        read_files(required("SHA256"), release.files);
        return release;
    }

private:
    static bool contains(const std::vector<std::string>& list, std::string_view word) {
        return std::find(list.begin(), list.end(), word) != list.end();
    }

    [[noreturn]] void missing(std::string_view field) const {
        throw Error(fmt::format("cannot parse '{}': field {} is missing", reader_.name(), field));
    }

    const Field& required(std::string_view name) const {
        const Field* field = fields_.find(name);
        if (field == nullptr) missing(name);
        return *field;
    }

    std::string text(std::string_view name) const { return std::string(fields_.get(name).value_or("")); }

    std::vector<std::string> list(std::string_view name) const {
        const auto found = words(fields_.get(name).value_or(""));
        return {found.begin(), found.end()};
    }

    std::int64_t date(const Field& field) const {
        if (const auto seconds = parse_date(field.value)) return *seconds;
        throw reader_.error(field.line, fmt::format("'{}' in field {} is not a date", field.value, field.name));
    }

    bool flag(std::string_view name) const {
        const Field* field = fields_.find(name);
        if (field == nullptr || field->value == "no") return false;
        if (field->value == "yes") return true;
        throw reader_.error(field->line, fmt::format("field {} must be 'yes' or 'no', not '{}'", name, field->value));
    }

    void read_files(const Field& field, std::map<std::string, IndexFile, std::less<>>& files) const {
        std::size_t line = field.line - 1;
        for (const std::string_view entry : split(field.value, '\n')) {
            ++line;
            // The first line has the field's name and nothing else.
            if (trim(entry).empty() || entry.front() == '#') continue;
            const auto parts = words(entry);
            if (parts.size() != 3) throw reader_.error(line, "expected '<sha256> <size> <path>'");
            const std::string path(parts[2]);
            const IndexFile file{digest(parts[0], line), size(parts[1], line)};
            if (!is_inside(path)) throw reader_.error(line, fmt::format("the path '{}' leaves the suite", path));
            if (const auto [known, added] = files.emplace(path, file); !added && known->second != file)
                throw reader_.error(line, fmt::format("'{}' is listed twice with different content", path));
        }
    }

    Digest digest(std::string_view hex, std::size_t line) const {
        if (const auto found = Digest::from_hex(hex)) return *found;
        throw reader_.error(line, fmt::format("'{}' is not a SHA-256 digest", hex));
    }

    std::uint64_t size(std::string_view digits, std::size_t line) const {
        std::uint64_t bytes = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bytes);
        if (error == std::errc() && end == digits.data() + digits.size()) return bytes;
        throw reader_.error(line, fmt::format("'{}' is not a size", digits));
    }

    static bool is_inside(std::string_view path) {
        const auto parts = split(path, '/');
        return std::none_of(parts.begin(), parts.end(),
                            [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
    }

    ControlReader reader_;
    Paragraph fields_;
};

} // namespace

const IndexFile* Release::find(std::string_view path) const {
    const auto found = files.find(path);
    return found == files.end() ? nullptr : &found->second;
}

Release parse_release(std::string_view clear_text, std::string_view name) {
    return ReleaseReader(clear_text, name).read();
}

std::optional<std::int64_t> parse_date(std::string_view text) {
    auto parts = words(text);
    if (parts.size() == 6 && is_day_name(parts.front())) parts.erase(parts.begin());
    if (parts.size() != 5) return std::nullopt;
    const auto day = number(parts[0], 1, 2);
    const auto month = parse_month(parts[1]);
    const auto year = number(parts[2], 4, 4);
    const auto clock = parse_clock(parts[3]);
    const auto zone = parse_zone(parts[4]);
    if (!day || !month || !year || !clock || !zone) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86400} + *clock - *zone;
}

} // namespace ashlar::debian
