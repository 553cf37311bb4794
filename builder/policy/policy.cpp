#include <policy/policy.hpp>

#include <toml/reader.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <fnmatch.h>

#include <base/text.hpp>
#include <fmt/format.h>

namespace ashlar::policy {

namespace {

constexpr std::array<std::string_view, 2> verdicts{"accept", "refuse"};
// The Debian security tracker's words.
constexpr std::array<std::string_view, 6> urgencies{"unimportant", "low", "medium", "high", "not yet assigned", "end-of-life"};

class PolicyReader {
public:
    explicit PolicyReader(toml::Table& root) : root_(root) {}

    Policy read() {
        Policy policy;
        if (toml::Table* table = root_.table("licences")) policy.licences = licences(*table);
        if (toml::Table* table = root_.table("vulnerabilities")) policy.vulnerabilities = vulnerabilities(*table);
        if (toml::Table* table = root_.table("changes")) policy.changes = changes(*table);
        if (!root_.has("licences") && !root_.has("vulnerabilities") && !root_.has("changes"))
            root_.problem(root_.position(), "the policy asks for nothing", "write [licences], [vulnerabilities] or [changes]");
        return policy;
    }

private:
    static LicenceRules licences(toml::Table& table) {
        LicenceRules rules{names(table, "allowed"), names(table, "denied"), verdict(table, "unknown"), {}};
        for (toml::Table* waiver : table.tables("waiver")) rules.waivers.push_back(read_waiver(*waiver, "package", "licence"));
        return rules;
    }

    static VulnerabilityRules vulnerabilities(toml::Table& table) {
        VulnerabilityRules rules{read_urgencies(table), verdict(table, "undetermined"), verdict(table, "fixable"), {}};
        for (toml::Table* waiver : table.tables("waiver")) rules.waivers.push_back(read_waiver(*waiver, "id", "source"));
        return rules;
    }

    static ChangeRules changes(toml::Table& table) {
        return {verdict(table, "downgrades"), verdict(table, "privileges"), verdict(table, "accounts"), verdict(table, "listening"), size(table, "growth")};
    }

    static Verdict verdict(toml::Table& table, std::string_view key) {
        const auto choice = table.choice(key, verdicts);
        return choice ? static_cast<Verdict>(choice->value) : Verdict::accept;
    }

    static std::vector<std::string> names(toml::Table& table, std::string_view key) {
        std::vector<std::string> values;
        for (const auto& text : table.texts(key)) {
            if (trim(text.value).empty()) table.problem(text.position, "the name of a licence is empty");
            values.push_back(text.value);
        }
        return values;
    }

    static std::vector<std::string> read_urgencies(toml::Table& table) {
        std::vector<std::string> values;
        for (const auto& text : table.texts("refuse")) {
            if (std::ranges::find(urgencies, text.value) == urgencies.end())
                table.problem(text.position, fmt::format("{} is no urgency", toml::quote(text.value)), fmt::format("write one of {}", join(std::vector<std::string>(urgencies.begin(), urgencies.end()), ", ")));
            values.push_back(text.value);
        }
        return values;
    }

    static Waiver read_waiver(toml::Table& table, std::string_view subject, std::string_view detail) {
        const auto required = [&](std::string_view key) {
            const auto text = table.required_text(key);
            if (text && trim(text->value).empty()) table.problem(text->position, fmt::format("'{}' is empty", key));
            return text ? text->value : std::string();
        };
        Waiver waiver{required(subject), {}, required("reason"), {}, table.position()};
        if (const auto text = table.text(detail)) waiver.detail = text->value;
        if (const auto until = table.required_text("until")) {
            waiver.until = until->value;
            if (!is_day(until->value)) table.problem(until->position, fmt::format("{} is no day", toml::quote(until->value)), "write it like \"2027-06-30\"");
        }
        return waiver;
    }

    static std::optional<std::uint64_t> size(toml::Table& table, std::string_view key) {
        const auto text = table.text(key);
        if (!text) return std::nullopt;
        const auto bytes = parse_size(text->value);
        if (!bytes) table.problem(text->position, fmt::format("{} is not a size", toml::quote(text->value)), size_remedy);
        return bytes;
    }

    toml::Table& root_;
};

} // namespace

Policy read_policy(const toml::SourcePtr& source) {
    Policy policy = toml::read(source, [](toml::Table& root) { return PolicyReader(root).read(); });
    policy.name = source->name();
    return policy;
}

Policy read_policy(const std::filesystem::path& file) { return read_policy(toml::source_from_file(file, file.native())); }

const Waiver* Waivers::find(std::string_view subject, std::string_view detail) {
    const Waiver* found = nullptr;
    for (std::size_t i = 0; i < waivers_.size(); ++i) {
        const Waiver& one = waivers_[i];
        if (one.subject != subject || (!one.detail.empty() && one.detail != detail)) continue;
        used_[i] = true;
        if (found == nullptr || one.until > found->until) found = &one;
    }
    return found;
}

void Waivers::add(std::vector<Finding>& findings, Finding finding, std::string_view subject, std::string_view detail) {
    const Waiver* waiver = find(subject, detail);
    if (waiver != nullptr && holds(*waiver)) return;
    if (waiver != nullptr) finding.message += fmt::format("; its waiver ended on {} ({})", waiver->until, waiver->position.file_and_line());
    findings.push_back(std::move(finding));
}

std::vector<const Waiver*> Waivers::unused() const {
    std::vector<const Waiver*> found;
    for (std::size_t i = 0; i < waivers_.size(); ++i)
        if (!used_[i]) found.push_back(&waivers_[i]);
    return found;
}

std::vector<std::string> unused_warnings(const Waivers& waivers) {
    std::vector<std::string> warnings;
    for (const Waiver* one : waivers.unused()) {
        const std::string of = one->detail.empty() ? std::string() : fmt::format(" ({})", one->detail);
        warnings.push_back(fmt::format("{}: the waiver for '{}'{} lets nothing pass: remove it", one->position.file_and_line(), one->subject, of));
    }
    return warnings;
}

std::string to_text(const Policy& policy, const std::vector<Finding>& findings) {
    std::string text;
    for (const auto& one : findings) text += fmt::format("refused by {}: {}: {} ({})\n", policy.name, one.subject, one.message, one.rule);
    return text;
}

Json to_json(const std::vector<Finding>& findings) {
    Json list = Json::array();
    for (const auto& one : findings) list.push_back({{"rule", one.rule}, {"subject", one.subject}, {"message", one.message}});
    return list;
}

bool matches(std::string_view pattern, std::string_view text) { return ::fnmatch(std::string(pattern).c_str(), std::string(text).c_str(), 0) == 0; }

bool is_day(std::string_view text) noexcept {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    const auto number = [&](std::size_t at, std::size_t size) {
        int value = 0;
        for (const char c : text.substr(at, size)) {
            if (c < '0' || c > '9') return -1;
            value = value * 10 + (c - '0');
        }
        return value;
    };
    const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
    return year >= 1970 && month > 0 && day > 0 && std::chrono::year_month_day(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)), std::chrono::day(static_cast<unsigned>(day))).ok();
}

std::string day_of(std::int64_t seconds) {
    const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(seconds))));
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

} // namespace ashlar::policy
