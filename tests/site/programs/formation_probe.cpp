// The effects of formations, one at a time, for tests on a node: each call is a process of its own, as after a kill of ashlard.
//
//     formation_probe start NAME observation|step MILLISECONDS PROGRAM [ARGUMENT...]
//     formation_probe poll NAME                       unknown, running, or {"exit_code", "too_slow", "output", "errors"}
//     formation_probe unit state|start|restart|reload|reset-failed UNIT

#include <base/error.hpp>
#include <base/json.hpp>
#include <forming/machine.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace {

using namespace ashlar;
using namespace ashlar::forming;

Job job_of(const std::vector<std::string>& words) {
    return {.name = words.at(1), .argv = {words.begin() + 4, words.end()}, .timeout = std::chrono::milliseconds(std::stol(words.at(3))), .kind = words.at(2) == "step" ? Job::Kind::step : Job::Kind::observation};
}

std::string text_of(const Runner::Answer& answer) {
    if (std::holds_alternative<Runner::Unknown>(answer)) return "unknown";
    if (std::holds_alternative<Runner::Running>(answer)) return "running";
    const auto& outcome = std::get<forming::Outcome>(answer);
    return Json{{"exit_code", outcome.exit_code}, {"too_slow", outcome.was_too_slow}, {"output", outcome.output}, {"errors", outcome.errors}}.dump();
}

void order(const std::string& what, const std::string& unit) {
    SystemUnits units;
    constexpr const char* names[] = {"inactive", "active", "failed"};
    if (what == "state") fmt::print("{}\n", names[static_cast<int>(units.state(unit))]);
    else if (what == "start") units.start(unit);
    else if (what == "restart") units.restart(unit);
    else if (what == "reload") units.reload(unit);
    else units.reset_failed(unit);
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    try {
        if (words.at(0) == "start") TransientUnitRunner().start(job_of(words));
        else if (words.at(0) == "poll") fmt::print("{}\n", text_of(TransientUnitRunner().poll(words.at(1))));
        else if (words.at(0) == "unit") order(words.at(1), words.at(2));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "formation_probe: {}\n", error.what());
        return 1;
    }
}
