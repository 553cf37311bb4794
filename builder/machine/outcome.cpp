#include <machine/outcome.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <array>
#include <fmt/format.h>
#include <utility>

namespace ashlar::machine {

namespace {

constexpr std::string_view probe_ready = "ashlar-probe: ready ";
constexpr std::string_view probe_refused = "ashlar-probe: refused: ";

// The console without what sets colours and modes (ECMA-48) and without other control characters. What
// moves the cursor elsewhere ends a line: the boot loader draws its menu that way.
std::string plain(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
            for (i += 2; i < text.size() && (text[i] < '@' || text[i] > '~');) ++i;
            if (i < text.size() && text[i] == 'H') out += '\n';
        } else if (text[i] == '\x1b') {
            ++i;
        } else if (static_cast<unsigned char>(text[i]) >= ' ' || text[i] == '\t' || text[i] == '\n') {
            out += text[i];
        }
    }
    return out;
}

bool has(std::string_view line, std::string_view words) { return line.find(words) != line.npos; }

// What firmware (EDK II), the boot loader (systemd-boot) and the initrd say when they do not go on.
bool is_refusal(std::string_view line) {
    const bool denied = has(line, "Access Denied") || has(line, "Access denied") || has(line, "Security Violation");
    if (denied && (has(line, "BdsDxe: failed to ") || has(line, "Error loading "))) return true;
    return has(line, probe_refused) || has(line, "No Root, Starting Again");
}

// Everything after `words`, or nothing when they are not there.
std::optional<std::string> after(std::string_view line, std::string_view words) {
    const auto at = line.find(words);
    if (at == line.npos) return std::nullopt;
    return std::string(trim(line.substr(at + words.size())));
}

// Calls `take` for each finished line of `rest` + `bytes`; what is not finished stays in `rest`.
template <typename Take>
std::optional<Verdict> each_line(std::string& rest, std::string_view bytes, Take take) {
    rest += bytes;
    for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
        auto verdict = take(rest.substr(0, end));
        rest.erase(0, end + 1);
        if (verdict) return verdict;
    }
    return std::nullopt;
}

std::string failed_units(const Json& status) {
    std::vector<std::string> units;
    for (const auto& unit : status.at("failed")) units.push_back(unit.get<std::string>());
    return join(units, ", ");
}

} // namespace

std::string_view name_of(Outcome outcome) {
    constexpr std::array<std::string_view, 8> names{"ready", "degraded",    "refused",   "panicked",
                                                    "reset", "powered off", "timed out", "interrupted"};
    return names.at(static_cast<std::size_t>(outcome));
}

int exit_code(Outcome outcome) {
    if (outcome == Outcome::ready) return 0;
    if (outcome == Outcome::interrupted) return 130;
    return 10 + static_cast<int>(outcome) - static_cast<int>(Outcome::degraded);
}

std::optional<Verdict> Watch::console(std::string_view bytes) {
    transcript_ += bytes;
    return each_line(console_rest_, bytes, [this](const std::string& text) -> std::optional<Verdict> {
        const auto shown = plain(text);
        for (const auto part : split(shown, '\n'))
            if (auto verdict = line(std::string(part))) return verdict;
        return std::nullopt;
    });
}

std::optional<Verdict> Watch::line(std::string line) {
    if (const auto cause = after(line, "Kernel panic - not syncing: "))
        return panic(corruption_.empty() ? *cause : fmt::format("{} ({})", *cause, trim(corruption_)));
    if (has(line, "verity") && has(line, "corrupt")) corruption_ = line;
    if (is_refusal(line)) return Verdict{Outcome::refused, std::string(trim(line))};
    if (has(line, probe_ready)) return settle({Outcome::ready, std::string(trim(line))});
    return std::nullopt;
}

std::optional<Verdict> Watch::status_port(std::string_view bytes) {
    return each_line(port_rest_, bytes, [this](const std::string& text) -> std::optional<Verdict> {
        try {
            const auto status = parse_json(text, "the status port");
            const auto state = status.at("state").get<std::string>();
            const auto failed = failed_units(status);
            status_ = status;
            if (state == "running") return settle({Outcome::ready, "the node is running"});
            return settle({Outcome::degraded, failed.empty() ? fmt::format("the node is {}", state)
                                                             : fmt::format("the node is {}; failed: {}", state, failed)});
        } catch (const Error& error) {
            return Verdict{Outcome::degraded, error.message()};
        } catch (const Json::exception& error) {
            return Verdict{Outcome::degraded, fmt::format("cannot understand what came by the status port: {}", error.what())};
        }
    });
}

std::optional<Verdict> Watch::settle(Verdict verdict) {
    settled_ = std::move(verdict);
    return until_ == Until::ready ? settled_ : std::nullopt;
}

// The kernel still has to keep its last words, and to start the machine again.
std::optional<Verdict> Watch::panic(std::string cause) {
    if (!panicked_) panicked_ = Verdict{Outcome::panicked, std::move(cause)};
    return until_ == Until::ready ? panicked_ : std::nullopt;
}

Verdict Watch::shut_down(std::string_view reason) const {
    if (reason.starts_with("host-")) return {Outcome::interrupted, fmt::format("the emulator was stopped ({})", reason)};
    if (panicked_) return *panicked_;
    if (reason != "guest-shutdown") return {Outcome::reset, fmt::format("the machine started again after: {}", last_line())};
    if (settled_) return *settled_;
    return {Outcome::powered_off, fmt::format("the machine powered off before it was ready, after: {}", last_line())};
}

Verdict Watch::out_of_budget() const {
    if (panicked_) return *panicked_;
    return {Outcome::timed_out, fmt::format("{} came in time; the last line is: {}",
                                            settled_ ? "no power off" : "nothing", last_line())};
}

std::string Watch::last_line() const {
    const auto shown = plain(transcript_);
    const auto lines = split(shown, '\n');
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
        if (!trim(*line).empty()) return std::string(trim(*line));
    return "(the console said nothing)";
}

} // namespace ashlar::machine
