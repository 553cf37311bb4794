#include <formations/history.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <chrono>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace ashlar::formations {

namespace fs = std::filesystem;

namespace {

std::int64_t milliseconds(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
}

// proc(5), stat, field 22: in ticks since the kernel began. A container's first process begins later.
std::int64_t begin_of_first_process() {
    constexpr std::size_t field = 22, behind_name = 2;
    const std::string text = read_file("/proc/1/stat");
    const std::string_view behind = trim(std::string_view(text).substr(text.rfind(')') + 1));
    return std::stoll(std::string(split(behind, ' ').at(field - behind_name - 1))) * 1000 / ::sysconf(_SC_CLK_TCK);
}

} // namespace

Age age_of_node() {
    const std::int64_t now = milliseconds(CLOCK_BOOTTIME) - begin_of_first_process();
    return {now, milliseconds(CLOCK_REALTIME) - now};
}

History::History(fs::path file) : file_(std::move(file)) {
    try {
        if (!fs::exists(file_)) return;
        const std::string text = read_file(file_);
        for (const auto line : split(trim(text), '\n')) {
            Json event = parse_strict_json(line, file_.native());
            last_[event.at("formation")] = {event.at("formation"), {}, event.at("why"), event.value("step", "")};
            events_.push_back(std::move(event));
        }
    } catch (const std::exception&) {
        events_.clear();
        last_.clear();
        fs::remove(file_);
    }
}

void History::note(const forming::Standing& standing, std::int64_t at) {
    const auto found = last_.find(standing.formation);
    if (found != last_.end() && found->second.why == standing.why && found->second.step == standing.step) return;
    last_[standing.formation] = standing;
    Json event{{"at", at}, {"formation", standing.formation}, {"state", forming::name_of(standing.state)}, {"why", standing.why}};
    if (!standing.step.empty()) event["step"] = standing.step;
    append(std::move(event));
}

void History::append(Json event) {
    events_.push_back(std::move(event));
    if (events_.size() > most_events) {
        events_.erase(events_.begin(), events_.end() - most_events / 2);
        std::string text;
        for (const auto& one : events_) text += one.dump() + '\n';
        write_file(file_, text, 0600);
        return;
    }
    const Fd out = open_file(file_, O_WRONLY | O_CREAT | O_APPEND, 0600);
    write_all(out.get(), events_.back().dump() + '\n', file_.native());
}

Json History::json(const std::string& node, const Age& age) const { return {{"format", 1}, {"node", node}, {"power_on", age.power_on}, {"now", age.now}, {"events", events_}}; }

} // namespace ashlar::formations
