// `ashlarctl verify`.

#include "rescue.hpp"
#include "site.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <ctl/verification.hpp>

#include <chrono>
#include <cstdio>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace {

struct Wish {
    std::vector<std::string> formations;
    std::string junit;
};

Ended run_check(const std::vector<std::string>& argv, unsigned seconds) {
    std::vector<std::string> command{"timeout", "--kill-after=5", std::to_string(seconds)};
    command.insert(command.end(), argv.begin(), argv.end());
    const auto begin = std::chrono::steady_clock::now();
    auto outcome = run({.argv = std::move(command)});
    return {outcome.exit_code, outcome.output + outcome.errors, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
}

int verify_site(const Door& door, const Wish& wish) {
    if (::geteuid() != 0) throw Error("cannot verify the site: checks use the services' own keys, which are root's", "use sudo");
    const Json answer = ask_node(door, "Checks");
    const auto verdicts = verify(answer, wish.formations, run_check, [&](const Verdict& verdict) {
        if (door.json) return;
        fmt::print("{}", verdict_text(verdict));
        std::fflush(stdout);
    });
    if (!wish.junit.empty()) write_file(wish.junit, junit_of(verdicts, host_name()));
    (void)show(door, json_of(verdicts), [&](const Json&) { return summary_text(verdicts); });
    const bool is_well = std::ranges::all_of(verdicts, [](const Verdict& verdict) { return verdict.result == Verdict::Result::passed; });
    return is_well ? 0 : 1;
}

} // namespace

void add_verify_command(CLI::App& app, const Choose& choose) {
    auto wish = std::make_shared<Wish>();
    auto* command = add_command(app, choose, "verify", "Whether the site's services are formed, and do their work: from wires and time to S3, each by its own tools",
                                "ashlarctl verify\n  ashlarctl verify ceph-rgw --json\n  ashlarctl verify --junit /run/verify.xml     for a pipeline", [wish](const Door& door) { return verify_site(door, *wish); });
    command->add_option("FORMATION", wish->formations, "These, and what they stand on (default: all)");
    command->add_option("--junit", wish->junit, "Write the result there as JUnit XML as well")->type_name("FILE");
}

} // namespace ashlar::ctl
