#include <formations/clock.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <charconv>
#include <sys/stat.h>
#include <sys/timex.h>

namespace ashlar::formations {

namespace {

constexpr std::uint64_t cap_sys_time = std::uint64_t{1} << 25U; // capabilities(7)

// Of proc_pid_status(5). What cannot be read leaves the stricter answer.
bool may_set_time(const std::filesystem::path& status) {
    if (!std::filesystem::exists(status)) return true;
    const std::string text = read_file(status);
    for (const auto line : split(text, '\n')) {
        if (!line.starts_with("CapBnd:")) continue;
        const std::string_view digits = trim(line.substr(line.find(':') + 1));
        std::uint64_t set = 0;
        const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), set, 16);
        return failure != std::errc() || end != digits.data() + digits.size() || (set & cap_sys_time) != 0;
    }
    return true;
}

bool is_synchronised() {
    timex state{}; // no modes: it is only read
    const int answer = ::adjtimex(&state);
    return answer >= 0 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

} // namespace

bool time_is_sane(const Clock& clock, Time newest_signed, bool has_time_servers) noexcept {
    if (clock.now < newest_signed) return false;
    return !clock.is_own || clock.synchronised || !has_time_servers;
}

Clock read_clock(const std::filesystem::path& root) {
    return {.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()), .is_own = may_set_time(root / "proc/1/status"), .synchronised = is_synchronised()};
}

Time image_time(const std::filesystem::path& root) {
    const auto file = root / "usr/lib/os-release";
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) throw system_error("look at", file.native());
    return Time(std::chrono::seconds(status.st_mtim.tv_sec));
}

} // namespace ashlar::formations
