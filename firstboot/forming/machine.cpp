#include <forming/machine.hpp>

#include <forming/ledger.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::forming {

namespace fs = std::filesystem;

namespace {

constexpr int exit_of_timeout = 124, exit_of_kill = 137;

std::string seconds(formation::Duration duration) { return fmt::format("{}.{:03}", duration.count() / 1000, duration.count() % 1000); }

Outcome run_job(const std::vector<std::string>& argv, formation::Duration timeout) {
    std::vector<std::string> words{"timeout", "--kill-after=2", seconds(timeout)};
    words.insert(words.end(), argv.begin(), argv.end());
    const auto outcome = ashlar::run({.argv = std::move(words)});
    return {outcome.exit_code, outcome.output, outcome.errors, outcome.exit_code == exit_of_timeout || outcome.exit_code == exit_of_kill};
}

// The number in the third field of a line of passwd(5) or group(5).
std::optional<unsigned> id_of(const fs::path& file, std::string_view name) {
    if (!fs::exists(file)) return std::nullopt;
    const std::string text = read_file(file);
    for (const auto line : split(text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 4 || fields[0] != name) continue;
        unsigned id = 0;
        const auto [end, failure] = std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), id);
        if (failure == std::errc() && end == fields[2].data() + fields[2].size()) return id;
    }
    return std::nullopt;
}

std::string name_of(const fs::path& file, unsigned id) {
    const std::string text = fs::exists(file) ? read_file(file) : std::string();
    for (const auto line : split(text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() >= 4 && fields[2] == fmt::format("{}", id)) return std::string(fields[0]);
    }
    return fmt::format("{}", id);
}

unsigned required_id(const fs::path& file, const std::string& name) {
    if (const auto id = id_of(file, name)) return *id;
    throw Error(fmt::format("cannot find the account '{}' in '{}'", name, file.native()));
}

} // namespace

ChildRunner::~ChildRunner() = default;

void ChildRunner::start(const Job& job) {
    running_[job.name] = std::async(std::launch::async, [argv = command(job), timeout = job.timeout] { return run_job(argv, timeout); });
}

Runner::Answer ChildRunner::poll(const std::string& name) {
    const auto found = running_.find(name);
    if (found == running_.end()) return Unknown{};
    if (found->second.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return Running{};
    auto ended = std::move(found->second);
    running_.erase(found);
    try {
        return ended.get();
    } catch (const Error& error) {
        return Outcome{.exit_code = 127, .output = {}, .errors = error.message()};
    }
}

std::string TransientUnitRunner::unit_of(const std::string& job) { return fmt::format("ashlar-formation-{}.service", job); }

std::vector<std::string> TransientUnitRunner::command(const Job& job) const {
    std::vector<std::string> words{"systemd-run", "--quiet", "--wait", "--pipe", "--collect", "--unit=" + unit_of(job.name), "--property=RuntimeMaxSec=" + seconds(job.timeout), "--property=KillMode=control-group"};
    if (job.kind == Job::Kind::observation)
        for (const char* property : {"ProtectSystem=strict", "ReadOnlyPaths=/", "PrivateTmp=yes"}) words.push_back(fmt::format("--property={}", property));
    words.emplace_back("--");
    words.insert(words.end(), job.argv.begin(), job.argv.end());
    return words;
}

void TransientUnitRunner::start(const Job& job) {
    // One that an earlier daemon started is waited for, not doubled: poll() tells when it has ended.
    if (ashlar::run({.argv = {"systemctl", "is-active", "--quiet", unit_of(job.name)}}).ok()) return;
    started_[job.name] = true;
    Job patient = job;
    patient.timeout += std::chrono::seconds(10); // the unit has its own deadline, and ends before its client
    ChildRunner::start(patient);
}

Runner::Answer TransientUnitRunner::poll(const std::string& name) {
    if (started_.contains(name)) {
        Answer answer = ChildRunner::poll(name);
        if (!std::holds_alternative<Running>(answer)) started_.erase(name);
        return answer;
    }
    return ashlar::run({.argv = {"systemctl", "is-active", "--quiet", unit_of(name)}}).ok() ? Answer(Running{}) : Answer(Unknown{});
}

std::optional<Files::File> RootFiles::read(const std::string& path) const {
    const fs::path place = root_ / fs::path(path).relative_path();
    struct stat status {};
    if (::lstat(place.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
        throw system_error("look at", place.native());
    }
    if (!S_ISREG(status.st_mode)) return File{};
    return File{read_file(place), name_of(root_ / "etc/passwd", status.st_uid), name_of(root_ / "etc/group", status.st_gid), status.st_mode & 07777U};
}

void RootFiles::write(const std::string& path, const File& file) {
    const fs::path place = root_ / fs::path(path).relative_path();
    const unsigned user = required_id(root_ / "etc/passwd", file.owner), group = required_id(root_ / "etc/group", file.group);
    fs::create_directories(place.parent_path());
    write_file(
        place,
        [&](const Fd& out) {
            if (::fchown(out.get(), user, group) != 0) throw system_error("give away", place.native());
            write_all(out.get(), file.text, place.native());
        },
        file.mode);
}

namespace {

void systemctl(std::vector<std::string> words) {
    words.insert(words.begin(), "systemctl");
    (void)run_checked({.argv = std::move(words)});
}

} // namespace

Units::State SystemUnits::state(const std::string& unit) const {
    const auto outcome = ashlar::run({.argv = {"systemctl", "is-active", unit}});
    const auto word = trim(outcome.output);
    if (word == "active" || word == "reloading") return State::active;
    return word == "failed" ? State::failed : State::inactive;
}

void SystemUnits::reset_failed(const std::string& unit) { (void)ashlar::run({.argv = {"systemctl", "reset-failed", unit}}); } // one that was never loaded has nothing to forget
void SystemUnits::start(const std::string& unit) { systemctl({"start", "--no-block", unit}); }
void SystemUnits::reload(const std::string& unit) {
    if (state(unit) == State::active) systemctl({"reload", "--no-block", unit});
}
void SystemUnits::restart(const std::string& unit) { systemctl({"try-restart", "--no-block", unit}); }

std::optional<std::string> OpenVault::open(std::string_view formation, std::string_view secret) const {
    const std::string key = key::secret(formation, secret);
    const auto entries = store_.list(key);
    const auto found = entries.find(key);
    return found == entries.end() ? std::nullopt : std::optional(found->second.value);
}

void OpenVault::make(std::string_view formation, const formation::Secret& secret) { (void)store_.swap(key::secret(formation, secret.name.value), 0, random_secret(secret, random_)); }

namespace {

std::string base64(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
        unsigned group = 0;
        for (std::size_t i = 0; i < 3; ++i) group = group << 8U | (i < have ? std::to_integer<unsigned>(bytes[at + i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i) text += i <= have ? digits[group >> (18 - 6 * i) & 63U] : '=';
    }
    return text;
}

} // namespace

std::string random_secret(const formation::Secret& secret, Randomness& random) {
    std::vector<std::byte> bytes(secret.size);
    random.fill(bytes);
    return secret.form == formation::Secret::Form::hex ? to_hex(bytes) : base64(bytes);
}

} // namespace ashlar::forming
