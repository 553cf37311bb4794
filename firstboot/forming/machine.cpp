#include <forming/machine.hpp>

#include <forming/ledger.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
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

// With `ProtectSystem=strict` alone systemd leaves /run, /dev and /sys/fs/cgroup as they are, also below ReadOnlyPaths=/ (257).
constexpr std::array what_only_reads{"ProtectSystem=strict", "ReadOnlyPaths=/",           "ReadOnlyPaths=/run",      "ReadOnlyPaths=/proc",         "ReadOnlyPaths=/sys", "BindReadOnlyPaths=/dev",
                                     "ProtectHome=read-only", "ProtectControlGroups=yes", "ProtectKernelTunables=yes", "TemporaryFileSystem=/tmp", "TemporaryFileSystem=/var/tmp"};
constexpr std::string_view killed_code = "2", dumped_code = "3"; // CLD_KILLED, CLD_DUMPED
constexpr int signal_base = 128;
constexpr std::size_t most_kept = std::size_t{1} << 20U; // of what a program prints

std::string properties_of(const std::string& unit) { return run_checked({.argv = {"systemctl", "show", fmt::format("--property={}", TransientUnitRunner::asked), unit}}); }

// The last of it: what a program says at its end is why it ended. More than that is no observation either.
std::string end_of(const fs::path& file) {
    if (!fs::exists(file)) return {};
    const Fd in = open_file(file, O_RDONLY);
    const auto size = fs::file_size(file);
    if (size > most_kept && ::lseek(in.get(), static_cast<off_t>(size - most_kept), SEEK_SET) < 0) throw system_error("read", file.native());
    std::string text(most_kept, '\0');
    text.resize(read_some(in.get(), std::as_writable_bytes(std::span(text)), file.native()));
    return text;
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

fs::path TransientUnitRunner::file_of(const std::string& job, std::string_view ending) const { return output_ / (job + std::string(ending)); }

std::vector<std::string> TransientUnitRunner::command(const Job& job) const {
    std::vector<std::string> words{"systemd-run", "--quiet", "--service-type=exec", "--remain-after-exit", "--unit=" + unit_of(job.name)};
    const auto property = [&](std::string_view text) { words.push_back(fmt::format("--property={}", text)); };
    property("RuntimeMaxSec=" + seconds(job.timeout));
    property("TimeoutStopSec=2s"); // for whoever does not end when asked to
    property("KillMode=control-group");
    // Not pipes: they would break with the daemon, and a program that says something then is killed by it.
    property("StandardOutput=truncate:" + file_of(job.name, ".out").native());
    property("StandardError=truncate:" + file_of(job.name, ".err").native());
    if (job.kind == Job::Kind::observation)
        for (const auto text : what_only_reads) property(text);
    words.emplace_back("--");
    words.insert(words.end(), job.argv.begin(), job.argv.end());
    return words;
}

// Names and values of systemd's D-Bus interface, org.freedesktop.systemd1(5).
Runner::Answer TransientUnitRunner::answer_in(std::string_view properties) {
    std::map<std::string_view, std::string_view> is;
    for (const auto line : split(properties, '\n'))
        if (const std::size_t sign = line.find('='); sign != std::string_view::npos) is[line.substr(0, sign)] = line.substr(sign + 1);
    const std::string_view state = is["ActiveState"];
    if (is["LoadState"] == "not-found" || state == "inactive") return Unknown{};
    const bool has_ended = state == "failed" || (state == "active" && is["SubState"] == "exited");
    if (!has_ended) return Running{};
    int status = 0;
    const std::string_view said = is["ExecMainStatus"];
    (void)std::from_chars(said.data(), said.data() + said.size(), status);
    const bool was_killed = is["ExecMainCode"] == killed_code || is["ExecMainCode"] == dumped_code;
    return Outcome{.exit_code = was_killed ? signal_base + status : status, .output = {}, .errors = {}, .was_too_slow = is["Result"] == "timeout"};
}

void TransientUnitRunner::start(const Job& job) {
    const Answer before = answer_in(properties_of(unit_of(job.name)));
    if (std::holds_alternative<Running>(before)) return;
    if (const auto* left = std::get_if<Outcome>(&before)) drop(job.name, *left);
    fs::create_directories(output_);
    fs::permissions(output_, fs::perms::owner_all);
    (void)run_checked({.argv = command(job)});
}

Runner::Answer TransientUnitRunner::poll(const std::string& name) {
    Answer answer = answer_in(properties_of(unit_of(name)));
    if (auto* outcome = std::get_if<Outcome>(&answer)) {
        outcome->output = end_of(file_of(name, ".out"));
        outcome->errors = end_of(file_of(name, ".err"));
        drop(name, *outcome);
    }
    return answer;
}

void TransientUnitRunner::drop(const std::string& job, const Outcome& outcome) const {
    // One that has failed is not stopped, and one that has not has nothing to reset.
    const bool has_failed = outcome.exit_code != 0 || outcome.was_too_slow;
    (void)ashlar::run({.argv = {"systemctl", has_failed ? "reset-failed" : "stop", unit_of(job)}});
    for (const char* ending : {".out", ".err"}) {
        std::error_code ignored;
        fs::remove(file_of(job, ending), ignored);
    }
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
    if (word.empty()) throw Error(fmt::format("cannot ask for the state of '{}': {}", unit, trim(outcome.errors)));
    if (word == "active" || word == "reloading" || word == "refreshing") return State::active;
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
